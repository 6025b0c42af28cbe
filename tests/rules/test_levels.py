"""Levels as intervals: the lowest failing level is the best case, and every unknown lowers what is guaranteed."""

from __future__ import annotations

from datetime import UTC, datetime

from probes.interface import Part, Vantage
from rules.interface import Confidence, Finding, Maturity, ObjectRef, Outcome, Severity
from rules.levels import Interval, anssi_points, directory_level, exposure_level
from rules.registry import load

DAY = datetime(2026, 11, 24, tzinfo=UTC)


def finding(
    control: str,
    outcome: Outcome,
    levels: tuple[int, ...] = (),
    *,
    open_levels: tuple[int, ...] = (),
    asset: str = "a",
    objects: int = 0,
) -> Finding:
    refs = tuple(ObjectRef(id=f"S-1-5-21-{n}", name=str(n)) for n in range(objects))
    return Finding(
        rule=control or "r", family="f", check="", control=control, asset=asset, outcome=outcome, reason="",
        severity=Severity.HIGH, confidence=Confidence.CONFIRMED, maturity=Maturity.STABLE, levels=levels,
        open_levels=open_levels, values={}, objects=refs, fingerprint=control, evidence=(), vantage=Vantage.INTERNET,
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


def test_what_is_missing_to_reach_the_next_level_is_told_with_its_objects() -> None:
    found = [f for point, f in ALL_MET.items() if point not in {"vuln_guest", "vuln_krbtgt", "vuln_owner"}]
    found += [
        finding("vuln_guest", Outcome.NOT_MET, (2,), objects=1),
        finding("vuln_krbtgt", Outcome.NOT_MET, (2,), objects=1, asset="b"),
        finding("vuln_dc_crypto", Outcome.NOT_MET, (2, 4), objects=3),
        finding("vuln_dc_crypto", Outcome.NOT_MET, (2, 4), objects=4, asset="b"),
        finding("vuln_functional_level", Outcome.NOT_MET, (4,), objects=2),
        finding("vuln_owner", Outcome.NOT_MET, (3,), objects=900),
        finding("vuln_adupdate_bad", Outcome.UNDETERMINED, (2,)),
    ]
    level = directory_level("forest:a", found)
    assert level.level == Interval(guaranteed=2, best=2)
    assert [(s.point, s.failing, s.objects) for s in level.steps] == [
        ("vuln_dc_crypto", True, 4),
        ("vuln_guest", True, 1),
        ("vuln_krbtgt", True, 1),
        ("vuln_adupdate_bad", False, 0),
    ]
    assert level.steps[0].assets == ("a", "b")


def test_nothing_is_missing_at_level_five_and_a_point_never_judged_is_a_step() -> None:
    assert directory_level("a", ALL_MET.values()).steps == ()
    (step,) = directory_level("a", [f for p, f in ALL_MET.items() if p != "vuln_dnsadmins"]).steps
    assert (step.point, step.level, step.failing, step.reason) == ("vuln_dnsadmins", 1, False, "not-judged")


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
