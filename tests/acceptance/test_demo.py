"""The whole road: `hygie demo` finds what was planted, where it was planted, and nothing on the healthy twin."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reports.evidence.redaction import redact
from scanner.demo.establishment import DNS_PORT, FAULTY, RESOLVER
from scanner.evidence.opening import open_pack

PLANTED = {
    ("certificate-current", f"service:tcp/8443@www.{FAULTY}"),
    ("certificate-names-the-service", f"service:tcp/8443@rdv.{FAULTY}"),
    ("certificate-not-self-signed", f"service:tcp/8443@webmail.{FAULTY}"),
    ("certificate-key-large", f"service:tcp/8443@pacs.{FAULTY}"),
    ("tls-old-versions-refused", f"service:tcp/8443@pacs.{FAULTY}"),
    ("tls-old-versions-refused", f"service:tcp/8443@extranet.{FAULTY}"),
    ("tls-ssl3-refused", f"service:tcp/8443@ged.{FAULTY}"),
    ("tls-no-rc4", f"service:tcp/8443@ged.{FAULTY}"),
    ("dns-transfer-closed", f"domain:{FAULTY}"),
    ("dns-version-hidden", f"domain:{FAULTY}"),
    ("dns-servers-on-two-networks", f"domain:{FAULTY}"),
    ("dns-certificate-authorities-named", f"domain:{FAULTY}"),
    ("dns-directory-locators-private", f"domain:{FAULTY}"),
    ("dns-alias-target-exists", f"host:ancien-portail.{FAULTY}"),
    ("dns-no-private-addresses", f"host:sauvegarde.{FAULTY}"),
    ("mail-spf-published", f"domain:{FAULTY}"),
    ("mail-dmarc-published", f"domain:{FAULTY}"),
    ("establishment-forest-not-published", "forest:ad.ch-valmorel.test"),
    ("privileged-accounts-without-spn", "ad-domain:ad.ch-valmorel.test"),
    ("unconstrained-delegation-only-on-controllers", "ad-domain:ad.ch-valmorel.test"),
    ("krbtgt-password-renewed", "ad-domain:ad.ch-valmorel.test"),
    ("external-trusts-filtered", "ad-domain:ad.ch-valmorel.test"),
}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    hygie = [sys.executable, "-m", "scanner"]
    done = subprocess.run([*hygie, "demo", "-o", "out"], cwd=folder, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder / "out"


def report(folder: Path, perimeter: str) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads((folder / f"{perimeter}.json").read_text())
    return tree


def unmet(tree: dict[str, Any]) -> set[tuple[str, str]]:
    return {(f["rule"], f["asset"]) for f in tree["findings"] if f["outcome"] == "not-met"}


def test_every_planted_fault_is_found_where_it_was_planted(played: Path) -> None:
    found = unmet(report(played, "ch-valmorel"))
    assert found >= PLANTED
    rules = {rule for rule, _ in PLANTED if rule.startswith(("certificate", "tls-ssl", "tls-no-rc4"))}
    alone = {(rule, asset) for rule, asset in found if rule in rules}
    # what was planted on one service is found on no other
    assert alone == {(rule, asset) for rule, asset in PLANTED if rule in rules}


def test_the_healthy_twin_has_nothing_above_low(played: Path) -> None:
    tree = report(played, "clinique-bonport")
    assert unmet(tree) == {("dns-zone-signed", "domain:clinique-bonport.test")}
    assert {f["severity"] for f in tree["findings"] if f["outcome"] == "not-met"} == {"low"}
    assert tree["exposure"] == {"level": {"best": 4, "guaranteed": 4}}


def test_what_lies_outside_the_mandate_is_told_and_was_not_looked_at(played: Path) -> None:
    tree = report(played, "ch-valmorel")
    outside = {a["id"] for a in tree["assets"] if not a["in_scope"]}
    assert "host:ch-valmorel.prestataire-disparu.test" in outside
    assert not outside & {f["asset"] for f in tree["findings"]}
    reasons = {(a["asset"], a["reason"]) for a in tree["attempts"]["not_completed"]}
    assert (f"host:sauvegarde.{FAULTY}", "out-of-scope") in reasons


def test_the_comparison_counts_the_imported_directory_that_the_dossier_tells(played: Path) -> None:
    hygie = [sys.executable, "-m", "scanner", "compare", "--format", "json", "-c", "demo.toml"]
    done = subprocess.run(hygie, cwd=played, capture_output=True, text=True, check=True)
    assert "forest:ad.ch-valmorel.test" in done.stdout


def test_the_sums_hold_and_judging_again_gives_the_same_bytes(played: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=played, check=True)
    command = [sys.executable, "-m", "scanner", "report", "latest:clinique-bonport", "-c", "again.toml"]
    (played / "again.toml").write_text('[store]\nurl = "demo.sqlite"\n[reports]\nlanguage = "fr"\n')
    again = [subprocess.run(command, cwd=played, capture_output=True, check=True).stdout for _ in range(2)]
    assert again[0] == again[1] == (played / "clinique-bonport.json").read_bytes()


def test_one_changed_byte_is_named(played: Path) -> None:
    text = (played / "ch-valmorel.txt").read_bytes()
    try:
        (played / "ch-valmorel.txt").write_bytes(text[:-1] + b"!")
        done = subprocess.run(
            [sys.executable, "-m", "scanner", "verify", "."], cwd=played, capture_output=True, text=True
        )
    finally:
        (played / "ch-valmorel.txt").write_bytes(text)
    assert done.returncode == 1
    assert "modifié\u00a0: ch-valmorel.txt" in done.stdout


def test_the_demonstration_leaves_a_pack_that_verifies(played: Path) -> None:
    pack = "ch-valmorel.preuve.zip"
    done = subprocess.run([sys.executable, "-m", "scanner", "verify", pack], cwd=played, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "non qualifié" in done.stdout


def test_its_redacted_form_names_no_asset_and_no_account(played: Path) -> None:
    tree = report(played, "ch-valmorel")
    names = {a["name"] for a in tree["assets"]} | {x for a in tree["assets"] for x in a["addresses"]}
    names |= {o[key] for f in tree["findings"] for o in f["objects"] for key in ("id", "name", "dn")}
    names |= {f["fingerprint"] for f in tree["findings"]} | {e for f in tree["findings"] for e in f["evidence"]}
    names |= {tree["perimeter"][key] for key in ("id", "name", "digest")} | {tree["mandate"]["signatory"]}
    files, _ = open_pack(played / "ch-valmorel.preuve.zip")
    hidden = redact(files, b"a key of the owner")["report.json"].decode()
    told = set(texts(json.loads(hidden)))
    # "ad" is the name of the directory, and of an objective.
    assert {name for name in names - {"", "ad"} if name in told} == set()
    assert {name for name in names if len(name) > 7 and name in hidden} == set()


def texts(tree: object) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    for item in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from texts(item)


def test_a_second_demonstration_beside_the_first_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((RESOLVER, DNS_PORT))
        hygie = [sys.executable, "-m", "scanner"]
        done = subprocess.run([*hygie, "demo", "-o", "out"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1), done.stderr
    assert "Address already in use" in done.stderr
