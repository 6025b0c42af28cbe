"""Rules on DNSSEC (RFC 4033 to 4035, 8624, 9276; ANSSI-BP-038): a chain that holds, algorithms, fresh signatures."""

from __future__ import annotations

from datetime import timedelta

from probes.facts.dnssec import Flaw, Security, SignatureSeen, ZoneSecurity
from probes.interface import Observation
from rules.interface import Verdict, met, not_applicable, not_met, rule, undetermined

Zone = Observation[ZoneSecurity]

#: Algorithms that must not or should not sign any more (RFC 8624 3.1): RSA/MD5, DSA, RSA/SHA-1, GOST.
_WEAK = {1: "RSAMD5", 3: "DSA", 5: "RSASHA1", 6: "DSA-NSEC3-SHA1", 7: "RSASHA1-NSEC3-SHA1", 12: "ECC-GOST"}
_RSA = {1, 5, 7, 8, 10}
_SHA1 = 1
#: Sets that must be signed anew before the share of their life left is this small, however short the life.
_SHARE_LEFT = 0.25


@rule("dnssec-chain-valid", reads=ZoneSecurity)
def chain_valid(seen: Zone) -> Verdict:
    """The chain of trust holds from the root to every server of the zone."""
    fact = seen.fact
    if fact.security is Security.BOGUS:
        return not_met(zone=fact.ended_at, flaw=fact.flaw.value, detail=fact.detail or "-")
    return _unless_signed(fact) or met(zone=fact.zone)


@rule("dnssec-algorithms-strong", reads=ZoneSecurity)
def algorithms_strong(seen: Zone, *, rsa_bits: int = 2048) -> Verdict:
    """Keys and digests are of algorithms that may still sign."""
    fact = seen.fact
    weak = [f"{k.tag}: {_WEAK[k.algorithm]}" for k in fact.keys if k.algorithm in _WEAK]
    weak += [
        f"{k.tag}: RSA {k.bits}"
        for k in fact.keys
        if k.algorithm in _RSA and k.algorithm not in _WEAK and 0 < k.bits < rsa_bits
    ]
    # A SHA-1 digest beside a better one of the same key is ignored by validators (RFC 4509 3).
    better = {s.tag for s in fact.signers if s.digest_type != _SHA1}
    weak += [f"{s.tag}: DS SHA-1" for s in fact.signers if s.digest_type == _SHA1 and s.tag not in better]
    if weak:
        return not_met(keys=", ".join(dict.fromkeys(weak))[:300])
    return _unless_signed(fact) or met()


@rule("dnssec-hashing-without-iterations", reads=ZoneSecurity)
def hashing_without_iterations(seen: Zone) -> Verdict:
    """NSEC3 hashes once: more iterations slow every resolver and protect nothing (RFC 9276)."""
    fact = seen.fact
    if fact.nsec3_iterations:
        return not_met(iterations=fact.nsec3_iterations)
    return _unless_signed(fact) or met()


@rule("dnssec-signatures-renewed-in-time", reads=ZoneSecurity)
def signatures_renewed_in_time(seen: Zone, *, margin_days: int = 3) -> Verdict:
    """Every record set has a signature that lasts: servers that sign on the spot make short ones, always fresh."""
    fact = seen.fact
    newest: dict[tuple[str, str, str], SignatureSeen] = {}
    for signature in fact.signatures:
        key = (signature.server, signature.owner, signature.rdtype)
        if key not in newest or newest[key].expiration < signature.expiration:
            newest[key] = signature
    ending = []
    for signature in newest.values():
        left, life = signature.expiration - seen.seen_at, signature.expiration - signature.inception
        if left < timedelta(days=margin_days) and left < life * _SHARE_LEFT:
            ending.append(signature)
    if ending:
        first = min(ending, key=lambda s: (s.expiration, s.rdtype))
        days = round((first.expiration - seen.seen_at).total_seconds() / 86400, 1)
        kinds = ", ".join(sorted({s.rdtype for s in ending}))
        return not_met(days=days, until=f"{first.expiration:%Y-%m-%d %H:%M} UTC", sets=kinds)
    return _unless_signed(fact) or met()


def _unless_signed(fact: ZoneSecurity) -> Verdict | None:
    """The outcome where there is no chain to judge: not signed, not validated by choice, or not told."""
    if fact.security is Security.INSECURE or fact.flaw in {Flaw.NO_NAME, Flaw.NO_ANCHOR}:
        return not_applicable(fact.flaw.value)
    if fact.security is Security.INDETERMINATE:
        return undetermined(fact.flaw.value or "no-answer")
    if fact.security is Security.BOGUS:
        return undetermined("chain-broken")
    return None
