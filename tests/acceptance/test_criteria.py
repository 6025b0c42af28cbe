"""Scans at dated distances, judged by a dated set: what the spacing says, and how a person's own file changes it."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rules.criteria_file import shipped
from scanner.cli import app
from scanner.demo.play import FAULTY, HEALTHY
from tests.lab.staged import Look, staged

WEBMAIL = "127.77.10.12"


def hygie(folder: Path, *arguments: str, code: int | None = 0) -> str:
    done = CliRunner().invoke(app, [*arguments, "-c", str(folder / "config.toml")], catch_exceptions=False)
    assert code is None or done.exit_code == code, done.output
    return done.stdout


def report(folder: Path, scan: str = "latest") -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(hygie(folder, "report", scan, code=None))
    return tree


def indicator(tree: dict[str, Any], key: str) -> dict[str, Any]:
    found: dict[str, Any] = next(c for c in tree["criteria"] if c["indicator"] == key)
    return found


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    staged(folder, HEALTHY, [Look(ago=90)])
    return folder


@pytest.mark.parametrize(
    ("days", "status", "reason"),
    [
        (30, "not-met", "spacing-out"),
        (50, "met", "spacing-held"),
        (61, "near", "spacing-near"),
        (90, "not-met", "spacing-out"),
    ],
)
def test_two_scans_are_held_to_the_spacing_rule(
    first: Path, tmp_path: Path, days: int, status: str, reason: str
) -> None:
    folder = tmp_path / "second"
    shutil.copytree(first, folder)
    staged(folder, HEALTHY, [Look(ago=90 - days)])
    tree = report(folder)
    own, official = indicator(tree, "expo.own_pair"), indicator(tree, "expo.level")
    assert (own["status"], own["reason"]) == (status, reason)
    for told in tree["criteria"]:
        assert all(told[key]["fr"] and told[key]["en"] for key in ("measured", "target", "coverage", "told"))
    # The official indicator states the spacing, and never the verdict: nobody has read the level.
    assert official["code"] == "D1.O2.B"
    assert (official["status"], official["reason"]) == ("not-evaluated", "target-not-verified")
    assert f"{days} jours" in official["measured"]["fr"]
    if days == 61:
        assert "de 1 jour, à confirmer" in own["told"]["fr"]
    if days == 50:
        _fill_the_target(folder)


def _fill_the_target(folder: Path) -> None:
    """A person fills one target, with a source, and lists our own scans; the verdict follows without code."""
    text = shipped()["care-d1.toml"].replace('version = "2024"', 'version = "2024-ch"')
    unread = 'op = ">="\nstatus = "unverified"\nnote = "le niveau minimum n’est pas public dans les pages lues"'
    assert unread in text
    entered = 'op = ">="\nvalue = {}\nstatus = "official"\nsource = "A1"\nby = "auditrice"\non = 2026-11-24'
    accepted = '  { type = "silene", status = "official", source = "S1" },'
    ours = accepted + '\n  { type = "hygie", status = "ours", source = "A1" },'
    sourced = text.replace("\n[sources]\n", '\n[sources]\nA1 = "annexe, page 3"\n').replace(accepted, ours, 1)
    for level, status in ((2, "met"), (5, "not-met")):
        file = folder / "care-ch.toml"
        file.write_text(sourced.replace(unread, entered.format(level)))
        hygie(folder, "judge", "latest", "--criteria", "care-ch.toml", code=1)
        config = folder / "config.toml"
        kept = config.read_text()
        config.write_text(kept + '\n[reports]\ncriteria = ["care-ch.toml"]\n')
        told = indicator(report(folder), "expo.level")
        config.write_text(kept)
        assert (told["set"], told["version"], told["status"]) == ("care-d1", "2024-ch", status)
        assert (told["entered_by"], told["target_source"]) == ("auditrice", "annexe, page 3")


def test_a_wrong_set_is_refused_with_its_line(first: Path) -> None:
    file = first / "wrong.toml"
    file.write_text(shipped()["care-d1.toml"].replace('severities = ["critical"]', 'rules = ["no-such-rule"]'))
    done = CliRunner().invoke(app, ["criteria", "check", str(file)])
    assert done.exit_code == 3
    assert "line " in done.stderr
    assert "no rule is called no-such-rule" in done.stderr
    file.write_text(shipped()["care-d1.toml"].replace("Annuaires techniques", "Annuaires"))
    done = CliRunner().invoke(app, ["criteria", "check", str(file)])
    assert done.exit_code == 3
    assert 'give it a version of your own, for example version = "2024-ch"' in done.stderr
    done = CliRunner().invoke(app, ["judge", "--criteria", "care-d2@2025", "-c", str(first / "config.toml")])
    assert done.exit_code == 3
    assert "known: anssi-hygiene-exposed@2017" in done.stderr


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The faulty hospital, scanned thrice: its webmail is down the second time and back, as bad, the third."""
    folder = tmp_path_factory.mktemp("aged")
    return folder, staged(folder, FAULTY, [Look(ago=60), Look(ago=30, down=(WEBMAIL,)), Look(ago=0)], unit="ght")


