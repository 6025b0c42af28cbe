"""Rules on what a TLS endpoint accepts (ANSSI SDE-NT-35, RFC 8996, RFC 7465, RFC 5746)."""

from __future__ import annotations

from collections.abc import Callable

from probes.facts.tls import GROUPS, Acceptance, TlsProfile, Version
from probes.facts.tls_suites import Suite, suite
from probes.interface import Observation
from rules.interface import Severity, Verdict, met, not_applicable, not_met, rule, undetermined
from rules.profiles import tls_profile

Seen = Observation[TlsProfile]


def _versions_refused(seen: Seen, versions: tuple[Version, ...]) -> Verdict:
    fact = seen.fact
    accepted = [v.value for v in versions if fact.state(v) is Acceptance.ACCEPTED]
    if accepted:
        return not_met(versions=", ".join(accepted))
    if not fact.spoken:
        return not_applicable("tls-not-spoken")
    if any(fact.state(v) is Acceptance.UNKNOWN for v in versions):
        return undetermined("enumeration-cut")
    return met()


def _suites_refused(seen: Seen, bad: Callable[[Suite], bool], severity: Severity | None = None) -> Verdict:
    fact = seen.fact
    if not fact.spoken:
        return not_applicable("tls-not-spoken")
    found = sorted(s.name for s in map(suite, fact.suites) if bad(s))
    if found:
        return not_met(severity=severity, count=len(found), suites=", ".join(found[:6]))
    return met() if fact.complete else undetermined("enumeration-cut")


@rule("tls-ssl2-refused", reads=TlsProfile)
def ssl2_refused(seen: Seen) -> Verdict:
    """SSL 2.0 is not spoken (RFC 6176)."""
    return _versions_refused(seen, (Version.SSL2,))


@rule("tls-ssl3-refused", reads=TlsProfile)
def ssl3_refused(seen: Seen) -> Verdict:
    """SSL 3.0 is not spoken (RFC 7568)."""
    return _versions_refused(seen, (Version.SSL3,))


@rule("tls-old-versions-refused", reads=TlsProfile)
def old_versions_refused(seen: Seen) -> Verdict:
    """TLS 1.0 and 1.1 are not spoken (RFC 8996)."""
    return _versions_refused(seen, (Version.TLS10, Version.TLS11))


@rule("tls-modern-version-offered", reads=TlsProfile)
def modern_version_offered(seen: Seen) -> Verdict:
    """TLS 1.2 or 1.3 is spoken."""
    fact = seen.fact
    states = {fact.state(Version.TLS12), fact.state(Version.TLS13)}
    if Acceptance.ACCEPTED in states:
        return met()
    if not fact.spoken:
        return not_applicable("tls-not-spoken")
    return undetermined("enumeration-cut") if Acceptance.UNKNOWN in states else not_met()


@rule("tls-13-offered", reads=TlsProfile)
def tls13_offered(seen: Seen) -> Verdict:
    """TLS 1.3 is spoken."""
    fact = seen.fact
    if not fact.spoken:
        return not_applicable("tls-not-spoken")
    state = fact.state(Version.TLS13)
    if state is Acceptance.UNKNOWN:
        return undetermined("enumeration-cut")
    return met() if state is Acceptance.ACCEPTED else not_met()


@rule("tls-no-null-anonymous-export", reads=TlsProfile)
def no_null_anonymous_export(seen: Seen) -> Verdict:
    """No suite without encryption, without authentication, or made weak for export.

    Between mail servers, who does not check the certificate loses nothing by an anonymous suite, and who does never
    offers one (RFC 7672 8.2): Postfix takes them by default.
    """
    worse = any(s.null or s.export for s in map(suite, seen.fact.suites))
    severity = Severity.INFO if seen.asset.port == 25 and not worse else None
    return _suites_refused(seen, lambda s: s.null or s.anonymous or s.export, severity)


@rule("tls-no-rc4", reads=TlsProfile)
def no_rc4(seen: Seen) -> Verdict:
    """RC4 is not taken (RFC 7465)."""
    return _suites_refused(seen, lambda s: s.rc4 and not s.export and not s.anonymous)


@rule("tls-no-small-blocks", reads=TlsProfile)
def no_small_blocks(seen: Seen) -> Verdict:
    """No cipher with blocks of 64 bits; single DES is worse."""
    worse = any(suite(n).single_des for n in seen.fact.suites)
    return _suites_refused(
        seen, lambda s: s.small_block and not s.export and not s.anonymous, Severity.HIGH if worse else None
    )


@rule("tls-forward-secrecy", reads=TlsProfile)
def forward_secrecy(seen: Seen) -> Verdict:
    """Every suite gives each session keys of its own; offered beside better ones, an old suite is a lesser fault."""
    if any(suite(n).forward_secret for n in seen.fact.suites):
        return _suites_refused(seen, lambda s: not (s.forward_secret or s.anonymous), Severity.LOW)
    return _suites_refused(seen, lambda s: not (s.forward_secret or s.anonymous))


