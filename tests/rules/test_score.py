"""Scoring, as tables: what a set says of dated audits, levels, documents and findings, and what it refuses to say."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.interface import Mandate, Part, Scope, Vantage
from rules.attestations import kinds
from rules.case import Case
from rules.criteria import CriteriaSet, CriterionResult, CriterionStatus, ObjectiveResult, WindowState
from rules.criteria_file import parse, shipped
from rules.interface import Confidence, Finding, Maturity, Outcome, RuleError, Severity
from rules.levels import DirectoryLevel, Interval
from rules.registry import load
from rules.score import score
from rules.subject import Attestation, PastScan, Perimeter, Scan, ScanPart, Timeline

DAY = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
RULES = frozenset(load().rules)
CARE = shipped()["care-d1.toml"]
S = CriterionStatus


def a_set(text: str = CARE) -> CriteriaSet:
    return parse("care-d1.toml", text, RULES)


def a_case(
    *,
    unit: str = "ej",
    parts: tuple[Part, ...] = (Part.EXPOSURE,),
    exposure: Interval | None = None,
    past: dict[int, int] | None = None,
    attestations: tuple[Attestation, ...] = (),
    findings: tuple[Finding, ...] = (),
    directory: tuple[DirectoryLevel, ...] = (),
) -> Case:
    """A case of the day; ``past`` gives the exposure level of an earlier scan, by how many days ago it was."""
    perimeter = Perimeter(id="ch", name="CH", unit=unit, digest="p")
    mandate = Mandate(
        reference="M", signatory="D", document_sha256="", valid_from=DAY.date(), valid_until=DAY.date(), level=2,
        scope=Scope(),
    )  # fmt: skip
    scan = Scan(
        id="now", perimeter=perimeter, mandate=mandate, level=2, state="complete", versions={}, config_digest="",
        parts=tuple(
            ScanPart(kind=k, box="b", vantage=Vantage.INTERNET, started_at=DAY, ended_at=DAY) for k in parts
        ),
    )  # fmt: skip
    scans = [
        PastScan(
            scan=f"{ago} days ago", kind=Part.EXPOSURE, seen_at=DAY - timedelta(days=ago), perimeter_digest="p",
            findings={}, levels={"exposure": (level, level)},
        )
        for ago, level in sorted((past or {}).items(), reverse=True)
    ]  # fmt: skip
    return Case(
        scan=scan, findings=findings, directory=directory, exposure=exposure, timeline=Timeline(scans=tuple(scans)),
        attestations=tuple(sorted(attestations, key=lambda a: a.dated)),
    )  # fmt: skip


def document(type: str, ago: int = 0, id: str = "", **values: str | int) -> Attestation:
    dated = DAY.date() - timedelta(days=ago)
    return Attestation(
        id=id or f"{type}-{ago}", type=type, issuer="x", dated=dated, document_sha256="0" * 64, values=values,
        perimeter="ch",
    )  # fmt: skip


def indicator(of: CriteriaSet, case: Case, key: str) -> CriterionResult:
    return next(c for c in score(of, case).criteria if c.indicator == key)


def objective(of: CriteriaSet, case: Case, key: str) -> ObjectiveResult:
    return next(o for o in score(of, case).objectives if o.objective == key)


def with_target(key: str, *, value: int, status: str = "official") -> CriteriaSet:
    """The set after a person has filled the target of an indicator, with a source, in the file alone."""
    head, found, rest = CARE.partition(f'key = "{key}"')
    assert found
    filled = f'value = {value}\nstatus = "{status}"\nsource = "A"\nby = "auditrice"\non = 2026-11-24'
    before, header, after = rest.partition('[objectives.indicators.target]\nop = ">="\n')
    after = after.partition("\n")[2]
    text = head + found + before + header + filled + "\n" + after
    return a_set(text.replace("\n[sources]\n", '\n[sources]\nA = "annexe lue"\n'))


# spacing: both ends inclusive, two days beyond warn


@pytest.mark.parametrize(
    ("days", "status", "reason"),
    [
        (30, S.NOT_MET, "spacing-out"),
        (42, S.NOT_MET, "spacing-out"),
        (43, S.NEAR, "spacing-near"),
        (45, S.MET, "spacing-held"),
        (50, S.MET, "spacing-held"),
        (60, S.MET, "spacing-held"),
        (61, S.NEAR, "spacing-near"),
        (62, S.NEAR, "spacing-near"),
        (63, S.NOT_MET, "spacing-out"),
        (90, S.NOT_MET, "spacing-out"),
    ],
)
def test_two_of_our_scans_are_spaced(days: int, status: CriterionStatus, reason: str) -> None:
    case = a_case(exposure=Interval(guaranteed=3, best=3), past={days: 3})
    told = indicator(a_set(), case, "expo.own_pair")
    assert (told.status, told.reason) == (status, reason)
    assert f"{days} jours" in told.measured.fr


def test_the_official_indicator_states_the_spacing_but_not_the_verdict() -> None:
    case = a_case(exposure=Interval(guaranteed=3, best=3), past={50: 3})
    told = indicator(a_set(), case, "expo.level")
    assert (told.status, told.reason, told.code) == (S.NOT_EVALUATED, "target-not-verified", "D1.O2.B")
    assert told.told.fr == "Non évalué : cible non vérifiée. L’intervalle est dans la fenêtre de 45 à 60 jours."
    assert "50 jours" in told.measured.fr


def test_a_person_fills_a_target_and_the_verdict_follows() -> None:
    silene = (document("silene", 50, level=4), document("silene", 0, level=3))
    case = a_case(exposure=Interval(guaranteed=1, best=1), attestations=silene)
    three, four = with_target("expo.level", value=3), with_target("expo.level", value=4)
    assert indicator(a_set(), case, "expo.level").status is S.NOT_EVALUATED
    told = indicator(three, case, "expo.level")
    assert (told.status, told.entered_by, told.target_source) == (S.MET, "auditrice", "annexe lue")
    assert indicator(four, case, "expo.level").status is S.NOT_MET


@pytest.mark.parametrize("status", ["unverified", "ours", "secondary"])
def test_a_target_that_is_not_official_concludes_nothing(status: str) -> None:
    silene = (document("silene", 50, level=4), document("silene", 0, level=3))
    told = indicator(with_target("expo.level", value=3, status=status), a_case(attestations=silene), "expo.level")
    assert (told.status, told.reason) == (S.PARTIAL, "target-unverified")


def test_our_own_scans_alone_never_meet_an_official_indicator() -> None:
    case = a_case(exposure=Interval(guaranteed=4, best=4), past={50: 4})
    told = indicator(with_target("expo.level", value=3), case, "expo.level")
    assert (told.status, told.reason) == (S.PARTIAL, "own-audits-only")


def test_they_do_when_the_set_lists_them_with_a_source() -> None:
    case = a_case(exposure=Interval(guaranteed=4, best=4), past={50: 4})
    silene = '  { type = "silene", status = "official", source = "S1" },'
    listed = CARE.replace(silene, silene + '\n  { type = "hygie", status = "ours", source = "S1" },', 1)
    target = 'op = ">="\nstatus = "unverified"\nnote = "le niveau minimum'
    filled = (
        'op = ">="\nvalue = 3\nstatus = "official"\nsource = "S1"\nby = "x"\non = 2026-11-24\nnote = "le niveau minimum'
    )
    assert indicator(a_set(listed.replace(target, filled)), case, "expo.level").status is S.MET


def test_an_attested_pair_decides_and_ours_stays_visible() -> None:
    silene = (document("silene", 50, level=2), document("silene", 0, level=2))
    case = a_case(exposure=Interval(guaranteed=5, best=5), past={50: 5}, attestations=silene)
    told = indicator(with_target("expo.level", value=3), case, "expo.level")
    assert told.status is S.NOT_MET
    assert {(m.by, m.decides) for m in told.measures} == {("silene", True), ("hygie", False)}


def test_a_report_without_a_transcribed_level_leaves_the_pair_open() -> None:
    reports = (document("certsante_exposure", 50, critical=0, high=0), document("certsante_exposure", 0, critical=0))
    told = indicator(with_target("expo.level", value=3), a_case(attestations=reports), "expo.level")
    assert (told.status, told.reason) == (S.NOT_EVALUATED, "level-not-told")


def test_a_regression_between_two_audits_breaks_the_pair() -> None:
    silene = (document("silene", 50, level=3), document("silene", 20, level=1), document("silene", 0, level=3))
    told = indicator(with_target("expo.level", value=3), a_case(attestations=silene), "expo.level")
    assert (told.status, told.reason) == (S.NOT_MET, "regression-between")
    harmless = (document("silene", 50, level=3), document("silene", 20, level=3), document("silene", 0, level=3))
    assert indicator(with_target("expo.level", value=3), a_case(attestations=harmless), "expo.level").status is S.MET


def test_monthly_audits_pair_with_the_second_next() -> None:
    """Two monthly tests in a row are too close; every other one is 59 to 62 days apart."""
    monthly = tuple(document("silene", 30 * n, level=3) for n in range(5))
    told = indicator(with_target("expo.level", value=3), a_case(attestations=monthly), "expo.level")
    assert (told.status, told.reason) == (S.MET, "spacing-held")
    assert "60 jours" in told.measured.fr
    pair = 'kind = "audit-pair"\naudits = [{ type = "hygie"'
    strict = a_set(CARE.replace(pair, pair.replace("\naudits", "\nadjacent_only = true\naudits")))
    own = a_case(exposure=Interval(guaranteed=3, best=3), past={30: 3, 60: 3})
    assert indicator(strict, own, "expo.own_pair").reason == "spacing-out"
    assert indicator(a_set(), own, "expo.own_pair").reason == "spacing-held"


@given(
    days=st.lists(st.integers(0, 200), max_size=8, unique=True),
    levels=st.lists(st.integers(1, 5), min_size=8, max_size=8),
    wanted=st.integers(1, 5),
)
def test_a_pair_is_met_exactly_when_two_audits_at_level_are_spaced_and_none_between_fell(
    days: list[int], levels: list[int], wanted: int
) -> None:
    audits = sorted(zip(days, levels, strict=False), reverse=True)
    case = a_case(attestations=tuple(document("silene", ago, level=level) for ago, level in audits))
    told = indicator(with_target("expo.level", value=wanted), case, "expo.level")
    good = any(
        45 <= audits[a][0] - audits[b][0] <= 60 and all(level >= wanted for _, level in audits[a : b + 1])
        for a, b in combinations(range(len(audits)), 2)
    )
    assert (told.status is S.MET) is good


@given(data=st.data())
def test_no_document_makes_an_objective_met_whose_target_nobody_read(data: st.DataObject) -> None:
    attached = []
    for type, kind in kinds().items():
        for number in range(data.draw(st.integers(0, 2))):
            values: dict[str, str | int] = {
                name: "yes" if v.kind == "yes-no" else data.draw(st.integers(v.min, v.max or 9))
                for name, v in kind.values.items()
            }
            attached.append(document(type, data.draw(st.integers(0, 400)), id=f"{type} {number}", **values))
    case = a_case(unit="ght", exposure=Interval(guaranteed=5, best=5), past={50: 5}, attestations=tuple(attached))
    met = {o.objective for o in score(a_set(), case).objectives if o.status is S.MET}
    assert met <= {"convergence"}


def test_audits_of_two_kinds_make_no_pair() -> None:
    mixed = (document("silene", 50, level=3), document("certsante_exposure", 0, level=3, critical=0, high=0))
    told = indicator(with_target("expo.level", value=3), a_case(attestations=mixed), "expo.level")
    assert (told.status, told.reason) == (S.PARTIAL, "one-audit")


def test_an_uncertain_level_does_not_make_a_pair() -> None:
    case = a_case(exposure=Interval(guaranteed=1, best=4), past={50: 4})
    assert indicator(with_target("expo.level", value=3), case, "expo.level").reason == "level-not-told"


def test_a_scan_that_was_cut_is_no_audit() -> None:
    case = a_case(exposure=Interval(guaranteed=3, best=3), past={50: 3})
    cut = replace(case.timeline.scans[0], complete=False)
    told = indicator(a_set(), replace(case, timeline=Timeline(scans=(cut,))), "expo.own_pair")
    assert (told.status, told.reason) == (S.PARTIAL, "one-audit")


# the control window


def test_the_control_window_is_computed_from_the_first_audit_at_level() -> None:
    window = indicator(a_set(), a_case(exposure=Interval(guaranteed=3, best=3)), "expo.own_pair").window
    assert window is not None
    assert (window.opens, window.closes) == (date(2027, 1, 8), date(2027, 1, 23))
    assert window.state is WindowState.UPCOMING


@pytest.mark.parametrize(("ago", "state"), [(30, WindowState.UPCOMING), (50, WindowState.HELD), (60, WindowState.HELD)])
def test_where_the_window_stands(ago: int, state: WindowState) -> None:
    case = a_case(exposure=Interval(guaranteed=3, best=3), past={ago: 3})
    window = indicator(a_set(), case, "expo.own_pair").window
    assert window is not None
    assert (window.state, window.first) == (state, DAY.date() - timedelta(days=ago))


def test_a_missed_window_starts_again_from_the_last_audit() -> None:
    attested = a_case(attestations=(document("silene", 90, level=3),))
    missed = indicator(a_set(), attested, "expo.level").window
    assert missed is not None
    assert missed.state is WindowState.MISSED
    again = indicator(a_set(), a_case(exposure=Interval(guaranteed=3, best=3), past={90: 3}), "expo.own_pair").window
    assert again is not None
    assert (again.state, again.first) == (WindowState.UPCOMING, DAY.date())


# levels, states, documents


def directory(guaranteed: int, best: int) -> DirectoryLevel:
    level = Interval(guaranteed=guaranteed, best=best)
    return DirectoryLevel(asset="forest:f", level=level, evaluated=("vuln_a",), not_evaluated=("vuln_b",), failing=())


def test_the_directory_level_is_ours_until_a_report_says_otherwise() -> None:
    filled = with_target("ad.level", value=3)
    ours = a_case(parts=(Part.DIRECTORY,), directory=(directory(2, 4),))
    told = indicator(filled, ours, "ad.level")
    assert (told.status, told.reason) == (S.NOT_EVALUATED, "coverage")
    assert told.coverage.fr == "1 points de contrôle évalués sur 2 (50 %)"
    attested = a_case(parts=(Part.DIRECTORY,), directory=(directory(2, 4),), attestations=(document("ads", level=3),))
    told = indicator(filled, attested, "ad.level")
    assert (told.status, told.reason) == (S.PARTIAL, "audit-type-unverified")
    assert [m.by for m in told.measures] == ["ads", "hygie"]


def test_the_lowest_of_the_attested_forests_counts() -> None:
    reports = (document("ads", 3, level=4, forest="a.test"), document("ads", 2, level=2, forest="b.test"))
    told = indicator(with_target("ad.level", value=3), a_case(attestations=reports), "ad.level")
    assert told.status is S.NOT_MET
    assert "niveau 2" in told.measured.fr
    renewed = (*reports, document("ads", 1, level=3, forest="b.test"))
    assert "niveau 3" in indicator(a_set(), a_case(attestations=renewed), "ad.level").measured.fr


def test_a_forest_that_no_document_is_about_counts_as_we_saw_it() -> None:
    report = document("ads", 2, level=4, forest="a.test")
    other = replace(directory(2, 2), asset="forest:b.test")
    seen = (replace(directory(5, 5), asset="forest:a.test"), other)
    case = a_case(parts=(Part.DIRECTORY,), directory=seen, attestations=(report,))
    told = indicator(with_target("ad.level", value=3), case, "ad.level")
    assert told.status is S.NOT_MET
    assert told.coverage.fr.startswith("forêts couvertes par un document : 1 sur 2")
    alone = replace(case, directory=seen[:1])
    assert indicator(with_target("ad.level", value=3), alone, "ad.level").status is S.PARTIAL


@pytest.mark.parametrize(
    ("unit", "answer", "status", "verdict"),
    [
        ("ght", "yes", S.MET, S.MET),
        ("ght", "no", S.NOT_EVALUATED, S.NOT_EVALUATED),
        ("ght", "", S.MANUAL, S.MANUAL),
        ("ej", "yes", S.NOT_EVALUATED, S.NOT_EVALUATED),
    ],
)
def test_convergence_is_the_one_objective_that_concludes(
    unit: str, answer: str, status: CriterionStatus, verdict: CriterionStatus
) -> None:
    attached = (document("ad_architecture_description", all_ght_ad_converged=answer),) if answer else ()
    case = a_case(unit=unit, attestations=attached)
    assert indicator(a_set(), case, "ad.convergence").status is status
    assert objective(a_set(), case, "convergence").status is verdict


@pytest.mark.parametrize(("ago", "status"), [(100, S.PARTIAL), (365, S.PARTIAL), (366, S.MANUAL)])
def test_a_crisis_exercise_counts_for_a_year(ago: int, status: CriterionStatus) -> None:
    case = a_case(attestations=(document("crisis_exercise_report", ago),))
    told = indicator(a_set(), case, "gov.crisis_exercise")
    assert told.status is status
    assert bool(told.evidence[0].stale) is (ago > 365)


def test_nothing_unread_ever_makes_an_objective_met() -> None:
    everything = (
        document("silene", 50, level=5), document("silene", 0, level=5), document("ads", level=5),
        document("action_plan", actions=3, done=3), document("crisis_exercise_report"),
        document("ad_architecture_description", all_ght_ad_converged="yes"),
    )  # fmt: skip
    told = score(a_set(), a_case(unit="ght", exposure=Interval(guaranteed=5, best=5), attestations=everything))
    assert {o.objective for o in told.objectives if o.status is S.MET} == {"convergence"}


# findings


def finding(outcome: Outcome, asset: str = "a", *, rule: str = "certificate-current", waiver: str = "") -> Finding:
    return Finding(
        rule=rule, family="certificate", check="", control="", asset=asset, outcome=outcome, reason="",
        severity=Severity.CRITICAL, confidence=Confidence.CONFIRMED, maturity=Maturity.STABLE, levels=(),
        open_levels=(), values={}, objects=(), fingerprint=f"{rule} {asset}", evidence=(), vantage=Vantage.INTERNET,
        part=Part.EXPOSURE, seen_at=DAY, first_seen=DAY, last_seen=DAY, waiver=waiver,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("findings", "status", "measured"),
    [
        ((finding(Outcome.MET),), S.MET, "0 en défaut, dont 0 en risque accepté"),
        ((finding(Outcome.NOT_MET),), S.NOT_MET, "1 en défaut, dont 0 en risque accepté"),
        ((finding(Outcome.NOT_MET, waiver="w"),), S.NOT_MET, "1 en défaut, dont 1 en risque accepté"),
        ((finding(Outcome.UNDETERMINED),), S.NOT_EVALUATED, "entre 0 et 1 en défaut, dont 0 en risque accepté"),
        (
            (finding(Outcome.NOT_MET), finding(Outcome.UNDETERMINED, "b")),
            S.NOT_MET,
            "entre 1 et 2 en défaut, dont 0 en risque accepté",
        ),
        ((finding(Outcome.NOT_APPLICABLE),), S.MET, "0 en défaut, dont 0 en risque accepté"),
        ((replace(finding(Outcome.NOT_MET), maturity=Maturity.REVIEW),), S.NOT_EVALUATED, "aucune mesure"),
        ((), S.NOT_EVALUATED, "aucune mesure"),
    ],
)
def test_open_findings_are_counted_and_ignorance_is_a_range(
    findings: tuple[Finding, ...], status: CriterionStatus, measured: str
) -> None:
    told = indicator(a_set(), a_case(findings=findings), "expo.open_critical")
    assert (told.status, told.measured.fr) == (status, measured)
    assert set(told.findings) == {f.fingerprint for f in findings if f.outcome is Outcome.NOT_MET and told.findings}


def test_what_was_seen_of_lesser_severity_does_not_swell_the_coverage_of_the_critical() -> None:
    lesser = tuple(replace(finding(Outcome.MET, f"a{n}"), severity=Severity.LOW) for n in range(98))
    told = indicator(
        a_set(),
        a_case(findings=(*lesser, finding(Outcome.MET), finding(Outcome.UNDETERMINED, "b"))),
        "expo.open_critical",
    )
    assert told.coverage.fr == "1 conclusions sur 2 (50 %)"
    assert indicator(a_set(), a_case(findings=lesser), "expo.open_critical").status is S.NOT_EVALUATED


@pytest.mark.parametrize(
    ("outcomes", "status", "measured"),
    [
        ((Outcome.MET, Outcome.MET), S.MET, "100 % de 2 actifs"),
        ((Outcome.MET, Outcome.NOT_MET), S.NOT_MET, "50 % de 2 actifs"),
        ((Outcome.MET, Outcome.UNDETERMINED), S.NOT_EVALUATED, "entre 50 % et 100 % de 2 actifs"),
        ((Outcome.NOT_APPLICABLE,), S.NOT_EVALUATED, "aucune mesure"),
    ],
)
def test_a_set_of_another_kind_needs_no_code(
    outcomes: tuple[Outcome, ...], status: CriterionStatus, measured: str
) -> None:
    hygiene = parse("h.toml", shipped()["anssi-hygiene-exposed.toml"], RULES)
    findings = tuple(finding(outcome, str(number)) for number, outcome in enumerate(outcomes))
    told = indicator(hygiene, a_case(findings=findings), "protocols.certificates")
    assert (told.status, told.measured.fr) == (status, measured)


def test_an_attested_count_decides_and_ours_stays_visible() -> None:
    report = document("certsante_exposure", 3, critical=0, high=2)
    case = a_case(findings=(finding(Outcome.NOT_MET),), attestations=(report,))
    told = indicator(a_set(), case, "expo.open_critical")
    assert (told.status, told.measured.fr) == (S.MET, "0 en défaut (Rapport d’audit d’exposition (CERT Santé))")
    assert [(m.by, m.decides) for m in told.measures] == [("certsante_exposure", True), ("hygie", False)]
    untold = document("silene", 1, level=3)
    assert indicator(a_set(), replace(case, attestations=(untold,)), "expo.open_critical").status is S.NOT_MET


def test_the_hygiene_set_concludes_because_it_lists_our_scans_with_a_source() -> None:
    hygiene = parse("h.toml", shipped()["anssi-hygiene-exposed.toml"], RULES)
    mail = tuple(finding(Outcome.MET, rule=rule) for rule in ("mail-spf-published", "mail-dmarc-published"))
    assert objective(hygiene, a_case(findings=mail), "mail").status is S.MET
    without = replace(hygiene, audits=())
    assert objective(without, a_case(findings=mail), "mail").status is S.PARTIAL


def test_a_draft_never_concludes() -> None:
    hygiene = replace(parse("h.toml", shipped()["anssi-hygiene-exposed.toml"], RULES), draft=True)
    mail = (finding(Outcome.MET, rule="mail-spf-published"),)
    assert objective(hygiene, a_case(findings=mail), "mail").status is S.NOT_EVALUATED


# files


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_set_is_well_made(name: str) -> None:
    assert parse(name, shipped()[name], RULES).name.partition("@")[0] == name.removesuffix(".toml")


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('controls = ["vuln_*"]', 'rules = ["certificate-nowhere"]', "no rule is called certificate-nowhere"),
        ('severities = ["critical"]', 'severities = ["grave"]', "unknown severity grave"),
        ("value = 0", 'value = "0"', "should be a valid integer"),
        ("value = 0", "value = true", "should be a valid integer"),
        ('kind = "open-findings"', 'kind = "open"', "measure"),
        ('part = "directory"', 'parts = "directory"', "measure.parts: unknown key; remove it"),
        ('source = "S2"', 'source = "S99"', "no source is called S99"),
        ('status = "official", source = "S3"', 'status = "official"', "what is official names its source"),
        ('value = 1\nstatus = "official"\nsource = "S2"\n', 'value = 1\nstatus = "unverified"\n', "names its source"),
        ('by = "Hygie"\non = 2026-11-24\nnote = "tout', 'note = "tout', "says who entered it and when"),
        ('types = ["ads", ', 'types = ["adz", ', "unknown type of document adz; expected silene"),
        ("min = 45, max = 60, tol", "min = 45, max = 6, tol", "max comes before min (6 < 45)"),
        ('fr = "Ouverture des candidatures"\n', "", "milestones[1].fr: this key is required; add it"),
        ('key = "ad.audit"', 'key = "expo.level"', "two indicators are called expo.level"),
        ('concludes_from = ["official"]', 'concludes_from = ["unverified"]', "what is unverified never concludes"),
        ('applies_to = ["ght"]', 'applies_to = ["hospital"]', "unknown unit hospital"),
        ('attested = ["critical"]', 'attested = ["grave"]', "no document of the types in audits has a value grave"),
        ('value = "all_ght_ad_converged"', 'value = "level"', "has no yes or no called level"),
        ('schema = "hygie/criteria/1"', 'schema = "other"', 'its first key is schema = "hygie/criteria/1"'),
        ('id = "care-d1"', "id = care-d1", "line 5"),
    ],
)
def test_a_mistake_is_said_with_its_line(was: str, becomes: str, said: str) -> None:
    assert was in CARE
    with pytest.raises(RuleError) as told:
        a_set(CARE.replace(was, becomes, 1))
    message = str(told.value)
    assert said in message
    assert message.startswith("care-d1.toml")
    if "schema" not in was:
        assert "line " in message


def test_the_line_is_the_right_one() -> None:
    text = CARE.replace('types = ["ads", ', 'types = ["adz", ', 1)
    with pytest.raises(RuleError) as told:
        a_set(text)
    line = next(n for n, content in enumerate(text.splitlines(), 1) if "adz" in content)
    assert f"line {line}," in str(told.value)


@pytest.mark.parametrize("typed", ["D1.O2.B", "D1.02.B", "d1 o2 b.", "D1.O2B", "D1.O2. B"])
def test_codes_are_read_as_people_type_them(typed: str) -> None:
    of = a_set(CARE.replace('value = "D1.O2.B"', f'value = "{typed}"'))
    assert of.objectives[0].indicators[0].code.value == "D1.O2.B"


# sentences


def test_every_sentence_said_is_written_in_both_languages() -> None:
    root = Path(__file__).parents[2]
    written = tomllib.loads((root / "rules" / "sentences.toml").read_text())
    for key, words in written.items():
        quoted = [set(re.findall(r"{(\w+)}", words[language])) - {"s"} for language in ("fr", "en")]
        assert words.keys() == {"fr", "en"}, key
        assert quoted[0] == quoted[1], key
    code = "\n".join(path.read_text() for path in (root / "rules").glob("*.py"))
    assert {key for key in written if f'"{key}"' not in code} == set()