def test_diff_says_what_went_and_what_came_back(aged: tuple[Path, list[str]]) -> None:
    folder, (before, between, after) = aged
    webmail = "service:tcp/8443@webmail.ch-valmorel.test"
    gone = json.loads(hygie(folder, "diff", before, between, "--json", code=None))
    assert {c["asset"] for c in gone["gone"]} == {webmail}
    assert webmail not in {c["asset"] for c in (*gone["new"], *gone["reopened"], *gone["worse"])}
    assert webmail in gone["coverage"]["assets_lost"]
    back = json.loads(hygie(folder, "diff", between, after, "--json", code=1))
    assert "certificate-not-self-signed" in {c["rule"] for c in back["reopened"] if c["asset"] == webmail}
    assert webmail not in {c["asset"] for c in back["new"]}
    text = hygie(folder, "diff", between, after, code=1)
    assert text.index("Ce que les deux scans n’ont pas vu de la même façon") < text.index("Constats revenus")
    english = hygie(folder, "diff", between, after, "--lang", "en", code=1)
    assert "Findings that came back" in english
    same = hygie(folder, "diff", before, after, code=None)
    assert "Constats revenus" not in same


def test_the_history_of_a_finding_is_in_the_report(aged: tuple[Path, list[str]]) -> None:
    folder, scans = aged
    tree = report(folder)
    told = next(h for h in tree["history"] if h["rule"] == "certificate-not-self-signed")
    assert told["course"] == "reopened"
    assert told["first_seen"] < told["gone_at"] < told["reopened_at"] == told["last_seen"]
    assert [t["scan"] for t in tree["trends"]] == scans


def test_an_old_scan_looks_backwards_only(aged: tuple[Path, list[str]]) -> None:
    folder, (before, *_) = aged
    tree = report(folder, before)
    assert {h["course"] for h in tree["history"]} == {"new"}
    assert hygie(folder, "report", before, code=None) == hygie(folder, "report", before, code=None)


