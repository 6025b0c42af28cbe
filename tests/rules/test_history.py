"""The course of findings, as transcripts of scans: ignorance ends nothing, and only a positive observation does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from probes.facts.ports import Canary, PortsSwept
from probes.interface import (
    Asset,
    AssetKind,
    Mandate,
    Observation,
    Part,
    PortAnswer,
    PortState,
    Scope,
    Vantage,
)
from rules.history import Course, FindingHistory, courses, seen_absent, trends
from rules.interface import Outcome
from rules.subject import PastFinding, PastScan, Perimeter, Record, Scan, ScanPart, Timeline

START = datetime(2026, 9, 1, tzinfo=UTC)
N, M, U, X = Outcome.NOT_MET, Outcome.MET, Outcome.UNDETERMINED, None
ASSET = "service:tcp/443@www.ch.test"


def look(
    day: int, outcome: Outcome | None, severity: str = "high", objects: str = "", absent: bool = False
) -> PastScan:
    seen = PastFinding(
        rule="r", asset=ASSET, outcome=outcome.value if outcome else "", severity=severity,
        objects=frozenset(objects),
    )  # fmt: skip
    return PastScan(
        scan=f"s{day}", kind=Part.EXPOSURE, seen_at=START + timedelta(days=day), perimeter_digest="p",
        findings={"mark": seen} if outcome else {}, absent=frozenset({ASSET} if absent else ()),
    )  # fmt: skip


def a_scan(day: int) -> Scan:
    mandate = Mandate(
        reference="M", signatory="D", document_sha256="", valid_from=date(2026, 1, 1), valid_until=date(2026, 12, 31),
        level=2, scope=Scope(),
    )  # fmt: skip
    at = START + timedelta(days=day)
    part = ScanPart(kind=Part.EXPOSURE, box="b", vantage=Vantage.INTERNET, started_at=at, ended_at=at)
    return Scan(
        id=f"s{day}", perimeter=Perimeter(id="ch", name="CH", unit="ej", digest="p"), mandate=mandate, parts=(part,),
        level=2, state="complete", versions={}, config_digest="",
    )  # fmt: skip


def history(*dated: PastScan) -> FindingHistory | None:
    *past, now = dated
    day = (now.seen_at - START).days
    found = courses(Timeline(scans=tuple(past)), a_scan(day), (now,), ())
    return found[0] if found else None


@pytest.mark.parametrize(
    ("outcomes", "course", "first", "last", "gone", "reopened"),
    [
        ((N,), Course.NEW, 0, 0, None, None),
        ((M, N), Course.NEW, 1, 1, None, None),
        ((N, N), Course.OPEN, 0, 1, None, None),
        ((N, M), Course.GONE, 0, 0, 1, None),
        ((N, Outcome.NOT_APPLICABLE), Course.GONE, 0, 0, 1, None),
        ((N, M, M), Course.GONE, 0, 0, 1, None),
        ((N, U), Course.UNSEEN, 0, 0, None, None),
        ((N, X), Course.UNSEEN, 0, 0, None, None),
        ((N, U, N), Course.OPEN, 0, 2, None, None),
        ((N, U, M), Course.GONE, 0, 0, 2, None),
        ((N, M, N), Course.REOPENED, 0, 2, 1, 2),
        ((N, M, U, N), Course.REOPENED, 0, 3, 1, 3),
        ((N, M, N, M), Course.GONE, 0, 2, 3, 2),
        ((N, M, U), Course.GONE, 0, 0, 1, None),
    ],
)
def test_the_course_of_a_finding(
    outcomes: tuple[Outcome | None, ...],
    course: Course,
    first: int,
    last: int,
    gone: int | None,
    reopened: int | None,
) -> None:
    found = history(*(look(day, outcome) for day, outcome in enumerate(outcomes)))
    assert found is not None
    days = [None if at is None else (at - START).days for at in (found.gone_at, found.reopened_at)]
    assert (found.course, (found.first_seen - START).days, (found.last_seen - START).days) == (course, first, last)
    assert days == [gone, reopened]


def test_what_was_never_unmet_has_no_history() -> None:
    assert history(look(0, M), look(1, U)) is None


@pytest.mark.parametrize(
    ("before", "after", "course", "appeared", "disappeared"),
    [
        (("high", "ab"), ("high", "ab"), Course.OPEN, "", ""),
        (("high", "ab"), ("high", "abc"), Course.WORSE, "c", ""),
        (("high", "ab"), ("high", "a"), Course.BETTER, "", "b"),
        (("high", "ab"), ("high", "ac"), Course.WORSE, "c", "b"),
        (("high", "a"), ("critical", "a"), Course.WORSE, "", ""),
        (("high", "a"), ("low", "ab"), Course.BETTER, "b", ""),
    ],
)
def test_objects_come_and_go_within_one_finding(
    before: tuple[str, str], after: tuple[str, str], course: Course, appeared: str, disappeared: str
) -> None:
    found = history(look(0, N, *before), look(1, N, *after))
    assert found is not None
    assert (found.course, "".join(found.appeared), "".join(found.disappeared)) == (course, appeared, disappeared)


def test_objects_are_compared_with_the_last_scan_that_could_tell() -> None:
    found = history(look(0, N, "high", "ab"), look(1, U), look(2, N, "high", "abc"))
    assert found is not None
    assert found.appeared == ("c",)


def test_a_service_seen_to_be_closed_takes_its_findings_away() -> None:
    found = history(look(0, N), look(1, X, absent=True))
    assert found is not None
    assert (found.course, found.gone_at) == (Course.GONE, START + timedelta(days=1))


def test_the_scan_that_a_part_was_joined_from_counts_once() -> None:
    scan = replace(a_scan(9), parts=(replace(a_scan(3).parts[0], scan="s3"),))
    now = look(3, N, "high", "a")
    found = courses(Timeline(scans=(look(0, N, "high", "a"), now)), scan, (now,), ())
    assert (found[0].course, found[0].appeared) == (Course.OPEN, ())
    assert [t.scan for t in trends(Timeline(scans=(look(0, N), now)), scan, (now,))] == ["s0", "s3"]


@pytest.mark.parametrize(
    ("states", "canary", "absent"),
    [
        ((PortState.CLOSED,), Canary.NONE, True),
        ((PortState.OPEN,), Canary.ANSWERED, False),
        ((PortState.FILTERED,), Canary.ANSWERED, True),
        ((PortState.FILTERED,), Canary.NONE, False),
        ((PortState.FILTERED,), Canary.LOST, False),
        ((PortState.UNREACHABLE,), Canary.ANSWERED, False),
        ((PortState.CLOSED, PortState.OPEN), Canary.ANSWERED, False),
    ],
)
def test_a_port_is_seen_absent_only_when_every_address_says_so(
    states: tuple[PortState, ...], canary: Canary, absent: bool
) -> None:
    answers = tuple(
        PortAnswer(address=f"192.0.2.{n}", port=443, state=state, tries=2, patience=1.0)
        for n, state in enumerate(states)
    )
    fact = PortsSwept(answers=answers, canaries=tuple((a.address, canary) for a in answers))
    host = Asset(kind=AssetKind.HOST, name="www.ch.test")
    seen = Observation(
        id="o", asset=host, fact=fact, seen_at=START, probe="ports@1", vantage=Vantage.INTERNET, captures=()
    )
    record = Record(
        scan=a_scan(0), assets=(host,), observations=(seen,), attempts=(), feeds={}, timeline=Timeline(),
        read_capture=lambda digest: b"",
    )  # fmt: skip
    assert (ASSET in seen_absent(record)) is absent
