from __future__ import annotations

from dataclasses import replace

from reports.outline import outline
from reports.topics import topics
from rules.interface import Maturity, Outcome, Severity
from tests.reports.dossiers import CARDS, DOMAIN, PACS, WWW, finding, small


def test_the_plan_starts_with_what_holds_the_lowest_level() -> None:
    found = topics(small().findings, CARDS)
    assert [(t.card.rule, t.tier) for t in found] == [
        ("tls-modern-version-offered", "1"),
        ("directory-dangerous-rights-absent", "1"),
        ("certificate-current", "2"),
        ("web-hsts-present", "4"),
    ]


def test_a_grave_finding_of_a_rule_in_review_comes_before_what_holds_level_two() -> None:
    review = finding("tls-modern-version-offered", PACS, maturity=Maturity.REVIEW, severity=Severity.CRITICAL)
    light = finding("web-hsts-present", PACS, maturity=Maturity.REVIEW)
    found = topics((finding("certificate-current", WWW), light, review), CARDS)
    assert [t.tier for t in found] == ["grave", "2", "none"]


def test_an_accepted_risk_is_no_action_and_still_told() -> None:
    told = outline(small(), CARDS)
    assert "directory-krbtgt-renewed" not in told.rank
    assert [t.card.rule for t in told.accepted] == ["directory-krbtgt-renewed"]


def test_coverage_counts_what_could_conclude_and_never_rounds_up_to_all() -> None:
    dossier = small()
    many = tuple(replace(dossier.findings[0], fingerprint=str(i)) for i in range(999))
    told = outline(
        replace(dossier, findings=(*many, finding("certificate-current", DOMAIN, Outcome.UNDETERMINED))), CARDS
    )
    assert (told.coverage.concluded, told.coverage.planned, told.coverage.share) == (999, 1000, 99)


def test_progress_leaves_accepted_risks_out_and_compares_with_another_scan() -> None:
    told = outline(small(), CARDS)
    assert {course.value: count for course, count in told.progress.items()} == {
        "gone": 1,
        "new": 1,
        "open": 2,
        "unseen": 1,
    }
    assert told.previous is not None
    assert told.previous.scan == "scan-49"
