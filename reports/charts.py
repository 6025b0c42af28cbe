"""The geometry of charts: pure numbers for inline SVG, each beside the table that says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rules.history import Trend

#: Size of the drawing area of an evolution, in SVG units, and its margins (left, top).
WIDTH, HEIGHT, LEFT, TOP = 300, 112, 20, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A dated level: x, and the y of its guaranteed and best ends."""

    at: datetime
    guaranteed: int
    best: int
    x: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evolution:
    """The levels of one subject over dated scans."""

    subject: str
    points: tuple[Point, ...]

    @property
    def band(self) -> str:
        """The polygon between the two ends."""
        there = [f"{p.x},{p.high}" for p in self.points]
        return " ".join(there + [f"{p.x},{p.low}" for p in reversed(self.points)])

    @property
    def line(self) -> str:
        """The line of what is guaranteed."""
        return " ".join(f"{p.x},{p.low}" for p in self.points)


def level_y(level: int) -> float:
    """Return the height of a level from 1 (bottom) to 5 (top)."""
    return round(TOP + (5 - level) * (HEIGHT - 2 * TOP) / 4, 1)


def evolutions(trends: Sequence[Trend]) -> tuple[Evolution, ...]:
    """Return one evolution a subject that has at least two dated levels, on one common axis of time."""
    if len(trends) < 2:
        return ()
    first, last = trends[0].seen_at, trends[-1].seen_at
    span = (last - first).total_seconds() or 1.0
    points: dict[str, list[Point]] = {}
    for trend in trends:
        x = round(LEFT + 8 + (WIDTH - LEFT - 16) * (trend.seen_at - first).total_seconds() / span, 1)
        for subject, guaranteed, best in trend.levels:
            points.setdefault(subject, []).append(
                Point(
                    at=trend.seen_at,
                    guaranteed=guaranteed,
                    best=best,
                    x=x,
                    low=level_y(guaranteed),
                    high=level_y(best),
                )
            )
    return tuple(
        Evolution(subject=subject, points=tuple(own)) for subject, own in sorted(points.items()) if len(own) > 1
    )
