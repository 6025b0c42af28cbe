"""Where an alias ends: the chain followed over zones, each link from the servers of its own zone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache

import dns.exception
import dns.flags
import dns.name
import dns.rcode
import dns.rdatatype
from publicsuffixlist import PublicSuffixList

from probes.dns.records import record_set, unknown_set
from probes.dns.walk import Walker
from probes.facts.dns import AliasTarget, Presence, RecordSet
from probes.interface import ProbeError, Reason, canonical_name

#: Most links followed.
_LINKS = 8

#: Asks the configured resolver for addresses of a name; None without one.
Resolve = Callable[[dns.name.Name, str], Awaitable[RecordSet]]


async def look_at_alias(walker: Walker, resolve: Resolve | None, first: RecordSet, name: dns.name.Name) -> AliasTarget:
    """Return the end of the chain that begins at ``name``'s alias in ``first``, and whether its domain can be had."""
    target, chain = first.alias, list(first.links or (first.alias,))
    seen: set[str] = set()
    found = RecordSet(owner=target, rdtype="A", presence=Presence.UNKNOWN, reason=Reason.MALFORMED.value)
    while target not in seen and len(seen) < _LINKS:
        seen.add(target)
        try:
            wanted = dns.name.from_text(target)
        except dns.exception.DNSException:
            break
        found = await _asked(walker, resolve, wanted)
        if not found.alias:
            break
        target = found.alias
        chain += found.links
    presence = Presence.ABSENT if found.nonexistent else found.presence
    if found.presence is Presence.ABSENT and not found.nonexistent:
        presence = Presence.PRESENT
    registrable = registrable_domain(target)
    gone = found.nonexistent and found.asked == "authoritative"
    return AliasTarget(
        target=target,
        presence=presence,
        nonexistent=found.nonexistent,
        in_zone=dns.name.from_text(target).is_subdomain(name.parent()) if name != dns.name.root else False,
        reason=found.reason,
        asked=found.asked,
        registrable=registrable,
        registrable_nonexistent=await surely_nonexistent(walker, registrable) if gone and registrable else None,
        chain=tuple(dict.fromkeys(chain)),
    )


async def _asked(walker: Walker, resolve: Resolve | None, name: dns.name.Name) -> RecordSet:
    try:
        zone = await walker.zone_of(name)
        answer = await walker.ask_any(zone, name, dns.rdatatype.A)
        # What answers in the place of the zone's servers (a relay on the way, a resolver) has no authority and proves
        # nothing.
        return record_set(answer, name, "A", "authoritative" if answer.flags & dns.flags.AA else "resolver")
    except ProbeError as error:
        if error.reason is Reason.INTERRUPTED:
            raise
        return unknown_set(name, "A", error.reason, "authoritative") if resolve is None else await resolve(name, "A")


async def surely_nonexistent(walker: Walker, name: str) -> bool | None:
    """Tell whether the servers above a name say that it does not exist; None when they did not tell."""
    try:
        wanted = dns.name.from_text(name)
        answer = await walker.ask_any(await walker.zone_of(wanted.parent()), wanted, dns.rdatatype.NS)
    except dns.exception.DNSException:
        return None
    except ProbeError as error:
        if error.reason is Reason.INTERRUPTED:
            raise
        return None
    return answer.rcode() == dns.rcode.NXDOMAIN if answer.flags & dns.flags.AA else None


def registrable_domain(name: str) -> str:
    """Return the part of a name that somebody registers, by the public suffix list; "" for a suffix itself.

    An address in the place of a name ends in digits, as no top-level domain does.
    """
    if canonical_name(name).rpartition(".")[2].isdecimal():
        return ""
    return _suffixes().privatesuffix(canonical_name(name)) or ""


@cache
def _suffixes() -> PublicSuffixList:
    # Private suffixes (azurewebsites.net, …) are providers' names, registered by nobody else.
    return PublicSuffixList(only_icann=True)
