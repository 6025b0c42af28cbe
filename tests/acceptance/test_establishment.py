"""Real daemons scanned by `hygie scan`: every planted fault is found, the well-kept twin is left alone, twice alike."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reports.dossier import Dossier
from rules.interface import Finding, Outcome, Severity
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


#: What a report says of its own scan: instants, and ids and digests that come of them. All else is about the site.
INSTANTS = frozenset({"seen_at", "first_seen", "last_seen", "started_at", "ended_at"})
OF_INSTANTS = frozenset({"timeline_digest"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """The dossiers of both establishments, how often the outside exchanger was called, and what the store holds.

    ``told`` are the reports of each perimeter by two scans of the unchanged lab, each with a store of its own.
    """

    faulty: Dossier
    healthy: Dossier
    told: Mapping[str, Sequence[str]]
    called: bool
    stored: bytes


@pytest.fixture(scope="module")
def scanned() -> Iterator[Scanned]:
    with (
        tempfile.TemporaryDirectory(prefix="hygie-lab-") as temporary,
        staged(Path(temporary)) as config,
        socket.create_server((OUTSIDE, 25)) as outside,
    ):
        again = config.parent / "again" / config.name
        again.parent.mkdir()
        again.write_text(config.read_text())
        for one, perimeters in ((config, ("faille", "sain")), (again, ("sain", "faille"))):
            done = hygie(one, "scan", *perimeters)
            assert (done.returncode, done.stderr) == (1, ""), done.stdout
        told = {
            perimeter: [
                hygie(one, "report", f"latest:{perimeter}", "--format", "json").stdout for one in (config, again)
            ]
            for perimeter in ("faille", "sain")
        }
        settings = load(config)
        with open_store(settings.store_location()) as store:
            scans = {perimeter: json.loads(first)["scan"]["id"] for perimeter, (first, _) in told.items()}
            faulty, healthy = (judge_scan(settings, store, scans[name]) for name in ("faille", "sain"))
        outside.settimeout(0)
        called = False
        with contextlib.suppress(BlockingIOError):
            outside.accept()
            called = True
        stored = b"".join(path.read_bytes() for path in config.parent.glob("hygie*") if path.is_file())
        yield Scanned(faulty=faulty, healthy=healthy, told=told, called=called, stored=stored)


def hygie(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scanner", *words, "-c", str(config)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


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


@pytest.mark.parametrize("perimeter", ["faille", "sain"])
def test_the_same_lab_scanned_twice_gives_the_same_report_but_for_ids_and_instants(
    scanned: Scanned, perimeter: str
) -> None:
    first, second = map(json.loads, scanned.told[perimeter])
    assert {f["outcome"] for f in first["findings"]} == {outcome.value for outcome in Outcome}
    assert first["scan"]["id"] != second["scan"]["id"]
    assert timeless(first) == timeless(second)


def timeless(report: dict[str, Any]) -> object:
    """A report without instants and what comes of them, its own ids by name, a finding's evidence by its count."""
    own = {report["scan"]["id"]: "scan", report["judgement"]["id"]: "judgement"}

    def bare(tree: object) -> object:
        if isinstance(tree, list):
            return [bare(one) for one in tree]
        if isinstance(tree, dict):
            return {key: bare(value) for key, value in tree.items() if key not in INSTANTS | OF_INSTANTS}
        return own.get(tree, tree) if isinstance(tree, str) else tree

    cited = [{**finding, "evidence": len(finding["evidence"])} for finding in report["findings"]]
    return bare({**report, "findings": cited})