def test_documents_are_attached_override_ours_and_are_watched(aged: tuple[Path, list[str]]) -> None:
    folder, _ = aged
    paper = folder / "ads.pdf"
    paper.write_bytes(b"%PDF-1.7 rapport")
    base = ["attest", "add", FAULTY, "ads", str(paper)]
    id = hygie(folder, *base, "level=3", "forest=ad.ch-valmorel.test", "--dated", "2026-06-01").strip()
    told = indicator(report(folder), "ad.level")
    assert {k: told["measures"][0][k] for k in ("by", "decides", "reference")} == {
        "by": "ads", "decides": True, "reference": id,
    }  # fmt: skip
    assert told["evidence"][0]["present"] == [id]
    paper.write_bytes(b"%PDF-1.7 autre")
    done = CliRunner().invoke(app, ["attest", "list", "-c", str(folder / "config.toml")])
    assert done.exit_code == 1
    assert "is no longer the document that was attached" in done.stderr
    done = CliRunner().invoke(app, ["judge", "-c", str(folder / "config.toml")])
    assert "is no longer the document that was attached" in done.stderr
    hygie(folder, "attest", "withdraw", id, "--reason", "document remplacé")
    assert indicator(report(folder), "ad.level")["evidence"][0]["present"] == []
    assert json.loads(hygie(folder, "attest", "list", "--json"))[0]["state"] == "withdrawn"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ads", "level=6", "--dated", "2026-06-01"], "level: expected 1 to 5, not 6"),
        (["ads", "level=three", "--dated", "2026-06-01"], "expected a whole number"),
        (["ads", "--dated", "2026-06-01"], "needs the value level"),
        (["ads", "level=3", "colour=red", "--dated", "2026-06-01"], "has no value colour"),
        (["ads", "level", "--dated", "2026-06-01"], "expected NAME=VALUE"),
        (["ads", "level=3", "--dated", "2999-01-01"], "lies in the future"),
        (["ads", "level=3", "forest=\udcff", "--dated", "2026-06-01"], "forest holds bytes that are not UTF-8"),
        (["adz", "level=3", "--dated", "2026-06-01"], "no document is of type adz"),
        (["ad_architecture_description", "all_ght_ad_converged=maybe", "--dated", "2026-06-01"], "expected yes or no"),
    ],
)
def test_a_wrong_attestation_is_one_sentence(aged: tuple[Path, list[str]], arguments: list[str], said: str) -> None:
    folder, _ = aged
    paper = folder / "paper.pdf"
    paper.write_bytes(b"x")
    type, *rest = arguments
    command = ["attest", "add", FAULTY, type, str(paper), *rest, "-c", str(folder / "config.toml")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 3, done.output
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_converged_directory_is_attested(aged: tuple[Path, list[str]]) -> None:
    folder, _ = aged
    paper = folder / "architecture.odt"
    paper.write_bytes(b"architecture")
    assert indicator(report(folder), "ad.convergence")["status"] == "manual"
    hygie(
        folder, "attest", "add", FAULTY, "ad_architecture_description", str(paper), "all_ght_ad_converged=oui",
        "--dated", "2026-05-04", "--issuer", "DSI du GHT", "--page", "2",
    )  # fmt: skip
    tree = report(folder)
    assert indicator(tree, "ad.convergence")["status"] == "met"
    assert {o["objective"] for o in tree["objectives"] if o["status"] == "met"} == {"convergence"}


def test_an_accepted_risk_is_counted_apart_and_ends(aged: tuple[Path, list[str]]) -> None:
    folder, _ = aged
    asset = "service:tcp/8443@pacs.ch-valmorel.test"
    mark = f"certificate-key-large@{asset}"
    before = indicator(report(folder), "expo.open_critical")["measured"]
    today = datetime.now(UTC).date()
    base = ["waive", "grant", mark, "--reason", "matériel remplacé en mars", "--owner", "RSSI"]
    refused = CliRunner().invoke(
        app, [*base, "--until", f"{today + timedelta(days=367)}", "-c", str(folder / "config.toml")]
    )
    assert refused.exit_code == 3
    assert "more than twelve months away" in refused.stderr
    id = hygie(folder, *base, "--until", f"{today + timedelta(days=90)}").split()[0]
    tree = report(folder)
    waived = [f for f in tree["findings"] if f["waiver"]]
    assert [(f["rule"], f["asset"], f["outcome"]) for f in waived] == [("certificate-key-large", asset, "not-met")]
    assert next(h for h in tree["history"] if h["accepted"])["accepted"] == id
    assert indicator(tree, "expo.open_critical")["measured"]["fr"].split(",")[0] == before["fr"].split(",")[0]
    assert "en vigueur" in hygie(folder, "waive", "list")
    hygie(folder, "waive", "withdraw", id, "--reason", "corrigé")
    assert not [f for f in report(folder)["findings"] if f["waiver"]]
    assert "retiré" in hygie(folder, "waive", "list")
