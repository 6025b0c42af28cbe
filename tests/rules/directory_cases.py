"""How a table of examples over a made forest is read: spoil one thing, judge one rule, compare all that it says."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from rules.interface import Outcome, Rule, Verdict
from rules.registry import load
from rules.subject import Feed
from rules.views.forest import ForestView
from scanner.config.load import parse
from scanner.feeds.load import feeds
from tests.lab.healthy import healthy
from tests.lab.synthetic import World

MET, NOT_MET, NOT_APPLICABLE, UNDETERMINED = Outcome.MET, Outcome.NOT_MET, Outcome.NOT_APPLICABLE, Outcome.UNDETERMINED
#: The rule, what is changed in a healthy forest, the outcome, the failing levels, and the names found ("" for any).
Case = tuple[Rule, Callable[[World], object], Outcome, tuple[int, ...], str]


@cache
def shipped() -> dict[str, Feed]:
    return {f.name: f for f in feeds(parse(Path("config.toml"), ""))}


def judged(rule: Rule, change: Callable[[World], object] = lambda world: None) -> Verdict:
    world = healthy()
    world.feeds = shipped()
    change(world)
    verdict: Verdict = rule.judge(world.forest() if rule.reads is ForestView else world.domain())
    return verdict


def check(case: Case) -> None:
    rule, change, outcome, levels, names = case
    verdict = judged(rule, change)
    assert (verdict.outcome, verdict.levels) == (outcome, levels), verdict
    if outcome is NOT_MET:
        for words in (load().cards[rule.id].fr, load().cards[rule.id].en):
            assert "{" not in words.found.format(**dict(verdict.values))
    if names:
        assert sorted(o.name.partition(" (")[0] for o in verdict.objects) == sorted(names.split(", "))


def label(case: object) -> str | None:
    if not isinstance(case, tuple):
        return None
    return f"{case[0].id} {case[2].value} {case[4] or ''}"
