"""The walk of a signed zone along its NSEC records (RFC 4034 4); hashed proofs and lies are told, not fought."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import dns.message
import dns.name
import dns.rdatatype

from probes.dns.denial import types_of
from probes.dns.walk import Walker, Zone
from probes.facts.discovery import ZoneWalk
from probes.interface import ProbeError, Reason, canonical_name

#: Types that make a name a host.
_HOST_TYPES = {dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.CNAME}


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """How far the walk went: its state, every name met, those that are hosts, and whether it was cut."""

    state: ZoneWalk
    names: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    cut: bool = False


async def walk(walker: Walker, zone: Zone, *, most: int) -> Walked:
    """Follow the chain from the apex until it closes, at most ``most`` names."""
    stranger = dns.name.from_text(secrets.token_hex(8), zone.apex)
    answer = await _ask(walker, zone, stranger)
    if answer is None:
        return Walked(state=ZoneWalk.UNKNOWN)
    kinds = {rrset.rdtype for rrset in answer.authority}
    if dns.rdatatype.NSEC3 in kinds:
        return Walked(state=ZoneWalk.HASHED)
    if dns.rdatatype.NSEC not in kinds:
        return Walked(state=ZoneWalk.UNSIGNED)
    return await _follow(walker, zone, most)


async def _follow(walker: Walker, zone: Zone, most: int) -> Walked:
    names: list[str] = []
    hosts: list[str] = []
    at = zone.apex
    while len(names) < most:
        answer = await _ask(walker, zone, at)
        link = _link(answer, at) if answer is not None else None
        if link is None:
            return _ended(names, hosts, cut=True)
        following, types = link
        if any(b"\0" in label for label in following.labels[:-1]):
            # RFC 4470: the smallest name after the one asked; the server makes its proofs on the spot.
            return Walked(state=ZoneWalk.WHITE_LIES)
        names.append(canonical_name(str(at)))
        if types & _HOST_TYPES:
            hosts.append(names[-1])
        if following == zone.apex:
            return _ended(names, hosts, cut=False)
        if not following.is_subdomain(zone.apex) or following <= at:
            return _ended(names, hosts, cut=True)
        at = following
    return _ended(names, hosts, cut=True)


def _ended(names: list[str], hosts: list[str], *, cut: bool) -> Walked:
    if cut and len(names) < 2:
        return Walked(state=ZoneWalk.UNKNOWN)
    return Walked(state=ZoneWalk.WALKED, names=tuple(names), hosts=tuple(hosts), cut=cut)


def _link(answer: dns.message.Message, at: dns.name.Name) -> tuple[dns.name.Name, set[int]] | None:
    """The name after ``at`` and the types of ``at``, from its own NSEC record."""
    for rrset in (*answer.answer, *answer.authority):
        if rrset.rdtype == dns.rdatatype.NSEC and rrset.name == at:
            record = rrset[0]
            return record.next, types_of(record)
    return None


async def _ask(walker: Walker, zone: Zone, name: dns.name.Name) -> dns.message.Message | None:
    try:
        return await walker.ask_any(zone, name, dns.rdatatype.NSEC, signed=True)
    except ProbeError as error:
        if error.reason is Reason.INTERRUPTED:
            raise
    return None
