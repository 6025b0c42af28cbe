"""Levels as intervals: what is guaranteed when every unknown is bad, and what is best when every unknown is good."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from probes.interface import Part
from rules.interface import Finding, Maturity, Outcome, Severity

#: The level when nothing fails.
BEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A level from 1 to 5, printed as one number only when both ends are equal."""

    guaranteed: int
    best: int

    def __str__(self) -> str:
        return str(self.best) if self.guaranteed == self.best else f"{self.guaranteed}-{self.best}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What keeps a directory from the next level: a control point that fails at the present one, or could.

    ``failing`` is False where it could only not be told, with the ``reason``. ``objects`` counts what to treat, over
    all assets concerned; 0 where the point names none. ``rules`` and ``assets`` say where the findings are.
    """

    point: str
    level: int
    failing: bool
    objects: int
    rules: tuple[str, ...]
    assets: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryLevel:
    """The ANSSI-scale level (our estimate) of a forest or domain, with the points behind it.

    ``evaluated`` and ``not_evaluated`` are ids of control points; ``failing`` pairs each failing point with its
    lowest failing level. ``steps`` are what is missing to reach the level after the guaranteed one: failing points
    first, those with most objects first; nothing at level 5.
    """

    asset: str
    level: Interval
    evaluated: tuple[str, ...]
    not_evaluated: tuple[str, ...]
    failing: tuple[tuple[str, int], ...]
    steps: tuple[Step, ...] = ()


def directory_level(asset: str, findings: Iterable[Finding]) -> DirectoryLevel:
    """Return the level over the findings of a forest (its domains included) or of one domain.

    ``best`` is the lowest failing level, else 5; ``guaranteed`` also counts the lowest level of each point, or
    threshold of a point, that was not evaluated, those that no rule judges yet included.
    """
    points = [f for f in findings if f.control]
    failing: dict[str, int] = {}
    unknown: dict[str, int] = {}
    for finding in points:
        if finding.outcome is Outcome.NOT_MET and finding.levels:
            failing[finding.control] = min(*finding.levels, failing.get(finding.control, BEST))
        open_levels = finding.levels if finding.outcome is Outcome.UNDETERMINED else finding.open_levels
        if open_levels:
            unknown[finding.control] = min(*open_levels, unknown.get(finding.control, BEST))
    judged = {f.control for f in points}
    unjudged = {point: min(levels) for point, levels in anssi_points().items() if point not in judged}
    best = min(failing.values(), default=BEST)
    undecided = {f.control for f in points if f.outcome is Outcome.UNDETERMINED} | unjudged.keys()
    guaranteed = min((best, *unknown.values(), *unjudged.values()))
    return DirectoryLevel(
        asset=asset,
        level=Interval(guaranteed=guaranteed, best=best),
        evaluated=tuple(sorted({f.control for f in points} - undecided)),
        not_evaluated=tuple(sorted(undecided)),
        failing=tuple(sorted(failing.items())),
        steps=_steps(points, unjudged, guaranteed),
    )


def _steps(points: Iterable[Finding], unjudged: Mapping[str, int], level: int) -> tuple[Step, ...]:
    """The points that fail, or could, at the guaranteed level; a point over several assets is one step."""
    if level == BEST:
        return ()
    found: dict[str, list[Finding]] = {}
    for finding in points:
        fails = finding.outcome is Outcome.NOT_MET and level in finding.levels
        could = level in (finding.levels if finding.outcome is Outcome.UNDETERMINED else finding.open_levels)
        if fails or could:
            found.setdefault(finding.control, []).append(finding)
    steps = [_step(point, findings, level) for point, findings in found.items()]
    steps += [
        Step(point=point, level=level, failing=False, objects=0, rules=(), assets=(), reason="not-judged")
        for point, lowest in unjudged.items()
        if lowest == level
    ]
    return tuple(sorted(steps, key=lambda s: (not s.failing, -s.objects, s.point)))


def _step(point: str, findings: list[Finding], level: int) -> Step:
    bad = [f for f in findings if f.outcome is Outcome.NOT_MET and level in f.levels]
    shown = bad or findings
    return Step(
        point=point,
        level=level,
        failing=bool(bad),
        objects=len({o.id for f in bad for o in f.objects}),
        rules=tuple(sorted({f.rule for f in shown})),
        assets=tuple(sorted({f.asset for f in shown})),
        reason="" if bad else next((f.reason for f in shown if f.reason), ""),
    )


@cache
def anssi_points() -> Mapping[str, tuple[int, ...]]:
    """Return the control points of the catalogue, with the levels at which each can fail."""
    data = tomllib.loads((files("rules") / "anssi.toml").read_text())
    return MappingProxyType({point: tuple(levels) for point, levels in data["points"].items()})


#: Estimated exposure level (ours): the worst open severity decides.
LEVEL_OF_SEVERITY = {Severity.CRITICAL: 1, Severity.HIGH: 2, Severity.MEDIUM: 3, Severity.LOW: 4}


def exposure_level(findings: Iterable[Finding]) -> Interval | None:
    """Return the estimated exposure level over the exposure findings, or None when there is none.

    Waived findings still count; rules that are not stable do not.
    """
    relevant = [f for f in findings if f.part is Part.EXPOSURE and f.maturity is Maturity.STABLE]
    if not relevant:
        return None
    best = min((_level(f) for f in relevant if f.outcome is Outcome.NOT_MET), default=BEST)
    unknown = min((_level(f) for f in relevant if f.outcome is Outcome.UNDETERMINED), default=BEST)
    return Interval(guaranteed=min(best, unknown), best=best)


def _level(finding: Finding) -> int:
    return LEVEL_OF_SEVERITY.get(finding.severity, BEST)
