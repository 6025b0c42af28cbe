"""Rules on mail: met, not met, could not tell, and the odd but healthy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from probes.facts.dns import Presence
from probes.facts.mail.exchange import (
    CertificateDigests,
    Exchanger,
    Exchangers,
    MailServer,
    PolicyState,
    StartTls,
    Tlsa,
    TransportPolicies,
    Verification,
)
from probes.facts.mail.policies import (
    DkimKeys,
    DkimSelector,
    DmarcPolicy,
    DmarcStep,
    ReportTarget,
    SpfFault,
    SpfFaultKind,
    SpfTerm,
    SpfTree,
)
from probes.facts.tls import CertificateChain, PathState
from probes.interface import Asset, AssetKind, Observation, Vantage, service
from rules.catalogue import certificate, mail, mail_server, mail_transport
from rules.interface import Outcome, Rule, Severity, Verdict
from rules.views.mail import MailView

MET, NOT_MET, NOT_APPLICABLE, UNDETERMINED = Outcome.MET, Outcome.NOT_MET, Outcome.NOT_APPLICABLE, Outcome.UNDETERMINED
PRESENT, ABSENT, UNKNOWN = Presence.PRESENT, Presence.ABSENT, Presence.UNKNOWN
DAY = datetime(2026, 11, 24, tzinfo=UTC)

SPF = SpfTree(presence=PRESENT, records=("v=spf1 mx -all",), lookups=1, ending="-")
LEAF = CertificateDigests(sha256="aa" * 32, sha512="bb" * 64, key_sha256="cc" * 32, key_sha512="dd" * 64)
ROOT = CertificateDigests(sha256="ee" * 32, sha512="ff" * 64, key_sha256="00" * 32, key_sha512="11" * 64)
SERVER = MailServer(
    protocol="smtp",
    address="192.0.2.25",
    port=25,
    spoken=True,
    banner="mx.ch.test ESMTP",
    protection=StartTls.OFFERED,
    verification=Verification.REFUSED,
    chain=(LEAF, ROOT),
)
HOST = Exchanger(name="mx.ch.test", preference=10, addressed=PRESENT, tlsa_presence=ABSENT, tlsa_secure=False)


def policy(record: str, *, at: str = "ch.test", **more: object) -> DmarcPolicy:
    step = DmarcStep(domain=at, presence=PRESENT, records=(record,))
    steps = (step,) if at == "ch.test" else (DmarcStep(domain="ch.test", presence=ABSENT), step)
    found = DmarcPolicy(steps=steps, organisational=at, organisational_walk=at, record=record, found_at=at)
    return replace(found, **more)  # type: ignore[arg-type]


NO_DMARC = DmarcPolicy(
    steps=(DmarcStep(domain="ch.test", presence=ABSENT),), organisational="ch.test", organisational_walk="ch.test"
)
SILENT_DMARC = replace(NO_DMARC, steps=(DmarcStep(domain="ch.test", presence=UNKNOWN, reason="timed-out"),))
KEY = DkimSelector(selector="s1", declared=False, presence=PRESENT, algorithm="rsa", bits=2048)
STS = TransportPolicies(
    sts=PRESENT, policy=PolicyState.READ, mode="enforce", max_age=604800, patterns=("*.ch.test",), reports=PRESENT
)
GOOD = MailView(
    asset=Asset(kind=AssetKind.DOMAIN, name="ch.test"),
    seen_at=DAY,
    vantage=Vantage.INTERNET,
    evidence=("o",),
    domain="ch.test",
    exchangers=Exchangers(presence=PRESENT, hosts=(HOST,), address=PRESENT),
    spf=SPF,
    dmarc=policy("v=DMARC1; p=reject; rua=mailto:d@ch.test"),
    dkim=DkimKeys(branch=PRESENT, selectors=(KEY,)),
    transport=STS,
    servers={"mx.ch.test": (SERVER,)},
)
NULL_MX = Exchangers(presence=PRESENT, null=True, address=PRESENT)
#: No MX record and an address: mail would be taken by default, and is a web site's.
SITE_ONLY = Exchangers(presence=ABSENT, null=False, address=PRESENT)
NOWHERE = Exchangers(presence=ABSENT, address=ABSENT)


def view(**more: object) -> MailView:
    return replace(GOOD, **more)  # type: ignore[arg-type]


def spf(**more: object) -> MailView:
    return view(spf=replace(SPF, **more))  # type: ignore[arg-type]


def host(**more: object) -> MailView:
    return view(exchangers=Exchangers(presence=PRESENT, hosts=(replace(HOST, **more),), address=PRESENT))  # type: ignore[arg-type]


def sts(**more: object) -> MailView:
    return view(transport=replace(STS, **more))  # type: ignore[arg-type]


def key(**more: object) -> MailView:
    return view(dkim=DkimKeys(branch=PRESENT, selectors=(replace(KEY, **more),)))  # type: ignore[arg-type]


def fault(kind: SpfFaultKind, domain: str = "ch.test", registered: Presence = PRESENT) -> SpfFault:
    return SpfFault(kind=kind, domain=domain, registered=registered)


def term(name: str, target: str = "x.test", presence: Presence = PRESENT, **more: object) -> SpfTerm:
    made = SpfTerm(domain="ch.test", depth=0, name=name, target=target, presence=presence)
    return replace(made, **more)  # type: ignore[arg-type]


def server(**more: object) -> MailView:
    return view(servers={"mx.ch.test": (replace(SERVER, **more),)})  # type: ignore[arg-type]


NO_SPF = view(spf=SpfTree(presence=ABSENT))
SILENT_SPF = view(spf=SpfTree(presence=UNKNOWN, reason="timed-out"))
PARKED = view(
    exchangers=NOWHERE,
    spf=replace(SPF, records=("v=spf1 -all",)),
    dmarc=policy("v=DMARC1; p=reject"),
    dkim=DkimKeys(branch=ABSENT),
)
NEWSLETTER = replace(PARKED, spf=replace(SPF, networks=("192.0.2.0/28",), own_networks=("192.0.2.0/28",)))
INHERITED = view(dmarc=policy("v=DMARC1; p=none; sp=reject", at="ght.test"))
DANE = Tlsa(usage=3, selector=1, matching=1, data=LEAF.key_sha256)
WRONG = replace(DANE, data="99" * 32)
ANCHOR = Tlsa(usage=2, selector=0, matching=2, data=ROOT.sha512)
PUBLIC = replace(WRONG, usage=1)
NAMED = replace(LEAF, names=("*.ch.test",), not_before=DAY - timedelta(days=1), not_after=DAY + timedelta(days=1))


def dane(*records: Tlsa, secure: bool | None = True, proved: bool | None = True, sts: Presence = PRESENT,
         **more: object) -> MailView:  # fmt: skip
    """A domain whose exchanger has TLSA records; ``more`` is of its server."""
    seen = host(tlsa=records, tlsa_presence=PRESENT, tlsa_secure=secure)
    assert seen.exchangers
    return replace(
        seen,
        exchangers=replace(seen.exchangers, secure=proved),
        transport=replace(STS, sts=sts),
        servers={"mx.ch.test": (replace(SERVER, **more),)},  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("rule", "seen", "expected"),
    [
        (mail.spf_published, GOOD, MET),
        (mail.spf_published, NO_SPF, NOT_MET),
        (mail.spf_published, SILENT_SPF, UNDETERMINED),
        (mail.spf_published, view(spf=None), UNDETERMINED),
        (mail.spf_valid, GOOD, MET),
        (mail.spf_valid, spf(faults=(fault(SpfFaultKind.SEVERAL),)), NOT_MET),
        (mail.spf_valid, spf(faults=(fault(SpfFaultKind.SYNTAX, "_spf.ght.test"),)), NOT_MET),
        (mail.spf_valid, spf(unread=("_spf.ght.test",), least=True), UNDETERMINED),
        (mail.spf_valid, NO_SPF, NOT_APPLICABLE),
        (mail.spf_closed, GOOD, MET),
        (mail.spf_closed, spf(ending="~"), MET),
        (mail.spf_closed, replace(spf(ending="~"), dmarc=NO_DMARC), NOT_MET),
        (mail.spf_closed, replace(spf(ending="~"), dmarc=SILENT_DMARC), UNDETERMINED),
        # a soft refusal under the organisation's reject for subdomains
        (mail.spf_closed, replace(spf(ending="~"), dmarc=INHERITED.dmarc), MET),
        (mail.spf_closed, spf(ending="?"), NOT_MET),
        (mail.spf_closed, spf(ending=""), NOT_MET),
        (mail.spf_closed, spf(ending="unknown"), UNDETERMINED),
        (mail.spf_closed, spf(faults=(fault(SpfFaultKind.SEVERAL),), ending="unknown"), NOT_APPLICABLE),
        # exactly ten is within the limit
        (mail.spf_lookups_within_limit, spf(lookups=10), MET),
        (mail.spf_lookups_within_limit, spf(lookups=11, terms=(term("include"),)), NOT_MET),
        # a macro is one look-up whatever it stands for
        (mail.spf_lookups_within_limit, spf(lookups=3, least=True), MET),
        (mail.spf_lookups_within_limit, spf(lookups=3, least=True, unread=("a.test",)), UNDETERMINED),
        # enough is known: what was not read can only add to it
        (mail.spf_lookups_within_limit, spf(lookups=12, least=True, unread=("a.test",)), NOT_MET),
        (mail.spf_void_lookups_within_limit, spf(voids=2), MET),
        (mail.spf_void_lookups_within_limit, spf(voids=3, terms=(term("a", void=True),)), NOT_MET),
        (
            mail.spf_void_lookups_within_limit,
            spf(voids=2, terms=(term("a", presence=UNKNOWN, reason="timed-out"),)),
            UNDETERMINED,
        ),
        (mail.spf_targets_exist, GOOD, MET),
        (mail.spf_targets_exist, spf(faults=(fault(SpfFaultKind.NO_RECORD, "old.test"),)), NOT_MET),
        (mail.spf_targets_exist, spf(unread=("a.test",)), UNDETERMINED),
        (mail.spf_networks_narrow, spf(own_networks=("192.0.2.0/24", "2001:db8::/48")), MET),
        (mail.spf_networks_narrow, spf(own_networks=("10.0.0.0/8",)), NOT_MET),
        # a large provider's include is its own business
        (mail.spf_networks_narrow, spf(networks=("40.92.0.0/15",)), MET),
        (mail.spf_without_ptr, GOOD, MET),
        (mail.spf_without_ptr, spf(terms=(term("ptr", "ch.test", UNKNOWN),)), NOT_MET),
        (mail.dmarc_published, GOOD, MET),
        (mail.dmarc_published, INHERITED, MET),
        (mail.dmarc_published, view(dmarc=NO_DMARC), NOT_MET),
        (mail.dmarc_published, view(dmarc=SILENT_DMARC), UNDETERMINED),
        (mail.dmarc_enforced, GOOD, MET),
        (mail.dmarc_enforced, INHERITED, MET),
        (mail.dmarc_enforced, view(dmarc=policy("v=DMARC1; p=none; rua=mailto:d@ch.test")), NOT_MET),
        # p is missing: receivers act as for none
        (mail.dmarc_enforced, view(dmarc=policy("v=DMARC1; rua=mailto:d@ch.test")), NOT_MET),
        (mail.dmarc_enforced, view(dmarc=NO_DMARC), NOT_APPLICABLE),
        (mail.dmarc_subdomains_covered, GOOD, MET),
        (mail.dmarc_subdomains_covered, view(dmarc=policy("v=DMARC1; p=reject; sp=none")), NOT_MET),
        (mail.dmarc_subdomains_covered, view(dmarc=policy("v=DMARC1; p=none; sp=reject")), MET),
        (mail.dmarc_subdomains_covered, INHERITED, NOT_APPLICABLE),
        (mail.dmarc_applied_whole, GOOD, MET),
        (mail.dmarc_applied_whole, view(dmarc=policy("v=DMARC1; p=reject; pct=20")), NOT_MET),
        (mail.dmarc_applied_whole, view(dmarc=policy("v=DMARC1; p=reject; t=y")), NOT_MET),
        (mail.dmarc_applied_whole, view(dmarc=policy("v=DMARC1; p=none; pct=20")), NOT_APPLICABLE),
        (mail.dmarc_reports_collected, GOOD, MET),
        (mail.dmarc_reports_collected, view(dmarc=policy("v=DMARC1; p=reject")), NOT_MET),
        (mail.dmarc_report_targets_agree, GOOD, NOT_APPLICABLE),
        *(
            (
                mail.dmarc_report_targets_agree,
                view(
                    dmarc=policy(
                        "v=DMARC1; p=reject; rua=mailto:d@r.test",
                        targets=(
                            ReportTarget(address="mailto:d@r.test", domain="r.test", external=True, authorised=told),
                        ),
                    )
                ),
                outcome,
            )
            for told, outcome in ((PRESENT, MET), (ABSENT, NOT_MET), (UNKNOWN, UNDETERMINED))
        ),
        (mail.dkim_published, GOOD, MET),
        (mail.dkim_published, view(dkim=DkimKeys(branch=ABSENT)), NOT_MET),
        # the branch is there without a selector we know: nothing can be said
        (mail.dkim_published, view(dkim=DkimKeys(branch=PRESENT)), UNDETERMINED),
        (mail.dkim_published, view(dkim=DkimKeys(branch=UNKNOWN, reason="timed-out")), UNDETERMINED),
        (mail.dkim_published, PARKED, NOT_APPLICABLE),
        # a web site without exchangers
        (mail.dkim_published, view(dkim=DkimKeys(branch=ABSENT), exchangers=SITE_ONLY), NOT_APPLICABLE),
        (mail.dkim_selectors_present, key(declared=True), MET),
        (mail.dkim_selectors_present, key(declared=True, presence=ABSENT, bits=0), NOT_MET),
        (mail.dkim_selectors_present, key(declared=True, fault="the key is not base64"), NOT_MET),
        (mail.dkim_selectors_present, key(declared=True, presence=UNKNOWN, bits=0), UNDETERMINED),
        # a key revoked by an empty p= after a rotation
        (mail.dkim_selectors_present, key(declared=True, revoked=True, bits=0), MET),
        (mail.dkim_selectors_present, GOOD, NOT_APPLICABLE),
        (mail.dkim_keys_strong, GOOD, MET),
        (mail.dkim_keys_strong, key(bits=1024), NOT_MET),
        (mail.dkim_keys_strong, key(algorithm="ed25519", bits=256), MET),
        (mail.dkim_keys_strong, key(revoked=True, bits=0), NOT_APPLICABLE),
        (mail.dkim_not_in_test, GOOD, MET),
        (mail.dkim_not_in_test, key(testing=True), NOT_MET),
        (mail.unused_domain_closed, PARKED, MET),
        (mail.unused_domain_closed, replace(PARKED, exchangers=NULL_MX), MET),
        (mail.unused_domain_closed, replace(PARKED, spf=SpfTree(presence=ABSENT)), NOT_MET),
        (mail.unused_domain_closed, replace(PARKED, dmarc=NO_DMARC), NOT_MET),
        (mail.unused_domain_closed, replace(PARKED, dmarc=SILENT_DMARC), UNDETERMINED),
        (mail.unused_domain_closed, GOOD, NOT_APPLICABLE),
        # it sends newsletters and takes no answer
        (mail.unused_domain_closed, NEWSLETTER, NOT_APPLICABLE),
        (mail_transport.exchangers_exist, GOOD, MET),
        (mail_transport.exchangers_exist, host(addressed=ABSENT, nonexistent=True, registered=PRESENT), NOT_MET),
        (mail_transport.exchangers_exist, host(addressed=UNKNOWN, reason="timed-out"), UNDETERMINED),
        (mail_transport.exchangers_exist, PARKED, NOT_APPLICABLE),
        (mail_transport.exchangers_are_no_aliases, GOOD, MET),
        (mail_transport.exchangers_are_no_aliases, host(alias="mx1.test"), NOT_MET),
        (mail_transport.exchangers_take_tls, GOOD, MET),
        (mail_transport.exchangers_take_tls, server(protection=StartTls.ABSENT), NOT_MET),
        (mail_transport.exchangers_take_tls, server(protection=StartTls.UNKNOWN), UNDETERMINED),
        # a provider's exchanger: named, not connected to, not blamed
        (mail_transport.exchangers_take_tls, view(servers={}, outside=("mx.cloud.test",)), UNDETERMINED),
        (mail_transport.exchangers_take_tls, view(servers={}, unseen={"mx.ch.test": "port-25-silent"}), UNDETERMINED),
        (mail_transport.sts_published, GOOD, MET),
        (mail_transport.sts_published, sts(sts=ABSENT), NOT_MET),
        (mail_transport.sts_published, sts(sts=UNKNOWN, reason="timed-out"), UNDETERMINED),
        (mail_transport.sts_published, replace(PARKED, transport=replace(STS, sts=ABSENT)), NOT_APPLICABLE),
        # DANE does the same, where DNSSEC proves the exchangers too and SMTP can use its records
        (mail_transport.sts_published, dane(DANE, proved=True, sts=ABSENT), NOT_APPLICABLE),
        (mail_transport.sts_published, dane(DANE, proved=False, sts=ABSENT), NOT_MET),
        (mail_transport.sts_published, dane(DANE, proved=None, sts=ABSENT), UNDETERMINED),
        (mail_transport.sts_published, dane(PUBLIC, proved=True, sts=ABSENT), NOT_MET),
        # nor can it be told while the records, or the exchangers, are not read
        (
            mail_transport.sts_published,
            replace(host(tlsa_presence=UNKNOWN), transport=replace(STS, sts=ABSENT)),
            UNDETERMINED,
        ),
        (mail_transport.sts_published, replace(sts(sts=ABSENT), exchangers=None), UNDETERMINED),
        (mail_transport.sts_policy_usable, GOOD, MET),
        (mail_transport.sts_policy_usable, sts(policy=PolicyState.CERTIFICATE), NOT_MET),
        (mail_transport.sts_policy_usable, sts(sts_fault="no id"), NOT_MET),
        (mail_transport.sts_policy_usable, sts(policy=PolicyState.OUT_OF_SCOPE), UNDETERMINED),
        (mail_transport.sts_policy_usable, sts(sts=ABSENT), NOT_APPLICABLE),
        (mail_transport.sts_covers_exchangers, GOOD, MET),
        (mail_transport.sts_covers_exchangers, sts(patterns=("other.test",)), NOT_MET),
        # a wildcard stands for one label only
        (mail_transport.sts_covers_exchangers, sts(patterns=("*.test",)), NOT_MET),
        (mail_transport.sts_covers_exchangers, sts(mode="none"), NOT_APPLICABLE),
        (mail_transport.sts_lasting, GOOD, MET),
        (mail_transport.sts_lasting, sts(mode="testing"), NOT_MET),
        (mail_transport.sts_lasting, sts(max_age=3600), NOT_MET),
        (mail_transport.tls_reports_collected, GOOD, MET),
        (mail_transport.tls_reports_collected, sts(reports=ABSENT), NOT_MET),
        (mail_transport.tls_reports_collected, sts(reports=UNKNOWN), UNDETERMINED),
    ],
)
def test_domains(rule: Rule, seen: MailView, expected: Outcome) -> None:
    assert rule.judge(seen).outcome is expected


def test_what_anybody_could_buy_or_send_is_critical_and_what_takes_no_mail_weighs_less() -> None:
    free = fault(SpfFaultKind.NO_RECORD, "gone.test", ABSENT)
    assert mail.spf_targets_exist.judge(spf(faults=(free,))).severity is Severity.CRITICAL
    lost = host(addressed=ABSENT, nonexistent=True, registered=ABSENT)
    assert mail_transport.exchangers_exist.judge(lost).severity is Severity.CRITICAL
    assert mail.spf_closed.judge(spf(ending="+")).severity is Severity.CRITICAL
    through = mail.spf_closed.judge(spf(ending="+", open_includes=("_spf.ght.test",)))
    assert (through.severity, through.values["ending"]) == (Severity.CRITICAL, "+all (include:_spf.ght.test)")
    assert mail.spf_networks_narrow.judge(spf(own_networks=("0.0.0.0/1",))).severity is Severity.CRITICAL
    assert mail.spf_published.judge(replace(NO_SPF, exchangers=NULL_MX)).severity is Severity.LOW
    assert mail.spf_published.judge(replace(NO_SPF, exchangers=SITE_ONLY)).severity is Severity.LOW
    assert mail.dkim_keys_strong.judge(key(bits=768)).severity is Severity.HIGH
    assert (
        mail_transport.sts_covers_exchangers.judge(sts(patterns=("x.test",), mode="testing")).severity is Severity.LOW
    )


def test_an_exchanger_outside_the_mandate_is_named() -> None:
    verdict = mail_transport.exchangers_take_tls.judge(view(servers={}, outside=("mx.cloud.test",)))
    assert (verdict.reason, verdict.values["names"]) == ("out-of-scope", "mx.cloud.test")


def judged(rule: Rule, fact: MailServer) -> Verdict:
    asset = service("tcp", fact.port, "mx.ch.test")
    return rule.judge(
        Observation(id="o", asset=asset, fact=fact, seen_at=DAY, probe="mail-server@1", vantage=Vantage.INTERNET)
    )


IMAP = replace(SERVER, protocol="imap", port=143, banner="* OK Dovecot ready.", clear=("LOGINDISABLED",))
IMAPS = replace(IMAP, port=993, protection=StartTls.IMPLICIT, secure_authentication=("LOGIN", "PLAIN"))
OTHER = replace(SERVER, spoken=False)


@pytest.mark.parametrize(
    ("rule", "fact", "expected"),
    [
        (mail_server.starttls_offered, SERVER, MET),
        (mail_server.starttls_offered, replace(SERVER, protection=StartTls.ABSENT), NOT_MET),
        (mail_server.starttls_offered, replace(SERVER, protection=StartTls.BROKEN), NOT_MET),
        (mail_server.starttls_offered, replace(SERVER, protection=StartTls.UNKNOWN), UNDETERMINED),
        (mail_server.starttls_offered, OTHER, NOT_APPLICABLE),
        (mail_server.starttls_offered, IMAP, NOT_APPLICABLE),
        (mail_server.client_access_encrypted, IMAP, MET),
        (mail_server.client_access_encrypted, IMAPS, MET),
        (mail_server.client_access_encrypted, replace(IMAP, protection=StartTls.ABSENT), NOT_MET),
        (mail_server.authentication_protected, SERVER, MET),
        (mail_server.authentication_protected, replace(SERVER, clear_authentication=("LOGIN", "PLAIN")), NOT_MET),
        (mail_server.authentication_protected, replace(IMAP, clear_authentication=("LOGIN",)), NOT_MET),
        (mail_server.authentication_protected, replace(SERVER, secure_authentication=("PLAIN",)), MET),
        (mail_server.authentication_protected, IMAPS, MET),
        # a challenge never sends the password
        (mail_server.authentication_protected, replace(SERVER, clear_authentication=("SCRAM-SHA-256",)), MET),
        (mail_server.authentication_without_weak_mechanisms, IMAPS, MET),
        (
            mail_server.authentication_without_weak_mechanisms,
            replace(IMAPS, secure_authentication=("CRAM-MD5", "PLAIN")),
            NOT_MET,
        ),
        (mail_server.authentication_without_ntlm, SERVER, MET),
        (mail_server.authentication_without_ntlm, replace(SERVER, secure_authentication=("NTLM",)), NOT_MET),
        (mail_server.exchanger_without_authentication, SERVER, MET),
        (mail_server.exchanger_without_authentication, replace(SERVER, secure_authentication=("PLAIN",)), NOT_MET),
        (
            mail_server.exchanger_without_authentication,
            replace(SERVER, port=587, secure_authentication=("PLAIN",)),
            NOT_APPLICABLE,
        ),
        (mail_server.verification_silent, SERVER, MET),
        # 252 to everything tells nothing
        (mail_server.verification_silent, replace(SERVER, verification=Verification.UNIFORM), MET),
        (mail_server.verification_silent, replace(SERVER, verification=Verification.DISCRIMINATES), NOT_MET),
        (mail_server.verification_silent, replace(SERVER, verification=Verification.UNKNOWN), UNDETERMINED),
        (mail_server.banner_without_version, SERVER, MET),
        (mail_server.banner_without_version, replace(SERVER, banner="mx ESMTP Exim 4.94.2 Tue"), NOT_MET),
        # a date and an address are no version
        (mail_server.banner_without_version, replace(SERVER, banner="mx ESMTP 192.0.2.1 ready 24.11.2026"), MET),
        (mail_server.server_name_public, SERVER, MET),
        (mail_server.server_name_public, replace(SERVER, banner="SRV-EXCH01.chu.local Microsoft ESMTP"), NOT_MET),
        # a banner of one's own, and the inside name after EHLO all the same
        (mail_server.server_name_public, replace(SERVER, own_name="SRV-EXCH01.chu.local"), NOT_MET),
        # .localhost.fr is a public name
        (mail_server.server_name_public, replace(SERVER, banner="mx.localhost.fr ESMTP"), MET),
    ],
)
def test_servers(rule: Rule, fact: MailServer, expected: Outcome) -> None:
    assert judged(rule, fact).outcome is expected


def test_a_certificate_between_mail_servers_weighs_less() -> None:
    """Senders encrypt to whatever certificate they meet, unless MTA-STS or DANE binds them."""
    chain = CertificateChain(
        address="192.0.2.25",
        sni="mx.ch.test",
        subject="CN=mx",
        issuer="CN=mx",
        names=("mx.ch.local",),
        not_before=DAY - timedelta(days=400),
        not_after=DAY - timedelta(days=1),
        key_type="RSA",
        key_bits=2048,
        signature="sha256",
        self_signed=True,
        length=1,
        sha256="aa",
        spki_sha256="bb",
        serial="1",
        name_matches=False,
        path=PathState.NOT_FOUND,
        store="s",
    )

    def weighed(port: int) -> list[Severity | None]:
        seen = Observation(
            id="o", asset=service("tcp", port, "mx.ch.test"), fact=chain, seen_at=DAY, probe="tls@1",
            vantage=Vantage.INTERNET,
        )  # fmt: skip
        rules = (certificate.current, certificate.names_the_service, certificate.not_self_signed)
        return [rule.judge(seen).severity for rule in rules]

    assert weighed(25) == [Severity.MEDIUM, Severity.INFO, Severity.INFO]
    assert weighed(465) == [None, None, None]
