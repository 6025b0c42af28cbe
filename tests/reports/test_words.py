from __future__ import annotations

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path

import pytest

import rules
from probes.interface import AssetKind, FoundIn, Part, Reason, Status, Vantage
from reports.words import LANGUAGES, Words, load
from rules.criteria import CriterionStatus
from rules.interface import Confidence, Effort, Maturity, Outcome, Severity

FR, EN = load("fr"), load("en")


@pytest.mark.parametrize("packages", [(), ("reports.changes",), ("scanner",)])
def test_both_languages_have_the_same_keys_plurals_and_values(packages: tuple[str, ...]) -> None:
    ours, theirs = load("fr", *packages).texts, load("en", *packages).texts
    assert ours.keys() == theirs.keys()
    for key, french in ours.items():
        english = theirs[key]
        assert isinstance(french, str) == isinstance(english, str), key
        assert _quoted(french) == _quoted(english), key


def _quoted(text: object) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", str(text)) if isinstance(text, str) else re.findall(r"\{(\w+)\}", repr(text)))


@pytest.mark.parametrize(
    ("prefix", "of"),
    [
        ("severity", Severity),
        ("outcome", Outcome),
        ("confidence", Confidence),
        ("maturity", Maturity),
        ("effort", Effort),
        ("status", Status),
        ("reason", Reason),
        ("part", Part),
        ("vantage", Vantage),
        ("kind", AssetKind),
        ("criterion", CriterionStatus),
    ],
)
def test_every_value_of_the_domain_has_words(prefix: str, of: type[StrEnum]) -> None:
    for value in of:
        assert all(load(language).known(f"{prefix}.{value.value}") for language in LANGUAGES), value


def test_every_place_a_name_is_found_in_has_words() -> None:
    for value in FoundIn:
        assert all(load(language).known(f"found-in.{value.value or 'declared'}") for language in LANGUAGES), value


def test_dates_and_instants_are_said_as_people_say_them() -> None:
    at = datetime(2026, 3, 1, 7, 5, tzinfo=UTC)
    assert _plain(FR.date(date(2026, 3, 1))) == "1er mars 2026"
    assert _plain(EN.date(date(2026, 3, 1))) == "1 March 2026"
    assert _plain(FR.date(date(2026, 8, 21))) == "21 août 2026"
    assert _plain(FR.instant(at)) == "1er mars 2026 à 07 h 05 UTC"
    assert _plain(EN.instant(at)) == "1 March 2026 at 07:05 UTC"


def test_numbers_lists_and_plurals_follow_the_language() -> None:
    assert (FR.number(12345.5), EN.number(12345.5)) == ("12\u202f345,5", "12,345.5")
    assert (FR.listed(["a", "b", "c"]), EN.listed(["a", "b"]), FR.listed(["a"]), FR.listed([])) == (
        "a, b et c",
        "a and b",
        "a",
        "",
    )
    forms = {"thing": {"one": "{n} chose", "other": "{n} choses"}}
    assert [Words("fr", forms).count("thing", n) for n in (0, 1, 2)] == ["0 chose", "1 chose", "2 choses"]
    assert [Words("en", forms).count("thing", n) for n in (0, 1, 2)] == ["0 choses", "1 chose", "2 choses"]


def test_french_prose_gets_its_spaces_and_english_does_not() -> None:
    assert FR.typeset("l'été d'« x »") == "l’été d’«\u00a0x\u00a0»"
    assert FR.typeset("Le nom « x » : oui ?") == "Le nom «\u00a0x\u00a0»\u00a0: oui\u202f?"
    assert EN.typeset("The name: yes ?") == "The name: yes ?"


def test_a_reason_keeps_its_detail_and_an_unknown_one_is_quoted() -> None:
    assert FR.reason("not-readable:pwdLastSet") == "non lisible avec ce compte (pwdLastSet)"
    assert EN.reason("never-heard-of") == 'technical reason "never-heard-of"'


def _plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_a_flaw_that_a_card_quotes_is_said_in_words() -> None:
    values = {"flaw": "signature-expired", "zone": "ch.test"}
    assert load("fr").quoted(values) == {"flaw": "signature expirée", "zone": "ch.test"}
    assert load("en").quoted(values) == {"flaw": "expired signature", "zone": "ch.test"}


def test_yes_no_and_a_value_that_is_not_there_are_quoted_in_words() -> None:
    values = {"record": "-", "audited": True, "told": False, "count": 1}
    assert load("fr").quoted(values) == {"record": "néant", "audited": "oui", "told": "non", "count": 1}
    assert load("en").quoted(values) == {"record": "none", "audited": "yes", "told": "no", "count": 1}


def test_every_reason_that_a_rule_gives_has_words() -> None:
    given = re.compile(r'(?:undetermined|not_applicable)\(\s*"([a-z0-9-]+)')
    texts = [file.read_text() for file in (Path(rules.__file__).parent / "catalogue").glob("*.py")]
    reasons = {reason for text in texts for reason in given.findall(text)}
    assert reasons
    assert {reason for reason in reasons if not FR.known(f"reason.{reason}")} == set()
