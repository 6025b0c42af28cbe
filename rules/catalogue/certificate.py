"""Rules on the certificates an endpoint shows (RFC 5280, RFC 9525, CA/Browser Forum, ANSSI-PG-083)."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_address

from probes.facts.tls import CertificateChain, PathState, Staple, StapleStatus
from probes.interface import Observation, Part
from rules.interface import Confidence, Severity, Verdict, met, not_applicable, not_met, rule, undetermined
from rules.views.issuance import IssuanceView

Seen = Observation[CertificateChain]
_DAY = timedelta(days=1)
#: Last labels that the public DNS does not delegate (RFC 6762, RFC 8375, RFC 2606, and habits of Active Directory).
_INNER = frozenset({"local", "lan", "intra", "intranet", "internal", "corp", "home", "localdomain", "priv", "private"})


def _between_servers(seen: Seen, usual: Severity | None = None) -> Severity | None:
    """Mail servers encrypt to whatever certificate they meet (RFC 7435): on port 25 a name or a chain weighs little."""
    return usual or Severity.INFO if seen.asset.port == 25 else None


@rule("certificate-current", reads=CertificateChain)
def current(seen: Seen) -> Verdict:
    """The certificate is valid at the instant it was seen."""
    fact = seen.fact
    if fact.not_before <= seen.seen_at <= fact.not_after:
        return met(not_after=fact.not_after.date().isoformat())
    start, end = fact.not_before.date().isoformat(), fact.not_after.date().isoformat()
    severity = _between_servers(seen, Severity.MEDIUM)
    return not_met(severity=severity, subject=fact.subject, not_before=start, not_after=end)


@rule("certificate-renewed-in-time", reads=CertificateChain)
def renewed_in_time(seen: Seen, *, margin_days: int = 30, urgent_days: int = 7) -> Verdict:
    """Time is left to renew; for short-lived certificates a third of their life is enough."""
    fact = seen.fact
    left = fact.not_after - seen.seen_at
    if left < timedelta(0):
        return not_applicable("expired")
    margin = min(timedelta(days=margin_days), (fact.not_after - fact.not_before) / 3)
    if left >= margin:
        return met(days_left=left.days)
    urgent = left < min(timedelta(days=urgent_days), margin / 2)
    end = fact.not_after.date().isoformat()
    return not_met(severity=Severity.MEDIUM if urgent else None, days_left=left.days, not_after=end)


@rule("certificate-names-the-service", reads=CertificateChain)
def names_the_service(seen: Seen) -> Verdict:
    """The certificate bears the DNS name that was followed; a service met by address has none to bear."""
    fact = seen.fact
    if fact.name_matches is None:
        return not_applicable("reached-by-address")
    if fact.name_matches:
        return met(name=fact.sni)
    return not_met(severity=_between_servers(seen), name=fact.sni, names=", ".join(fact.names[:8]) or "-")


@rule("certificate-trusted", reads=CertificateChain)
def trusted(seen: Seen) -> Verdict:
    """A path leads to a trusted root."""
    fact = seen.fact
    if fact.path is PathState.FOUND:
        return met(store=fact.store)
    if fact.self_signed:
        return not_applicable("self-signed")
    if fact.private_path is PathState.FOUND:
        return not_met(severity=Severity.INFO, issuer=fact.issuer, store=fact.store, length=fact.length)
    if fact.path is PathState.NOT_CHECKED:
        return undetermined("no-trust-store")
    if fact.incomplete:
        return undetermined("chain-incomplete")
    return not_met(severity=_between_servers(seen), issuer=fact.issuer, store=fact.store, length=fact.length)


@rule("certificate-not-self-signed", reads=CertificateChain)
def not_self_signed(seen: Seen) -> Verdict:
    """An authority vouches for the key."""
    fact = seen.fact
    if fact.self_signed and fact.path is not PathState.FOUND:
        return not_met(severity=_between_servers(seen), subject=fact.subject)
    return met()


@rule("certificate-key-large", reads=CertificateChain)
def key_large(seen: Seen, *, rsa_bits: int = 2048, ec_bits: int = 256) -> Verdict:
    """The key has the size that ANSSI asks for today."""
    fact = seen.fact
    least = {"RSA": rsa_bits, "EC": ec_bits, "EdDSA": 0}.get(fact.key_type)
    if least is None:
        return not_met(key=fact.key_type, bits=fact.key_bits, least=rsa_bits)
    if fact.key_bits >= least:
        return met(key=fact.key_type, bits=fact.key_bits)
    severity = Severity.MEDIUM if fact.key_type == "EC" else None
    return not_met(severity=severity, key=fact.key_type, bits=fact.key_bits, least=least)


@rule("certificate-signature-strong", reads=CertificateChain)
def signature_strong(seen: Seen) -> Verdict:
    """No leaf or intermediate is signed with MD5 or SHA-1; the signature of a root proves nothing and is left out."""
    weak = seen.fact.weak_signatures
    return not_met(hashes=", ".join(weak).upper()) if weak else met()


@rule("certificate-life-short", reads=CertificateChain)
def life_short(seen: Seen, *, most_days: int = 398) -> Verdict:
    """A certificate of a public authority lives 398 days at the most; private ones follow their own rules."""
    fact = seen.fact
    if not fact.public:
        return not_applicable("private-authority")
    days = (fact.not_after - fact.not_before) // _DAY
    return met(days=days) if days <= most_days else not_met(days=days, most=most_days)


@rule("certificate-chain-complete", reads=CertificateChain)
def chain_complete(seen: Seen) -> Verdict:
    """The server shows every certificate between its own and a root (RFC 5246 7.4.2, RFC 8446 4.4.2)."""
    fact = seen.fact
    if fact.self_signed:
        return not_applicable("self-signed")
    if PathState.FOUND in {fact.path, fact.private_path}:
        return met(length=fact.length)
    if fact.path is PathState.NOT_CHECKED:
        return undetermined("no-trust-store")
    if not fact.incomplete:
        return met(length=fact.length)
    return not_met(severity=_between_servers(seen), issuer=fact.issuer, length=fact.length)


@rule("certificate-names-public", reads=CertificateChain)
def names_public(seen: Seen) -> Verdict:
    """No internal name or private address stands in a certificate that anybody can read."""
    inner = [name for name in seen.fact.names if _internal(name)]
    return not_met(count=len(inner), names=", ".join(inner[:8])) if inner else met()


def _internal(name: str) -> bool:
    try:
        address = ip_address(name)
    except ValueError:
        labels = name.rstrip(".").split(".")
        return len(labels) == 1 or labels[-1] in _INNER
    return not address.is_global


@rule("certificate-logged", reads=CertificateChain)
def logged(seen: Seen) -> Verdict:
    """A certificate of a public authority bears, or comes with, the timestamps of certificate logs (RFC 6962)."""
    fact = seen.fact
    if not fact.public:
        return not_applicable("private-authority")
    found = fact.timestamps + (fact.handed_timestamps or 0)
    if not found and fact.handed_timestamps is None:
        return undetermined("timestamps-not-looked-for")
    return met(timestamps=found) if found else not_met(issuer=fact.issuer)


#: What a staple may be ahead of the observer's clock.
_SKEW = timedelta(minutes=10)


def _unstapled(seen: Seen) -> Verdict:
    """What to say where no staple was seen: no server owes one, unless its certificate says so."""
    return not_applicable("staple-not-looked-for" if seen.fact.stapled is None else "no-staple")


@rule("certificate-not-revoked", reads=CertificateChain)
def not_revoked(seen: Seen) -> Verdict:
    """No staple says that the certificate was revoked; where none comes, nobody is asked in its stead."""
    staple = seen.fact.staple
    if staple is None:
        return _unstapled(seen)
    if staple.status is StapleStatus.REVOKED and staple.signed is not False:
        confidence = None if staple.signed else Confidence.PROBABLE
        severity = _between_servers(seen, Severity.MEDIUM)
        since = staple.revoked_at.date().isoformat() if staple.revoked_at else "?"
        return not_met(severity=severity, confidence=confidence, subject=seen.fact.subject, since=since)
    if staple.status is StapleStatus.GOOD and staple.signed and not _stale(staple, seen.seen_at):
        return met()
    return undetermined("staple-unusable")


@rule("certificate-staple-usable", reads=CertificateChain)
def staple_usable(seen: Seen) -> Verdict:
    """The status that a server hands out is about its certificate, fresh, and signed by who issued it."""
    staple = seen.fact.staple
    if staple is None:
        return _unstapled(seen)
    fault = _FAULTS.get(staple.status, "") or _stale(staple, seen.seen_at)
    if staple.status is StapleStatus.REFUSED:
        fault = f"responseStatus {staple.refusal}"
    if staple.signed is False:
        fault = fault or "signature"
    if fault:
        return not_met(severity=_between_servers(seen), fault=fault)
    return undetermined("issuer-not-shown") if staple.signed is None else met()


#: Where a staple fails, by the fields of RFC 6960.
_FAULTS = {
    StapleStatus.UNREADABLE: "OCSPResponse",
    StapleStatus.FOREIGN: "certID",
    StapleStatus.UNKNOWN: "certStatus unknown",
}


def _stale(staple: Staple, at: datetime) -> str:
    """The field by which a staple is of the past or of the future; "" when it is of today."""
    if staple.next_update is not None and at > staple.next_update:
        return f"nextUpdate {staple.next_update.date().isoformat()}"
    if staple.this_update is not None and staple.this_update > at + _SKEW:
        return f"thisUpdate {staple.this_update.date().isoformat()}"
    return ""


@rule("certificate-staple-given-when-required", reads=CertificateChain)
def staple_given(seen: Seen) -> Verdict:
    """A certificate that is worth nothing without its status comes with it (RFC 7633)."""
    fact = seen.fact
    if not fact.must_staple:
        return not_applicable("staple-not-required")
    if fact.stapled is None:
        return undetermined("staple-not-looked-for")
    return met() if fact.stapled else not_met(severity=_between_servers(seen), subject=fact.subject)


@rule("certificate-issuer-authorised", reads=IssuanceView, part=Part.EXPOSURE)
def issuer_authorised(seen: IssuanceView) -> Verdict:
    """The authority that issued is one that CAA names today; it was asked at issuance, and may have named others."""
    if seen.unknown:
        return undetermined(seen.unknown)
    if not seen.restricted:
        return not_applicable("no-caa-restriction")
    if not seen.issuer_domains:
        return undetermined("issuer-unknown")
    if seen.issuer_domains & seen.authorised:
        return met(holder=seen.holder)
    return not_met(
        issuer=seen.issuer,
        issued=seen.issued.date().isoformat(),
        holder=seen.holder,
        authorised=", ".join(sorted(seen.authorised)[:8]) or "-",
    )
