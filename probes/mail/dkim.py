"""The DKIM keys of a domain: whether any can exist, the selectors declared, and those mail products commonly use."""

from __future__ import annotations

from probes.facts.dns import Presence
from probes.facts.mail import dkim
from probes.facts.mail.policies import DkimKeys, DkimSelector
from probes.facts.mail.tags import TagSyntaxError
from probes.mail.lookup import Lookup

#: Selectors that widespread products use by default; one plain DNS question each.
USUAL = (
    "default", "dkim", "mail", "selector1", "selector2", "google", "s1", "s2", "k1", "smtp", "zimbra", "mxvault",
    "mailjet", "brevo",
)  # fmt: skip


async def dkim_keys(lookup: Lookup, domain: str, declared: tuple[str, ...], usual: tuple[str, ...]) -> DkimKeys:
    """Return the keys found; a declared selector without a key is kept too, a usual one is not."""
    branch = await lookup.find(f"_domainkey.{domain}", "TXT")
    if branch.presence is Presence.UNKNOWN:
        return DkimKeys(branch=Presence.UNKNOWN, reason=branch.reason)
    absent = branch.nonexistent
    own = [s.partition("@")[0] for s in declared if s.partition("@")[2] in {"", domain}]
    asked = dict.fromkeys(own) | ({} if absent else dict.fromkeys(s for s in usual if s not in own))
    selectors = [await _selector(lookup, domain, name, declared=name in own) for name in asked]
    kept = [s for s in selectors if s.declared or s.presence is Presence.PRESENT]
    if any(s.presence is Presence.PRESENT for s in kept):
        absent = False
    return DkimKeys(branch=Presence.ABSENT if absent else Presence.PRESENT, selectors=tuple(kept))


async def _selector(lookup: Lookup, domain: str, selector: str, *, declared: bool) -> DkimSelector:
    found = await lookup.find(f"{selector}._domainkey.{domain}", "TXT")
    if found.presence is not Presence.PRESENT:
        return DkimSelector(selector=selector, declared=declared, presence=found.presence, reason=found.reason)
    # A wildcard answers here with something that is no key at all.
    keys = [text for text in found.values if "p=" in text]
    if not keys:
        return DkimSelector(selector=selector, declared=declared, presence=Presence.ABSENT)
    try:
        key = dkim.parse(keys[0])
    except TagSyntaxError as error:
        return DkimSelector(selector=selector, declared=declared, presence=Presence.PRESENT, fault=str(error)[:200])
    return DkimSelector(
        selector=selector,
        declared=declared,
        presence=Presence.PRESENT,
        algorithm=key.algorithm,
        bits=key.bits,
        revoked=key.revoked,
        testing=key.testing,
    )
