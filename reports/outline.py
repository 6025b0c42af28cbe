"""What a report for people tells, in order, before any format or language: plan, coverage, progress, next control."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from probes.interface import AssetKind, Part
from reports.coverage import Coverage, coverage, met_rules
from reports.dossier import Dossier
from reports.topics import Topic, accepted, counts, topics
from rules.criteria import ControlWindow, CriterionResult, ObjectiveResult
from rules.history import Course, FindingHistory, Trend
from rules.interface import Card, Severity
from rules.levels import DirectoryLevel

#: Days between an audit and its control (CaRE D1.O2.B), proposed while no criterion computes a window.
_CONTROL_DAYS = (45, 60)
_PROGRESS = {Course.REOPENED: Course.NEW, Course.WORSE: Course.OPEN, Course.BETTER: Course.OPEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """The topics of one tier of the plan; ``name`` is ``1`` to ``4`` (the level held), ``grave`` or ``none``."""

    name: str
    topics: tuple[Topic, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What every format for people reads beside the dossier.

    ``rank`` numbers the actions of the plan by rule. ``progress`` counts findings as gone, new, open and unseen
    against ``previous``; ``changes`` lists them by course, and nothing
    when there is no scan to compare with. ``proposed`` are the first and last day of a control
    counted from this scan.
    """

    todo: tuple[Topic, ...]
    accepted: tuple[Topic, ...]
    tiers: tuple[Tier, ...]
    rank: Mapping[str, int]
    counts: Mapping[Severity, int]
    coverage: Coverage
    kept: tuple[tuple[Card, int], ...]
    subjects: tuple[DirectoryLevel, ...]
    previous: Trend | None
    progress: Mapping[Course, int]
    changes: Mapping[Course, tuple[FindingHistory, ...]]
    criteria: tuple[tuple[ObjectiveResult, tuple[CriterionResult, ...]], ...]
    windows: tuple[ControlWindow, ...]
    proposed: tuple[date, date]


def outline(dossier: Dossier, cards: Mapping[str, Card]) -> Outline:
    """Return the outline of a dossier."""
    todo = topics(dossier.findings, cards)
    progress = dict.fromkeys((Course.GONE, Course.NEW, Course.OPEN, Course.UNSEEN), 0)
    for history in dossier.history:
        if not history.accepted:
            progress[_PROGRESS.get(history.course, history.course)] += 1
    own = {dossier.scan.id, *(part.scan for part in dossier.scan.parts)}
    earlier = [trend for trend in dossier.trends if trend.scan not in own]
    compared = dossier.history if earlier else ()
    return Outline(
        todo=todo,
        accepted=accepted(dossier.findings, cards),
        tiers=_tiers(todo),
        rank={topic.card.rule: number for number, topic in enumerate(todo, 1)},
        counts=counts(dossier.findings),
        coverage=coverage(dossier),
        kept=met_rules(dossier.findings, cards),
        subjects=_subjects(dossier.directory),
        previous=earlier[-1] if earlier else None,
        progress=progress,
        changes={course: tuple(h for h in compared if h.course is course) for course in Course},
        criteria=_criteria(dossier),
        windows=tuple(sorted({c.window for c in dossier.criteria if c.window}, key=lambda w: (w.opens, w.by))),
        proposed=_proposed(dossier),
    )


def _tiers(todo: tuple[Topic, ...]) -> tuple[Tier, ...]:
    grouped: dict[str, list[Topic]] = {}
    for topic in todo:
        grouped.setdefault(topic.tier, []).append(topic)
    return tuple(Tier(name=name, topics=tuple(own)) for name, own in grouped.items())


def _subjects(levels: tuple[DirectoryLevel, ...]) -> tuple[DirectoryLevel, ...]:
    """The forests, which count their domains' points; the domains only where no forest was seen."""
    forests = tuple(level for level in levels if level.asset.startswith(f"{AssetKind.FOREST.value}:"))
    return forests or levels


def _criteria(dossier: Dossier) -> tuple[tuple[ObjectiveResult, tuple[CriterionResult, ...]], ...]:
    def of(objective: ObjectiveResult) -> tuple[CriterionResult, ...]:
        key = (objective.set, objective.version, objective.objective)
        return tuple(c for c in dossier.criteria if (c.set, c.version, c.objective) == key)

    return tuple((objective, of(objective)) for objective in dossier.objectives)


def _proposed(dossier: Dossier) -> tuple[date, date]:
    parts = sorted(dossier.scan.parts, key=lambda part: (part.kind is not Part.EXPOSURE, part.started_at))
    day = parts[0].started_at.date()
    return day + timedelta(days=_CONTROL_DAYS[0]), day + timedelta(days=_CONTROL_DAYS[1])
