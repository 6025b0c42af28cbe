"""The history of findings over the scans of a perimeter: it looks backwards only, and ignorance ends nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from probes.facts.ports import Canary, PortsSwept
from probes.interface import Part, PortState, service
from rules.interface import Finding, Outcome, Severity
from rules.levels import Interval
from rules.subject import PastFinding, PastScan, Record, Scan, ScanPart, Timeline

#: The subject of the exposure level; every other subject is a forest or domain.
EXPOSURE = "exposure"


class Course(StrEnum):
    """Where the course of a finding stands at the scan judged.

    ``new`` is not met for the first time; ``open`` was already; ``worse`` is open with a graver severity or an object
    that was not there, ``better`` with a lesser one or fewer; ``reopened`` had gone; ``gone`` was seen to be good
    again; ``unseen`` was open and could not be told this time.
    """

    NEW = "new"
    WORSE = "worse"
    BETTER = "better"
    OPEN = "open"
    REOPENED = "reopened"
    GONE = "gone"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingHistory:
    """The course of one finding that was not met at least once.

    ``first_seen`` and ``last_seen`` are the first and last instants it was not met; ``gone_at`` the first positive
    observation after that, ``reopened_at`` the last return after one. ``appeared`` and ``disappeared`` are ids of
    objects, against the last scan that could tell. ``accepted`` is the id of the waiver in force, or "".
    """

    fingerprint: str
    rule: str
    asset: str
    severity: str
    course: Course
    first_seen: datetime
    last_seen: datetime
    gone_at: datetime | None = None
    reopened_at: datetime | None = None
    accepted: str = ""
    appeared: tuple[str, ...] = ()
    disappeared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """What a dated scan left: open findings by severity, and levels (subject, guaranteed, best)."""

    scan: str
    seen_at: datetime
    open: tuple[tuple[str, int], ...]
    levels: tuple[tuple[str, int, int], ...]


def seen_absent(record: Record) -> frozenset[str]:
    """Return the ids of assets that the scan saw not to be there: services whose every port asked was closed.

    A silent port counts only with the canary answering before and after.
    """
    states: dict[str, set[bool]] = defaultdict(set)
    for seen in record.observations:
        if isinstance(seen.fact, PortsSwept):
            sung = {address for address, canary in seen.fact.canaries if canary is Canary.ANSWERED}
            for answer in seen.fact.answers:
                gone = answer.state is PortState.CLOSED or (
                    answer.state is PortState.FILTERED and answer.address in sung
                )
                states[service("tcp", answer.port, seen.asset.host).id].add(gone)
    return frozenset(asset for asset, gone in states.items() if gone == {True})


def summary(
    scan: Scan, kind: Part, findings: Iterable[Finding], levels: Mapping[str, Interval], absent: frozenset[str]
) -> PastScan:
    """Return what a part of a scan leaves to later timelines."""
    part = part_of(scan, kind) or scan.parts[0]
    return PastScan(
        scan=part.scan or scan.id,
        kind=kind,
        seen_at=part.started_at,
        perimeter_digest=scan.perimeter.digest,
        findings={f.fingerprint: _past(f) for f in findings if f.part is kind},
        levels={
            subject: (level.guaranteed, level.best)
            for subject, level in levels.items()
            if (Part.EXPOSURE if subject == EXPOSURE else Part.DIRECTORY) is kind
        },
        absent=absent if kind is Part.EXPOSURE else frozenset(),
        complete=part.ended_at is not None,
    )


def part_of(scan: Scan, kind: Part) -> ScanPart | None:
    """Return the part of a scan that saw a kind of things; an import may have seen any."""
    found = {part.kind: part for part in scan.parts}
    return found.get(kind) or found.get(Part.IMPORT)


def looks(timeline: Timeline, scan: Scan, now: Iterable[PastScan]) -> tuple[PastScan, ...]:
    """Return the earlier scans and, in their place, the parts of the scan judged; oldest first."""
    joined = {(part.scan or scan.id, part.kind) for part in scan.parts}
    past = [p for p in timeline.scans if (p.scan, p.kind) not in joined]
    return tuple(sorted([*past, *now], key=lambda look: (look.seen_at, look.scan, look.kind.value)))


def courses(
    timeline: Timeline, scan: Scan, now: Sequence[PastScan], findings: Iterable[Finding]
) -> tuple[FindingHistory, ...]:
    """Return the course of every finding of the perimeter that was not met at least once, by fingerprint."""
    waived = {f.fingerprint: f.waiver for f in findings}
    found: list[FindingHistory] = []
    for kind in sorted({look.kind for look in now}):
        dated = [look for look in looks(timeline, scan, now) if look.kind is kind]
        ever = {mark for look in dated for mark, f in look.findings.items() if f.outcome == Outcome.NOT_MET.value}
        found += [_course(mark, dated, waived.get(mark, "")) for mark in ever]
    return tuple(sorted(found, key=lambda history: (history.rule, history.asset)))


def trends(timeline: Timeline, scan: Scan, now: Sequence[PastScan]) -> tuple[Trend, ...]:
    """Return what each scan of the perimeter left, oldest first, the one judged included."""
    by_scan: dict[str, list[PastScan]] = {}
    for look in looks(timeline, scan, now):
        by_scan.setdefault(look.scan, []).append(look)
    return tuple(_trend(of, parts) for of, parts in by_scan.items())


def _past(finding: Finding) -> PastFinding:
    return PastFinding(
        rule=finding.rule,
        asset=finding.asset,
        outcome=finding.outcome.value,
        severity=finding.severity.value,
        objects=frozenset(item.id for item in finding.objects),
    )


def _trend(scan: str, parts: Sequence[PastScan]) -> Trend:
    findings = [f for part in parts for f in part.findings.values()]
    counts = Counter(f.severity for f in findings if f.outcome == Outcome.NOT_MET.value)
    levels = {subject: level for part in parts for subject, level in part.levels.items()}
    return Trend(
        scan=scan,
        seen_at=max(part.seen_at for part in parts),
        open=tuple((s.value, counts[s.value]) for s in Severity if counts[s.value]),
        levels=tuple((subject, low, best) for subject, (low, best) in sorted(levels.items())),
    )


@dataclass(slots=True)
class _Walk:
    """What is known of a finding while its scans are walked through, oldest first."""

    first: datetime
    last: datetime
    finding: PastFinding
    open: bool = True
    gone_at: datetime | None = None
    reopened_at: datetime | None = None
    course: Course = Course.NEW
    appeared: frozenset[str] = frozenset()
    disappeared: frozenset[str] = frozenset()


def _course(mark: str, dated: Sequence[PastScan], waiver: str) -> FindingHistory:
    walk: _Walk | None = None
    for look in dated:
        seen = look.findings.get(mark)
        if walk is None:
            if seen is not None and seen.outcome == Outcome.NOT_MET.value:
                walk = _Walk(first=look.seen_at, last=look.seen_at, finding=seen)
            continue
        _step(walk, look, seen)
    assert walk is not None
    return FindingHistory(
        fingerprint=mark,
        rule=walk.finding.rule,
        asset=walk.finding.asset,
        severity=walk.finding.severity,
        course=walk.course,
        first_seen=walk.first,
        last_seen=walk.last,
        gone_at=walk.gone_at,
        reopened_at=walk.reopened_at,
        accepted=waiver if walk.open else "",
        appeared=tuple(sorted(walk.appeared)),
        disappeared=tuple(sorted(walk.disappeared)),
    )


def _step(walk: _Walk, look: PastScan, seen: PastFinding | None) -> None:
    walk.appeared = walk.disappeared = frozenset()
    if seen is not None and seen.outcome == Outcome.NOT_MET.value:
        walk.course = _open_again(walk, seen) if walk.open else Course.REOPENED
        if not walk.open:
            walk.reopened_at = look.seen_at
        walk.open, walk.last, walk.finding = True, look.seen_at, seen
    elif walk.open:
        positive = seen is not None and seen.outcome != Outcome.UNDETERMINED.value
        if positive or walk.finding.asset in look.absent:
            walk.open, walk.course, walk.gone_at = False, Course.GONE, look.seen_at
            walk.disappeared = walk.finding.objects
        else:
            walk.course = Course.UNSEEN


def _open_again(walk: _Walk, seen: PastFinding) -> Course:
    """A finding that stays open: did it get worse or better, and which objects came and went?"""
    before, after = Severity(walk.finding.severity).rank, Severity(seen.severity).rank
    walk.appeared, walk.disappeared = seen.objects - walk.finding.objects, walk.finding.objects - seen.objects
    if after != before:
        return Course.WORSE if after < before else Course.BETTER
    if walk.appeared:
        return Course.WORSE
    return Course.BETTER if walk.disappeared else Course.OPEN
