"""Rules on TLS endpoints and certificates: met, not met, could not tell, and the odd but healthy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from probes.facts.tls import (
    Acceptance,
    CertificateChain,
    PathState,
    Staple,
    StapleStatus,
    TlsProfile,
    Version,
    VersionSeen,
)
from probes.interface import Asset, AssetKind, Fact, Observation, Vantage
from rules.catalogue import certificate, tls
from rules.interface import Outcome, Rule, Severity

MET, NOT_MET, NOT_APPLICABLE, UNDETERMINED = Outcome.MET, Outcome.NOT_MET, Outcome.NOT_APPLICABLE, Outcome.UNDETERMINED
DAY = datetime(2026, 11, 24, tzinfo=UTC)
ASSET = Asset(kind=AssetKind.SERVICE, name="tcp/443@www.ch.test")
ANONYMOUS = 0x00A6
ECDHE_GCM, ECDHE_CBC, RSA_CBC, RC4, TRIPLE, DES, NULL, DHE = (
    0xC02F,
    0xC013,
    0x002F,
    0x0005,
    0x000A,
    0x0009,
    0x0002,
    0x009E,
)


def profile(*suites: int, versions: tuple[Version, ...] = (Version.TLS12,), complete: bool = True) -> TlsProfile:
    seen = [
        VersionSeen(
            version=v,
            state=Acceptance.ACCEPTED if v in versions else Acceptance.REFUSED if complete else Acceptance.UNKNOWN,
            suites=(0x1302,) if v is Version.TLS13 and v in versions else suites if v in versions else (),
            complete=complete,
        )
        for v in Version
    ]
    return TlsProfile(
        address="192.0.2.1", spoken=bool(versions), versions=tuple(seen), server_order=True, secure_renegotiation=True
    )


GOOD = profile(ECDHE_GCM, versions=(Version.TLS12, Version.TLS13))
CUT = profile(ECDHE_GCM, complete=False)
SILENT = profile(versions=())
OLD = profile(RSA_CBC, versions=(Version.TLS11, Version.TLS12))
LEAF = CertificateChain(
    address="192.0.2.1", sni="www.ch.test", subject="CN=www.ch.test", issuer="CN=Autorité", names=("www.ch.test",),
    not_before=DAY - timedelta(days=100), not_after=DAY + timedelta(days=200), key_type="RSA", key_bits=3072,
    signature="sha256WithRSAEncryption", self_signed=False, length=2, sha256="", spki_sha256="", serial="1",
    name_matches=True, path=PathState.FOUND, store="essai", public=True,
)  # fmt: skip
APPLIANCE = replace(LEAF, self_signed=True, issuer=LEAF.subject, path=PathState.NOT_FOUND, public=False)
IGC = replace(LEAF, path=PathState.NOT_FOUND, private_path=PathState.FOUND, public=False)
SHORT = replace(LEAF, not_before=DAY - timedelta(days=3), not_after=DAY + timedelta(days=3))


def stapled(
    status: StapleStatus = StapleStatus.GOOD,
    *,
    signed: bool | None = True,
    this_update: datetime = DAY - timedelta(days=1),
    next_update: datetime | None = DAY + timedelta(days=6),
    revoked_at: datetime | None = None,
    refusal: str = "",
) -> CertificateChain:
    staple = Staple(
        status=status, signed=signed, this_update=this_update, next_update=next_update, revoked_at=revoked_at,
        refusal=refusal,
    )  # fmt: skip
    return replace(LEAF, stapled=True, staple=staple)


def judged(rule: Rule, fact: Fact, *, port: int = 443) -> tuple[Outcome, Severity | None]:
    asset = replace(ASSET, name=f"tcp/{port}@www.ch.test")
    seen = Observation(id="o", asset=asset, fact=fact, seen_at=DAY, probe="tls@3", vantage=Vantage.INTERNET)
    verdict = rule.judge(seen)
    return verdict.outcome, verdict.severity


@pytest.mark.parametrize(
    ("rule", "fact", "expected"),
    [
        (tls.ssl2_refused, GOOD, MET),
        (tls.ssl2_refused, profile(versions=(Version.SSL2,)), NOT_MET),
        (tls.ssl2_refused, CUT, UNDETERMINED),
        (tls.ssl2_refused, SILENT, NOT_APPLICABLE),
        (tls.ssl3_refused, GOOD, MET),
        (tls.ssl3_refused, profile(RC4, versions=(Version.SSL3,)), NOT_MET),
        (tls.old_versions_refused, GOOD, MET),
        (tls.old_versions_refused, profile(RSA_CBC, versions=(Version.TLS11, Version.TLS12)), NOT_MET),
        # what was not seen could not make an accepted version refused
        (tls.old_versions_refused, profile(RSA_CBC, versions=(Version.TLS10,), complete=False), NOT_MET),
        (tls.modern_version_offered, GOOD, MET),
        (tls.modern_version_offered, profile(RSA_CBC, versions=(Version.TLS10,)), NOT_MET),
        (tls.modern_version_offered, profile(RSA_CBC, versions=(Version.TLS10,), complete=False), UNDETERMINED),
        (tls.tls13_offered, GOOD, MET),
        (tls.tls13_offered, profile(ECDHE_GCM), NOT_MET),
        (tls.tls13_offered, CUT, UNDETERMINED),
        (tls.no_null_anonymous_export, GOOD, MET),
        (tls.no_null_anonymous_export, profile(NULL), NOT_MET),
        (tls.no_null_anonymous_export, CUT, UNDETERMINED),
        (tls.no_rc4, GOOD, MET),
        (tls.no_rc4, profile(RC4), NOT_MET),
        (tls.no_rc4, profile(RC4, complete=False), NOT_MET),
        (tls.no_small_blocks, GOOD, MET),
        (tls.no_small_blocks, profile(TRIPLE), NOT_MET),
        (tls.forward_secrecy, GOOD, MET),
        (tls.forward_secrecy, profile(RSA_CBC), NOT_MET),
        (tls.authenticated_encryption_offered, GOOD, MET),
        (tls.authenticated_encryption_offered, profile(ECDHE_CBC), NOT_MET),
        (tls.authenticated_encryption_offered, profile(ECDHE_CBC, complete=False), UNDETERMINED),
        (tls.diffie_hellman_large, GOOD, NOT_APPLICABLE),
        (tls.diffie_hellman_large, replace(profile(DHE), dh_bits=2048), MET),
        (tls.diffie_hellman_large, replace(profile(DHE), dh_bits=1024), NOT_MET),
        (tls.diffie_hellman_large, profile(DHE), UNDETERMINED),
        # strong suites only: letting a phone choose ChaCha20 is good practice
        (tls.server_order_imposed, replace(GOOD, server_order=False), NOT_APPLICABLE),
        (tls.server_order_imposed, replace(profile(ECDHE_GCM, RSA_CBC), server_order=False), NOT_MET),
        (tls.server_order_imposed, profile(ECDHE_GCM, RSA_CBC), MET),
        (tls.server_order_imposed, replace(profile(ECDHE_GCM, RSA_CBC), server_order=None), UNDETERMINED),
        (tls.server_order_imposed, replace(profile(RSA_CBC), server_order=None), NOT_APPLICABLE),
        (tls.server_order_imposed, replace(profile(RSA_CBC, complete=False), server_order=None), UNDETERMINED),
        (tls.renegotiation_secure, GOOD, MET),
        (tls.renegotiation_secure, replace(GOOD, secure_renegotiation=False), NOT_MET),
        (tls.renegotiation_secure, replace(GOOD, secure_renegotiation=None), NOT_APPLICABLE),
        (tls.compression_off, GOOD, MET),
        (tls.compression_off, replace(GOOD, compression=True), NOT_MET),
        # the enumeration was cut before it could be asked
        (tls.compression_off, replace(CUT, compression=None), UNDETERMINED),
        (tls.suites_within_anssi_profile, GOOD, MET),
        (tls.suites_within_anssi_profile, profile(RSA_CBC), NOT_MET),
        (tls.suites_within_anssi_profile, profile(RSA_CBC, complete=False), NOT_MET),
        (tls.suites_within_anssi_profile, CUT, UNDETERMINED),
        # tolerated as degraded
        (tls.suites_within_anssi_profile, profile(DHE), MET),
        (tls.groups_strong, replace(GOOD, groups=(0x001D, 0x0017)), MET),
        # a small curve beside a strong one that modern clients choose
        (tls.groups_strong, replace(GOOD, groups=(0x0013, 0x0017)), MET),
        (tls.groups_strong, replace(GOOD, groups=(0x0013,)), NOT_MET),
        (tls.groups_strong, replace(GOOD, groups=None), UNDETERMINED),
        (tls.groups_strong, replace(profile(RSA_CBC), groups=()), NOT_APPLICABLE),
        (tls.master_secret_extended, replace(GOOD, extended_master_secret=True), MET),
        (tls.master_secret_extended, replace(GOOD, extended_master_secret=False), NOT_MET),
        (tls.master_secret_extended, profile(versions=(Version.TLS13,)), NOT_APPLICABLE),
        (tls.descent_signalled, GOOD, NOT_APPLICABLE),
        (tls.descent_signalled, OLD, UNDETERMINED),
        (tls.descent_signalled, replace(OLD, fallback_signalled=True), MET),
        (tls.descent_signalled, replace(OLD, fallback_signalled=False), NOT_MET),
        (tls.descent_signalled, profile(RSA_CBC, versions=(Version.TLS10,)), NOT_APPLICABLE),
        (certificate.current, LEAF, MET),
        (certificate.current, replace(LEAF, not_after=DAY - timedelta(seconds=1)), NOT_MET),
        (certificate.current, replace(LEAF, not_before=DAY + timedelta(days=1)), NOT_MET),
        (certificate.renewed_in_time, LEAF, MET),
        (certificate.renewed_in_time, replace(LEAF, not_after=DAY + timedelta(days=20)), NOT_MET),
        # a certificate of six days with three left is in the middle of its life
        (certificate.renewed_in_time, SHORT, MET),
        (certificate.renewed_in_time, replace(LEAF, not_after=DAY - timedelta(days=1)), NOT_APPLICABLE),
        (certificate.names_the_service, LEAF, MET),
        (certificate.names_the_service, replace(LEAF, name_matches=False), NOT_MET),
        # met by address: there is no name to bear
        (certificate.names_the_service, replace(LEAF, sni="", name_matches=None), NOT_APPLICABLE),
        (certificate.trusted, LEAF, MET),
        (certificate.trusted, replace(LEAF, path=PathState.NOT_FOUND), NOT_MET),
        (certificate.trusted, replace(LEAF, path=PathState.NOT_CHECKED), UNDETERMINED),
        (certificate.trusted, APPLIANCE, NOT_APPLICABLE),
        (certificate.trusted, replace(LEAF, path=PathState.NOT_FOUND, incomplete=True), UNDETERMINED),
        (certificate.chain_complete, LEAF, MET),
        (certificate.chain_complete, replace(LEAF, path=PathState.NOT_FOUND, incomplete=True, length=1), NOT_MET),
        (certificate.chain_complete, APPLIANCE, NOT_APPLICABLE),
        # the health sector's authority: the public store lacks its root, and the certificate says where it is
        (certificate.chain_complete, replace(IGC, incomplete=True), MET),
        (certificate.chain_complete, replace(LEAF, path=PathState.NOT_CHECKED), UNDETERMINED),
        (certificate.names_public, LEAF, MET),
        (certificate.names_public, replace(LEAF, names=("www.ch.test", "srv1.ch.local")), NOT_MET),
        (certificate.names_public, replace(LEAF, names=("www.ch.test", "srv-web")), NOT_MET),
        (certificate.names_public, replace(LEAF, names=("10.1.2.3",)), NOT_MET),
        (certificate.names_public, replace(LEAF, names=("*.ch.test", "9.9.9.9")), MET),
        # Andorra
        (certificate.names_public, replace(LEAF, names=("www.hospital.ad",)), MET),
        (certificate.logged, replace(LEAF, timestamps=2), MET),
        # the timestamps came beside it; there, they were looked for in vain; there, nobody could see them
        (certificate.logged, replace(LEAF, handed_timestamps=2), MET),
        (certificate.logged, replace(LEAF, handed_timestamps=0), NOT_MET),
        (certificate.logged, LEAF, UNDETERMINED),
        (certificate.logged, APPLIANCE, NOT_APPLICABLE),
        (certificate.not_self_signed, LEAF, MET),
        (certificate.not_self_signed, APPLIANCE, NOT_MET),
        (certificate.key_large, LEAF, MET),
        (certificate.key_large, replace(LEAF, key_bits=1024), NOT_MET),
        (certificate.key_large, replace(LEAF, key_type="EC", key_bits=256), MET),
        (certificate.key_large, replace(LEAF, key_type="DSA", key_bits=2048), NOT_MET),
        (certificate.signature_strong, LEAF, MET),
        (certificate.signature_strong, replace(LEAF, weak_signatures=("sha1",)), NOT_MET),
        (certificate.life_short, LEAF, MET),
        (certificate.life_short, replace(LEAF, not_after=DAY + timedelta(days=700)), NOT_MET),
        (certificate.life_short, replace(LEAF, not_after=DAY + timedelta(days=700), public=False), NOT_APPLICABLE),
        (certificate.not_revoked, stapled(), MET),
        (certificate.not_revoked, stapled(status=StapleStatus.REVOKED, revoked_at=DAY - timedelta(days=3)), NOT_MET),
        # a revocation does not go out of date
        (certificate.not_revoked, stapled(status=StapleStatus.REVOKED, next_update=DAY - timedelta(days=3)), NOT_MET),
        (certificate.not_revoked, stapled(status=StapleStatus.REVOKED, signed=None), NOT_MET),
        # anybody can write what nobody signed
        (certificate.not_revoked, stapled(status=StapleStatus.REVOKED, signed=False), UNDETERMINED),
        (certificate.not_revoked, stapled(next_update=DAY - timedelta(days=3)), UNDETERMINED),
        (certificate.not_revoked, stapled(signed=None), UNDETERMINED),
        # odd but healthy: most servers staple nothing, and some authorities have no OCSP left
        (certificate.not_revoked, replace(LEAF, stapled=False), NOT_APPLICABLE),
        (certificate.not_revoked, LEAF, NOT_APPLICABLE),
        (certificate.staple_usable, stapled(), MET),
        (certificate.staple_usable, stapled(status=StapleStatus.REVOKED), MET),
        # odd but healthy: newer news is always to be had; a clock five minutes ahead
        (certificate.staple_usable, stapled(next_update=None), MET),
        (certificate.staple_usable, stapled(this_update=DAY + timedelta(minutes=5)), MET),
        (certificate.staple_usable, stapled(this_update=DAY + timedelta(days=1)), NOT_MET),
        (certificate.staple_usable, stapled(next_update=DAY - timedelta(minutes=1)), NOT_MET),
        (certificate.staple_usable, stapled(signed=False), NOT_MET),
        (certificate.staple_usable, stapled(signed=None), UNDETERMINED),
        (certificate.staple_usable, stapled(status=StapleStatus.FOREIGN), NOT_MET),
        (certificate.staple_usable, stapled(status=StapleStatus.UNKNOWN), NOT_MET),
        (certificate.staple_usable, stapled(status=StapleStatus.UNREADABLE, signed=None), NOT_MET),
        (certificate.staple_usable, stapled(status=StapleStatus.REFUSED, refusal="try_later", signed=None), NOT_MET),
        (certificate.staple_usable, replace(LEAF, stapled=False), NOT_APPLICABLE),
        (certificate.staple_usable, LEAF, NOT_APPLICABLE),
        (certificate.staple_given, replace(stapled(), must_staple=True), MET),
        (certificate.staple_given, replace(LEAF, stapled=False, must_staple=True), NOT_MET),
        (certificate.staple_given, replace(LEAF, must_staple=True), UNDETERMINED),
        (certificate.staple_given, replace(LEAF, stapled=False), NOT_APPLICABLE),
    ],
)
def test_rules(rule: Rule, fact: Fact, expected: Outcome) -> None:
    assert judged(rule, fact)[0] is expected


def test_worse_cases_weigh_more() -> None:
    assert judged(tls.no_small_blocks, profile(DES))[1] is Severity.HIGH
    assert judged(tls.diffie_hellman_large, replace(profile(DHE), dh_bits=768))[1] is Severity.CRITICAL
    # trusted by the health sector's own authority: known, and said so
    assert judged(certificate.trusted, IGC) == (NOT_MET, Severity.INFO)
    # Postfix as Debian sets it up, between mail servers; and the same suites on the web
    assert judged(tls.no_null_anonymous_export, profile(ANONYMOUS), port=25) == (NOT_MET, Severity.INFO)
    assert judged(tls.no_null_anonymous_export, profile(ANONYMOUS, NULL), port=25) == (NOT_MET, None)
    assert judged(tls.no_null_anonymous_export, profile(ANONYMOUS)) == (NOT_MET, None)
    assert judged(tls.forward_secrecy, profile(ECDHE_GCM, RSA_CBC))[1] is Severity.LOW
    assert judged(certificate.renewed_in_time, replace(LEAF, not_after=DAY + timedelta(days=3)))[1] is Severity.MEDIUM
    assert judged(certificate.not_revoked, stapled(StapleStatus.REVOKED), port=25)[1] is Severity.MEDIUM
    assert judged(certificate.staple_usable, stapled(signed=False), port=25)[1] is Severity.INFO
