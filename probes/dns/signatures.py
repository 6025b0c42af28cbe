"""Signatures of record sets (RFC 4035 5.3) and keys that a DS record vouches for (RFC 4035 5.2)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.dnssectypes import DSDigest
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.ANY.RRSIG import RRSIG

from probes.facts.dnssec import DelegationSigner, Flaw, ZoneKey

#: Algorithms that still prove something: RSA with SHA-1 to SHA-512, ECDSA, EdDSA (RFC 8624).
ALGORITHMS = frozenset({5, 7, 8, 10, 13, 14, 15, 16})
#: Digests of DS records: SHA-1, SHA-256, SHA-384.
DIGESTS = frozenset({1, 2, 4})
#: Signatures and keys tried of one set: a zone may hold thousands to exhaust validators (CVE-2023-50387).
_SIGNATURES, _KEYS = 8, 24


#: Any algorithm may validate; which ones are weak is for a rule to say.
_POLICY = dns.dnssec.allow_all_policy


def found(message: dns.message.Message, name: dns.name.Name, rdtype: int) -> dns.rrset.RRset | None:
    """Return a record set of the answer section."""
    return next((r for r in message.answer if r.name == name and r.rdtype == rdtype), None)


def signatures_of(rrset: dns.rrset.RRset, section: Iterable[dns.rrset.RRset]) -> list[RRSIG]:
    """Return the RRSIG records of a set in the section it stands in."""
    return [
        record
        for other in section
        if other.rdtype == dns.rdatatype.RRSIG and other.name == rrset.name
        for record in other
        if record.type_covered == rrset.rdtype
    ]


def flaw_of(
    rrset: dns.rrset.RRset,
    section: Iterable[dns.rrset.RRset],
    signer: dns.name.Name,
    keys: dns.rdataset.Rdataset,
    now: datetime,
) -> Flaw:
    """Return what is wrong with the signatures of a set: nothing as soon as one of the signer's holds."""
    flaws = []
    for signature in [s for s in signatures_of(rrset, section) if s.signer == signer][:_SIGNATURES]:
        flaws.append(_flaw(rrset, signature, signer, keys, now.timestamp()))
        if flaws[-1] is Flaw.NONE:
            return Flaw.NONE
    order = (Flaw.EXPIRED, Flaw.NOT_YET, Flaw.WRONG, Flaw.UNKNOWN_KEY)
    return min(flaws, key=order.index, default=Flaw.NO_SIGNATURE)


def _flaw(
    rrset: dns.rrset.RRset, signature: RRSIG, signer: dns.name.Name, keys: dns.rdataset.Rdataset, now: float
) -> Flaw:
    own = [k for k in keys if dns.dnssec.key_id(k) == signature.key_tag and k.algorithm == signature.algorithm]
    if not own:
        return Flaw.UNKNOWN_KEY
    if signature.expiration < now:
        return Flaw.EXPIRED
    if signature.inception > now:
        return Flaw.NOT_YET
    candidates = dns.rdataset.from_rdata_list(0, own[:_KEYS])
    try:
        dns.dnssec.validate_rrsig(rrset, signature, {signer: candidates}, now=now, policy=_POLICY)
    except (dns.exception.DNSException, ValueError):
        return Flaw.WRONG
    return Flaw.NONE


def vouched(apex: dns.name.Name, keys: Iterable[DNSKEY], signers: Iterable[DS]) -> list[DNSKEY]:
    """Return the keys whose digest a DS record gives."""
    wanted = [s for s in signers if s.algorithm in ALGORITHMS and s.digest_type in DIGESTS]
    return [key for key in list(keys)[:_KEYS] if any(_gives(signer, apex, key) for signer in wanted)]


def _gives(signer: DS, apex: dns.name.Name, key: DNSKEY) -> bool:
    if signer.key_tag != dns.dnssec.key_id(key) or signer.algorithm != key.algorithm:
        return False
    try:
        made = dns.dnssec.make_ds(apex, key, DSDigest(signer.digest_type), policy=_POLICY, validating=True)
    except (dns.exception.DNSException, ValueError):
        return False
    return bytes(made.digest) == bytes(signer.digest)


def key_of(record: DNSKEY) -> ZoneKey:
    """Return a DNSKEY record as a fact."""
    return ZoneKey(
        tag=dns.dnssec.key_id(record),
        algorithm=int(record.algorithm),
        bits=_bits(int(record.algorithm), record.key),
        entry_point=bool(record.flags & 1),
    )


def _bits(algorithm: int, key: bytes) -> int:
    """The size of an RSA modulus (RFC 3110 2), or of a curve; 0 for what is not known."""
    if algorithm in {1, 5, 7, 8, 10}:
        start = 1 + key[0] if key[:1] not in {b"", b"\0"} else 3 + int.from_bytes(key[1:3], "big")
        return int.from_bytes(key[start:], "big").bit_length()
    return {13: 256, 14: 384, 15: 256, 16: 456}.get(algorithm, 0)


def signer_of(record: DS) -> DelegationSigner:
    """Return a DS record as a fact."""
    return DelegationSigner(tag=record.key_tag, algorithm=int(record.algorithm), digest_type=int(record.digest_type))


def instant(seconds: float) -> datetime:
    """Return the instant of a signature's field."""
    return datetime.fromtimestamp(seconds, UTC)
