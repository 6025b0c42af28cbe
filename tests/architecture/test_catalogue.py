"""The catalogue holds together: rules, cards, parameters and criteria sets name each other truly."""

from __future__ import annotations

import re
import string
import tomllib
from pathlib import Path

import pytest

from probes.facts.codec import known_facts
from probes.interface import Fact
from rules.interface import Card, Maturity, Rule, View, Words
from rules.registry import load

ROOT = Path(__file__).parents[2]
RULES = sorted(load().rules.values(), key=lambda r: r.id)
CARDS = sorted(load().cards.values(), key=lambda c: c.rule)
ANSSI_ID = re.compile(r"vuln_[a-z0-9_]+")


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.id)
def test_a_rule_is_named_as_a_proposition_and_reads_one_known_thing(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.id)
    if issubclass(rule.reads, View):
        assert rule.reads in load().views
    else:
        assert issubclass(rule.reads, Fact)
        assert known_facts()[rule.reads.kind] is rule.reads


@pytest.mark.parametrize("card", CARDS, ids=lambda c: c.rule)
def test_a_card_says_everything_in_both_languages(card: Card) -> None:
    for words in (card.fr, card.en):
        for text in (words.title, words.why, words.remedy, words.again, words.found):
            assert len(text.strip()) > 10, f"{card.rule}: an empty or tiny text"
    assert _quoted(card.fr) == _quoted(card.en), f"{card.rule}: the two languages quote different values"
    assert re.search("[éèêàçùôîœ’']", card.fr.why + card.fr.remedy + card.fr.title), (
        f"{card.rule}: French without accents"
    )
    assert card.status in {"official", "secondary", "unverified", "ours"}
    assert not card.control or ANSSI_ID.fullmatch(card.control)
    assert not card.control or card.levels, f"{card.rule}: an ANSSI point without levels"


def _quoted(words: Words) -> set[str]:
    """Only the sentence about the case at hand quotes values."""
    return {name for _, name, _, _ in string.Formatter().parse(words.found) if name}


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.id)
def test_a_rule_has_examples_of_met_and_of_not_met(rule: Rule) -> None:
    """Every family has its tables in ``tests/rules``; each rule stands there with both outcomes."""
    text = "\n".join(p.read_text() for p in sorted((ROOT / "tests" / "rules").glob("test_*.py")))
    name = rule.judge.__name__
    assert rule.id in text or re.search(rf"\b{name}\b", text), f"{rule.id} has no example in tests/rules"


def test_criteria_sets_name_only_known_rules_and_their_real_parameters() -> None:
    for path in sorted((ROOT / "rules" / "sets").glob("*.toml")):
        for table in _tables(tomllib.loads(path.read_text())):
            for rule in table.get("rules", ()):
                pattern = re.compile(re.escape(rule).replace(r"\*", ".*"))
                assert any(pattern.fullmatch(known.id) for known in RULES), f"{path.name} names unknown rule {rule}"


def _tables(value: object) -> list[dict[str, list[str]]]:
    if isinstance(value, dict):
        return [value, *(t for v in value.values() for t in _tables(v))]
    if isinstance(value, list):
        return [t for v in value for t in _tables(v)]
    return []


def test_only_stable_or_reviewed_points_carry_an_anssi_id_once() -> None:
    controls = [c.control for c in CARDS if c.control]
    assert len(controls) == len(set(controls)), "two rules carry the same ANSSI point"
    assert all(c.maturity is not Maturity.EXPERIMENTAL for c in CARDS if c.control)


@pytest.mark.parametrize("kind", sorted(known_facts()))
def test_a_fact_says_who_sees_it_and_about_what(kind: str) -> None:
    fact = known_facts()[kind]
    assert fact.seen_by
    assert fact.about
    assert fact.__dataclass_params__.frozen  # type: ignore[attr-defined]
