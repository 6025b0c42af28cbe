"""Real daemons scanned by the product's own code: every planted fault is found, the well-kept twin is left alone."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reports.dossier import Dossier
from rules.interface import Finding, Outcome, Severity
from scanner import run
from scanner.config.load import load
from scanner.judging import judge_scan
from scanner.store.store import open_store
from tests.lab.establishment import FAULTY, HEALTHY, OUTSIDE, staged

pytestmark = pytest.mark.daemon


def at(port: int, *hosts: str) -> list[str]:
    return [f"service:tcp/{port}@{host}.{FAULTY}" for host in hosts]


DOMAIN = [f"domain:{FAULTY}"]
#: What was planted: the rule that must say so, its severity, and the assets.
PLANTED: list[tuple[str, Severity, list[str]]] = [
    ("certificate-current", Severity.HIGH, at(443, "www")),
    ("certificate-names-the-service", Severity.HIGH, at(443, "rdv")),
    ("certificate-not-self-signed", Severity.HIGH, at(443, "admin")),
    ("certificate-key-large", Severity.HIGH, at(443, "pacs")),
    ("tls-old-versions-refused", Severity.MEDIUM, at(443, "pacs")),
    ("tls-no-null-anonymous-export", Severity.CRITICAL, at(443, "pacs")),
    ("dns-servers-on-two-networks", Severity.MEDIUM, DOMAIN),
    ("dns-certificate-authorities-named", Severity.LOW, DOMAIN),
    ("mail-spf-lookups-within-limit", Severity.HIGH, DOMAIN),
    ("mail-spf-targets-exist", Severity.CRITICAL, DOMAIN),
    ("mail-spf-closed", Severity.MEDIUM, DOMAIN),
    ("mail-spf-networks-narrow", Severity.MEDIUM, DOMAIN),
    ("mail-spf-without-ptr", Severity.LOW, DOMAIN),
    ("mail-dmarc-enforced", Severity.MEDIUM, DOMAIN),
    ("mail-dmarc-report-targets-agree", Severity.LOW, DOMAIN),
    ("mail-dkim-keys-strong", Severity.MEDIUM, DOMAIN),
    ("mail-exchangers-exist", Severity.CRITICAL, DOMAIN),
    ("mail-exchangers-take-tls", Severity.HIGH, DOMAIN),
    ("mail-sts-policy-usable", Severity.MEDIUM, DOMAIN),
    ("mail-tls-reports-collected", Severity.INFO, DOMAIN),
    ("mail-starttls-offered", Severity.HIGH, at(25, "mx")),
    ("mail-verification-silent", Severity.LOW, at(25, "mx")),
    ("mail-banner-without-version", Severity.INFO, at(25, "mx")),
    ("mail-server-name-public", Severity.LOW, at(25, "mx")),
    ("mail-client-access-encrypted", Severity.HIGH, at(143, "imap")),
    ("mail-authentication-protected", Severity.HIGH, at(143, "imap")),
    ("mail-authentication-without-weak-mechanisms", Severity.LOW, at(143, "imap")),
    ("web-clear-text-redirects-to-tls", Severity.HIGH, at(80, "www")),
    ("web-login-over-tls", Severity.HIGH, at(80, "www")),
    ("web-cross-origin-closed", Severity.HIGH, at(80, "www")),
    ("web-repository-closed", Severity.HIGH, at(80, "www") + at(443, "www")),
    ("web-environment-file-closed", Severity.CRITICAL, at(80, "www") + at(443, "www")),
    ("web-log-closed", Severity.HIGH, at(80, "www") + at(443, "www")),
    ("web-listing-off", Severity.MEDIUM, at(80, "www")),
    ("web-session-cookies-secure", Severity.MEDIUM, at(443, "www")),
    ("web-default-page-removed", Severity.LOW, at(443, "rdv")),
    ("web-administration-closed", Severity.MEDIUM, at(443, "admin")),
    ("web-infrastructure-closed", Severity.HIGH, at(443, "admin")),
    ("web-health-application-closed", Severity.HIGH, at(443, "pacs")),
    ("web-exchange-administration-closed", Severity.HIGH, at(443, "webmail")),
    ("web-directory-names-private", Severity.MEDIUM, at(443, "webmail")),
    ("database-authentication-required", Severity.CRITICAL, at(6379, "outils")),
    ("database-not-reachable", Severity.HIGH, [f"host:outils.{FAULTY}"]),
    ("database-encryption-offered", Severity.MEDIUM, at(6379, "outils")),
    ("ssh-weak-algorithms-refused", Severity.MEDIUM, at(2222, "outils")),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """The dossiers of the faulty establishment, twice, of its twin, and how often the outside exchanger was called."""

    faulty: Dossier
    again: Dossier
    healthy: Dossier
    called: bool
    stored: bytes


@pytest.fixture(scope="module")
def scanned() -> Iterator[Scanned]:
    with (
        tempfile.TemporaryDirectory(prefix="hygie-lab-") as temporary,
        staged(Path(temporary)) as config,
        socket.create_server((OUTSIDE, 25)) as outside,
    ):
        settings = load(config)
        dossiers = []
        for perimeter in ("faille", "faille", "sain"):
            with open_store(settings.store_location()) as store:
                ended, _ = asyncio.run(run.scan(settings, store, perimeter))
                dossiers.append(judge_scan(settings, store, ended.id))
        outside.settimeout(0)
        called = False
        with contextlib.suppress(BlockingIOError):
            outside.accept()
            called = True
        stored = b"".join(path.read_bytes() for path in config.parent.glob("hygie*") if path.is_file())
        yield Scanned(faulty=dossiers[0], again=dossiers[1], healthy=dossiers[2], called=called, stored=stored)


def unmet(dossier: Dossier) -> dict[tuple[str, str], Finding]:
    return {(f.rule, f.asset): f for f in dossier.findings if f.outcome is Outcome.NOT_MET}


@pytest.mark.parametrize(("rule", "severity", "assets"), PLANTED, ids=[rule for rule, _, _ in PLANTED])
def test_a_planted_fault_is_found_where_it_was_planted(
    scanned: Scanned, rule: str, severity: Severity, assets: list[str]
) -> None:
    found = {asset: f.severity for (name, asset), f in unmet(scanned.faulty).items() if name == rule}
    assert found == dict.fromkeys(assets, severity)


def test_old_software_told_by_a_product_weighs_more_than_by_a_banner(scanned: Scanned) -> None:
    found = {
        asset: f.severity for (name, asset), f in unmet(scanned.faulty).items() if name == "web-software-supported"
    }
    assert found.pop(f"service:tcp/443@webmail.{FAULTY}") is Severity.HIGH
    assert set(found.values()) == {Severity.LOW}


def test_a_declared_gateway_is_inventoried_and_not_blamed(scanned: Scanned) -> None:
    (finding,) = [
        f
        for f in scanned.faulty.findings
        if f.rule == "web-remote-access-declared" and f.asset == f"service:tcp/443@vpn.{FAULTY}"
    ]
    assert (finding.outcome, finding.values["products"]) == (Outcome.MET, "Fortinet FortiGate SSL-VPN")


def test_the_well_kept_twin_has_nothing_above_low(scanned: Scanned) -> None:
    found = unmet(scanned.healthy)
    assert {key: f.severity for key, f in found.items() if f.severity.rank < Severity.LOW.rank} == {}
    # every mail proposition is met, none is left in doubt
    mail = {f.rule: f.outcome for f in scanned.healthy.findings if f.rule.startswith("mail") and "domain" in f.asset}
    assert {rule for rule, outcome in mail.items() if outcome is Outcome.UNDETERMINED} == set()
    assert mail["mail-sts-covers-exchangers"] is Outcome.MET
    assert mail["mail-exchangers-take-tls"] is Outcome.MET


def test_an_origin_that_has_everything_is_left_in_doubt_and_one_page_for_all_is_not(scanned: Scanned) -> None:
    listing = {f.asset: f.outcome for f in scanned.healthy.findings if f.rule == "web-listing-off"}
    assert listing[f"service:tcp/443@tout.{HEALTHY}"] is Outcome.UNDETERMINED
    assert listing[f"service:tcp/443@api.{HEALTHY}"] is Outcome.MET


def test_the_provider_s_exchanger_was_never_called_and_is_named(scanned: Scanned) -> None:
    assert not scanned.called
    outside = {a.asset.id for a in scanned.faulty.assets if not a.in_scope}
    assert {"host:mx.prestataire.test", "host:mx.disparu.test"} <= outside


def test_no_secret_of_the_sites_is_kept(scanned: Scanned) -> None:
    assert b"tres-secret" not in scanned.stored
    assert b"PHPSESSID=secret" not in scanned.stored


def test_the_same_establishment_scanned_twice_gives_the_same_findings(scanned: Scanned) -> None:
    def told(dossier: Dossier) -> list[tuple[str, str, str, str, str]]:
        # The rhythm of audits is about the scans themselves.
        kept = [f for f in dossier.findings if not f.rule.endswith("audited-regularly")]
        return [(f.rule, f.asset, f.outcome.value, f.severity.value, str(dict(f.values))) for f in kept]

    assert told(scanned.faulty) == told(scanned.again)
