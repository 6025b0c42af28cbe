"""Levels as intervals: the lowest failing level is the best case, and every unknown lowers what is guaranteed."""

from __future__ import annotations

from datetime import UTC, datetime

from probes.interface import Part, Vantage
from rules.interface import Confidence, Finding, Maturity, Outcome, Severity
from rules.levels import Interval, anssi_points, directory_level, exposure_level
from rules.registry import load

DAY = datetime(2026, 11, 24, tzinfo=UTC)


def finding(
    control: str, outcome: Outcome, levels: tuple[int, ...] = (), *, open_levels: tuple[int, ...] = ()
) -> Finding:
    return Finding(
        rule=control or "r", family="f", check="", control=control, asset="a", outcome=outcome, reason="",
        severity=Severity.HIGH, confidence=Confidence.CONFIRMED, maturity=Maturity.STABLE, levels=levels,
        open_levels=open_levels, values={}, objects=(), fingerprint=control, evidence=(), vantage=Vantage.INTERNET,
        part=Part.DIRECTORY if control else Part.EXPOSURE, seen_at=DAY, first_seen=DAY, last_seen=DAY,
    )  # fmt: skip


ALL_MET = {point: finding(point, Outcome.MET) for point in anssi_points()}


def level(*changed: Finding) -> Interval:
    return directory_level("ad-domain:a", {**ALL_MET, **{f.control: f for f in changed}}.values()).level


def test_nothing_failing_and_everything_evaluated_is_five() -> None:
    assert level() == Interval(guaranteed=5, best=5)


def test_the_lowest_failing_level_decides_and_the_unknown_lowers_what_is_guaranteed() -> None:
    assert level(finding("vuln_guest", Outcome.NOT_MET, (2,))) == Interval(guaranteed=2, best=2)
    assert level(finding("vuln_krbtgt", Outcome.UNDETERMINED, (2,))) == Interval(guaranteed=2, best=5)
    both = (finding("vuln_owner", Outcome.NOT_MET, (3,)), finding("vuln_krbtgt", Outcome.UNDETERMINED, (2,)))
    assert str(level(*both)) == "2-3"
    thresholds = finding("vuln_functional_level", Outcome.NOT_MET, (4,), open_levels=(3,))
    assert level(thresholds) == Interval(guaranteed=3, best=4)


def test_a_point_that_no_rule_judged_is_never_taken_for_good() -> None:
    some = [f for point, f in ALL_MET.items() if point != "vuln_dnsadmins"]
    found = directory_level("ad-domain:a", some)
    assert found.level == Interval(guaranteed=1, best=5)
    assert found.not_evaluated == ("vuln_dnsadmins",)


def test_the_catalogue_has_its_76_points_and_cards_carry_their_levels() -> None:
    assert len(anssi_points()) == 76
    for card in load().cards.values():
        if card.control:
            assert card.levels == anssi_points()[card.control], card.rule


def test_the_exposure_level_counts_open_severities() -> None:
    assert exposure_level([]) is None
    assert exposure_level([finding("", Outcome.MET)]) == Interval(guaranteed=5, best=5)
    assert exposure_level([finding("", Outcome.NOT_MET)]) == Interval(guaranteed=2, best=2)
    assert exposure_level([finding("", Outcome.UNDETERMINED)]) == Interval(guaranteed=2, best=5)
