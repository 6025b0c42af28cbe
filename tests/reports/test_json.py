from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

from jsonschema import Draft202012Validator, FormatChecker
from syrupy.assertion import SnapshotAssertion

from reports.json import render
from tests.reports.dossiers import CARDS, HOSTILE, large, small

SCHEMA = json.loads((files("reports") / "schema" / "report-1.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())

#: The contract, key by key.
FINDING = (
    "rule check control family asset outcome reason severity confidence maturity levels values objects fingerprint "
    "evidence waiver vantage first_seen last_seen"
)
ASSET = "id kind name addresses port transport found_by in_scope vantage"
CRITERION = "set version digest objective indicator code status reason measured target target_status coverage findings"


def test_the_schema_is_a_schema_and_the_report_follows_it() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    for dossier in (small(), small("\n".join(HOSTILE)), replace(small(), exposure=None, directory=())):
        assert list(VALIDATOR.iter_errors(json.loads(render(dossier, CARDS)))) == []


def test_every_key_of_the_contract_is_there() -> None:
    report = json.loads(render(small(), CARDS))
    top = "schema scan judgement perimeter mandate assets attempts findings directory exposure criteria"
    assert set(top.split()) <= report.keys()
    assert {"id", "parts", "versions", "config_digest", "perimeter_digest"} <= report["scan"].keys()
    assert {"id", "feeds", "catalogue_digest"} <= report["judgement"].keys()
    for keys, items in ((FINDING, report["findings"]), (ASSET, report["assets"]), (CRITERION, report["criteria"])):
        assert all(set(keys.split()) <= item.keys() for item in items)
    assert report["findings"][2]["objects"][0].keys() == {"id", "name", "dn"}
    assert report["exposure"]["level"] == {"guaranteed": 1, "best": 2}
    assert {"level", "evaluated", "not_evaluated"} <= report["directory"][0].keys()


def test_every_object_is_carried() -> None:
    dossier, cards = large(20, 300)
    report = json.loads(render(dossier, cards))
    assert sum(len(f["objects"]) for f in report["findings"]) == sum(len(f.objects) for f in dossier.findings)


def test_bytes_are_canonical(snapshot: SnapshotAssertion) -> None:
    data = render(small(), CARDS)
    assert data == render(small(), CARDS)
    assert data == json.dumps(json.loads(data), sort_keys=True, ensure_ascii=False, indent=1).encode() + b"\n"
    report = json.loads(data)
    assert {key: report[key] for key in ("findings", "criteria", "directory", "exposure")} == snapshot