@rule("tls-authenticated-encryption-offered", reads=TlsProfile)
def authenticated_encryption_offered(seen: Seen) -> Verdict:
    """At least one suite encrypts and authenticates in one."""
    fact = seen.fact
    if any(suite(n).aead for n in fact.suites):
        return met()
    if not fact.spoken:
        return not_applicable("tls-not-spoken")
    return not_met() if fact.complete else undetermined("enumeration-cut")


@rule("tls-diffie-hellman-large", reads=TlsProfile)
def diffie_hellman_large(seen: Seen, *, least_bits: int = 2048) -> Verdict:
    """The prime of finite-field Diffie-Hellman has 2048 bits or more (ANSSI-PG-083)."""
    bits = seen.fact.dh_bits
    if not bits:
        dhe = any(suite(n).name.startswith("TLS_DHE_") for n in seen.fact.suites)
        return undetermined("prime-not-seen") if dhe else not_applicable("no-dhe")
    if bits >= least_bits:
        return met(bits=bits)
    return not_met(severity=Severity.CRITICAL if bits < 1024 else None, bits=bits, least=least_bits)


@rule("tls-server-order-imposed", reads=TlsProfile)
def server_order_imposed(seen: Seen) -> Verdict:
    """Where weak suites exist, the server chooses; with strong ones only, the client may."""
    fact = seen.fact
    older = [s for s in map(suite, fact.suites) if not s.tls13]
    weak = [s for s in older if not (s.aead and s.forward_secret)]
    if not weak:
        return not_applicable("no-weak-suite")
    if len(older) < 2 and fact.complete:
        return not_applicable("one-suite")
    if fact.server_order is None:
        return undetermined("order-not-seen")
    return met() if fact.server_order else not_met(count=len(weak))


@rule("tls-renegotiation-secure", reads=TlsProfile)
def renegotiation_secure(seen: Seen) -> Verdict:
    """Renegotiation is bound to the session (RFC 5746); TLS 1.3 has none."""
    secure = seen.fact.secure_renegotiation
    if secure is None:
        return not_applicable("tls13-only" if seen.fact.spoken else "tls-not-spoken")
    return met() if secure else not_met()


@rule("tls-compression-off", reads=TlsProfile)
def compression_off(seen: Seen) -> Verdict:
    """Nothing is compressed before it is encrypted (CRIME)."""
    if not seen.fact.spoken:
        return not_applicable("tls-not-spoken")
    if seen.fact.compression is None:
        return undetermined("compression-not-told")
    return not_met() if seen.fact.compression else met()


@rule("tls-suites-within-anssi-profile", reads=TlsProfile)
def suites_within_anssi_profile(seen: Seen) -> Verdict:
    """Every suite is one that ANSSI recommends, or tolerates as degraded."""
    fact = seen.fact
    if not fact.spoken:
        return not_applicable("tls-not-spoken")
    lists = tls_profile()
    names = {suite(n).name for n in fact.suites}
    outside = sorted(names - lists["recommended"].suites - lists["degraded"].suites)
    degraded = len(names & lists["degraded"].suites)
    if outside:
        return not_met(count=len(outside), degraded=degraded, suites=", ".join(outside[:6]))
    return met(degraded=degraded) if fact.complete else undetermined("enumeration-cut")


@rule("tls-groups-strong", reads=TlsProfile)
def groups_strong(seen: Seen, *, least_bits: int = 224) -> Verdict:
    """Keys are exchanged on a curve or group of 224 bits or more (ANSSI-PG-083)."""
    fact = seen.fact
    if fact.groups is None:
        return undetermined("groups-not-told")
    if not fact.groups:
        return not_applicable("no-named-group")
    known = {GROUPS[n][0]: GROUPS[n][1] for n in fact.groups if n in GROUPS}
    if any(bits >= least_bits for bits in known.values()):
        return met(groups=", ".join(known))
    return not_met(groups=", ".join(known), least=least_bits)


@rule("tls-master-secret-extended", reads=TlsProfile)
def master_secret_extended(seen: Seen) -> Verdict:
    """The master secret is bound to the handshake (RFC 7627); TLS 1.3 does so by itself."""
    told = seen.fact.extended_master_secret
    if told is None:
        return not_applicable("tls13-only" if seen.fact.spoken else "tls-not-spoken")
    return met() if told else not_met()


@rule("tls-descent-signalled", reads=TlsProfile)
def descent_signalled(seen: Seen) -> Verdict:
    """Where versions before TLS 1.2 are spoken, a forced descent to them is refused (RFC 7507)."""
    fact = seen.fact
    old = (Version.SSL3, Version.TLS10, Version.TLS11)
    if all(fact.state(v) is Acceptance.REFUSED for v in old):
        return not_applicable("no-old-version")
    if fact.fallback_signalled is None:
        only = sum(v.state is Acceptance.ACCEPTED for v in fact.versions) < 2
        return not_applicable("one-version") if only else undetermined("descent-not-told")
    return met() if fact.fallback_signalled else not_met()
