"""Proofs that a name has no DS record (RFC 4035 5.2, RFC 5155 8.6): a zone not signed, no cut, or no such name."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from enum import StrEnum

import dns.dnssec
import dns.exception
import dns.name
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.NSEC import NSEC
from dns.rdtypes.ANY.NSEC3 import NSEC3

#: More iterations than this prove nothing any more (RFC 9276 3.2).
_ITERATIONS = 150


class Absence(StrEnum):
    """What the proofs say of a name without DS."""

    #: A zone is delegated here, and is not signed.
    UNSIGNED = "unsigned"
    #: The name lies in the same zone.
    NO_CUT = "no-cut"
    NO_NAME = "no-name"
    UNPROVED = "unproved"


def absence_of_ds(name: dns.name.Name, apex: dns.name.Name, proofs: Sequence[dns.rrset.RRset]) -> Absence:
    """Return what validated NSEC or NSEC3 sets of the parent zone prove about a name."""
    for rrset in proofs:
        if rrset.rdtype == dns.rdatatype.NSEC:
            said = _nsec(name, apex, rrset)
            if said is not None:
                return said
    hashed = [r for r in proofs if r.rdtype == dns.rdatatype.NSEC3]
    return _nsec3(name, apex, hashed) if hashed else Absence.UNPROVED


def types_of(record: NSEC | NSEC3) -> set[int]:
    """Return the types that an NSEC or NSEC3 record says an owner has."""
    return {
        window * 256 + byte * 8 + bit
        for window, bitmap in record.windows
        for byte, octet in enumerate(bitmap)
        for bit in range(8)
        if octet & 0x80 >> bit
    }


def _by_types(types: set[int]) -> Absence:
    if dns.rdatatype.DS in types:
        return Absence.UNPROVED
    cut = dns.rdatatype.NS in types and dns.rdatatype.SOA not in types
    return Absence.UNSIGNED if cut else Absence.NO_CUT


def _nsec(name: dns.name.Name, apex: dns.name.Name, rrset: dns.rrset.RRset) -> Absence | None:
    owner, record = rrset.name, rrset[0]
    if owner == name:
        return _by_types(types_of(record))
    last = record.next == apex
    if not (owner < name and (last or name < record.next)):
        return None
    # A next name beneath this one makes it an empty non-terminal.
    return Absence.NO_CUT if record.next.is_subdomain(name) else Absence.NO_NAME


def _nsec3(name: dns.name.Name, apex: dns.name.Name, proofs: Sequence[dns.rrset.RRset]) -> Absence:
    records = {_raw(rrset.name): rrset[0] for rrset in proofs}
    first = next(iter(records.values()))
    if first.algorithm != 1:
        return Absence.UNPROVED
    if first.iterations > _ITERATIONS:
        return Absence.UNSIGNED

    def hashed(of: dns.name.Name) -> bytes:
        return base64.b32hexdecode(dns.dnssec.nsec3_hash(of, first.salt, first.iterations, first.algorithm))

    own = records.get(hashed(name))
    if own is not None:
        return _by_types(types_of(own))
    closer, encloser = name, name.parent()
    while hashed(encloser) not in records:
        if encloser == apex or not encloser.is_subdomain(apex):
            return Absence.UNPROVED
        closer, encloser = encloser, encloser.parent()
    wanted = hashed(closer)
    covering = next((r for at, r in records.items() if _covers(at, r.next, wanted)), None)
    if covering is None:
        return Absence.UNPROVED
    return Absence.UNSIGNED if covering.flags & 1 else Absence.NO_NAME


def _covers(owner: bytes, following: bytes, wanted: bytes) -> bool:
    if owner < following:
        return owner < wanted < following
    return wanted > owner or wanted < following


def _raw(name: dns.name.Name) -> bytes:
    try:
        return base64.b32hexdecode(name.labels[0].upper())
    except ValueError:
        return b""
