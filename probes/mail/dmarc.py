"""The DMARC policy of a domain: the climb of RFC 9989 and the organisational domain of RFC 7489, side by side."""

from __future__ import annotations

import re

from probes.facts.dns import Presence
from probes.facts.mail import dmarc
from probes.facts.mail.policies import DmarcPolicy, DmarcStep, ReportTarget
from probes.facts.mail.tags import TagSyntaxError, tags
from probes.interface import canonical_name
from probes.mail.lookup import Lookup

#: Labels from which on the climb skips to seven (RFC 9989, DNS tree walk).
_MANY, _SEVEN = 8, 7
_MOST_TARGETS = 10


async def dmarc_policy(lookup: Lookup, domain: str) -> DmarcPolicy:
    """Return the policy that applies to a domain, and every step it was looked for at."""
    organisational = lookup.organisational(domain)
    steps = await _climb(lookup, domain)
    if organisational not in {step.domain for step in steps}:
        steps.append(await _step(lookup, organisational))
    walked = _organisational(domain, steps)
    valid = {step.domain: step.records[0] for step in steps if _usable(step)}
    suffixes = [step.domain for step in steps if _suffix_tag(step) == "y"]
    place = next((at for at in (domain, organisational, walked, *suffixes) if at in valid), "")
    record = valid.get(place, "")
    return DmarcPolicy(
        steps=tuple(steps),
        organisational=organisational,
        organisational_walk=walked,
        record=record[:1000],
        found_at=place,
        targets=await _targets(lookup, record, place) if record else (),
    )


def climb(domain: str) -> tuple[str, ...]:
    """Return the domains whose ``_dmarc`` is asked, from the domain to its top label."""
    labels = domain.split(".")
    found = [domain]
    rest = labels[-_SEVEN:] if len(labels) >= _MANY else labels[1:]
    while rest:
        found.append(".".join(rest))
        rest = rest[1:]
    return tuple(found)


async def _climb(lookup: Lookup, domain: str) -> list[DmarcStep]:
    """The steps; a record that says whether its domain is a public suffix ends the climb."""
    steps = []
    for at in climb(domain):
        step = await _step(lookup, at)
        steps.append(step)
        if _suffix_tag(step) in {"y", "n"}:
            break
    return steps


async def _step(lookup: Lookup, domain: str) -> DmarcStep:
    found = await lookup.find(f"_dmarc.{domain}", "TXT")
    records = tuple(text[:1000] for text in found.values if dmarc.is_dmarc(text))
    if found.presence is Presence.UNKNOWN:
        return DmarcStep(domain=domain, presence=Presence.UNKNOWN, reason=found.reason)
    return DmarcStep(domain=domain, presence=Presence.PRESENT if records else Presence.ABSENT, records=records)


def _usable(step: DmarcStep) -> bool:
    """Tell whether receivers use what stands at a step: exactly one record, and readable (RFC 7489 6.6.3)."""
    if len(step.records) != 1:
        return False
    try:
        dmarc.parse(step.records[0])
    except TagSyntaxError:
        return False
    return True


def _suffix_tag(step: DmarcStep) -> str:
    if not _usable(step):
        return ""
    return tags(step.records[0]).get("psd", "").lower()


def _organisational(domain: str, steps: list[DmarcStep]) -> str:
    """The organisational domain by the tree walk: psd=n, one label below psd=y, else the shortest with a record."""
    shortest = ""
    for step in steps:
        if _usable(step):
            tag = _suffix_tag(step)
            if tag == "n":
                return step.domain
            if tag == "y" and step.domain != domain:
                labels = step.domain.count(".") + 2
                return ".".join(domain.split(".")[-labels:])
            shortest = step.domain
    return shortest or domain


async def _targets(lookup: Lookup, record: str, domain: str) -> tuple[ReportTarget, ...]:
    """Where reports go, and whether another organisation's domain accepts them."""
    found = []
    own = lookup.organisational(domain)
    parsed = dmarc.parse(record)
    for address in dict.fromkeys((*parsed.aggregate, *parsed.failure)):
        match = re.match(r"mailto:[^@]{1,200}@([A-Za-z0-9._-]{1,253})\Z", address, re.I)
        target = canonical_name(match[1]) if match else ""
        external = bool(target) and lookup.organisational(target) != own
        authorised = Presence.UNKNOWN
        if external:
            answer = await lookup.find(f"{domain}._report._dmarc.{target}", "TXT")
            authorised = answer.presence
            if answer.presence is Presence.PRESENT and not any(map(dmarc.is_dmarc, answer.values)):
                authorised = Presence.ABSENT
        found.append(ReportTarget(address=address[:300], domain=target, external=external, authorised=authorised))
        if len(found) == _MOST_TARGETS:
            break
    return tuple(found)
