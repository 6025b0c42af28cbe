"""What one answer says of an owner and type: records, their sure absence, or nothing."""

from __future__ import annotations

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from probes.facts.dns import Presence, RecordSet
from probes.interface import Reason, canonical_name

#: Longest value kept of a record, and most records of a set.
_VALUE, _VALUES = 4096, 100


def record_set(answer: dns.message.Message, owner: dns.name.Name, rdtype: str, asked: str) -> RecordSet:
    """Return what one answer says of an owner and type."""
    text = canonical_name(str(owner))
    if answer.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        return unknown_set(owner, rdtype, Reason.SERVER_FAILURE, asked)
    wanted = dns.rdatatype.from_text(rdtype)
    own = [r for r in answer.answer if r.rdtype == wanted]
    values = sorted({str(record)[:_VALUE] for rrset in own for record in rrset})[:_VALUES]
    links = {r.name: str(r[0].target) for r in answer.answer if r.rdtype == dns.rdatatype.CNAME and len(r)}
    passed: list[str] = []
    seen, at = set(), owner
    while at in links and at not in seen:
        seen.add(at)
        passed.append(canonical_name(links[at]))
        at = dns.name.from_text(links[at])
    return RecordSet(
        owner=text,
        rdtype=rdtype,
        presence=Presence.PRESENT if values else Presence.ABSENT,
        values=tuple(values),
        ttl=min((r.ttl for r in own), default=0),
        nonexistent=answer.rcode() == dns.rcode.NXDOMAIN and not links,
        alias=passed[-1] if passed else "",
        links=tuple(passed),
        asked=asked,
    )


def unknown_set(owner: dns.name.Name, rdtype: str, reason: Reason, asked: str) -> RecordSet:
    """Return a set of which nothing could be told, and why."""
    return RecordSet(
        owner=canonical_name(str(owner)), rdtype=rdtype, presence=Presence.UNKNOWN, reason=reason.value, asked=asked
    )
