"""Small drawings in SVG: a level as five steps, and a trend; each says in words what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from markupsafe import Markup

from scanner.store.boards import Point

_STEP, _GAP, _HEIGHT = 22, 3, 10
_WIDTH, _TALL, _BEST = 132.0, 34.0, 5


@lru_cache(maxsize=64)
def level_bar(guaranteed: int, best: int, label: str) -> Markup:
    """Draw a level out of five: what is guaranteed is full, what remains possible is hatched."""
    width = _BEST * _STEP + (_BEST - 1) * _GAP
    steps = [
        Markup('<rect class="{}" x="{}" y="0" width="{}" height="{}" rx="2"/>').format(
            "full" if step <= guaranteed else "maybe" if step <= best else "void",
            (step - 1) * (_STEP + _GAP),
            _STEP,
            _HEIGHT,
        )
        for step in range(1, _BEST + 1)
    ]
    return Markup('<svg class="level l{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        guaranteed, width, _HEIGHT, label, Markup("").join(steps)
    )


def spark(points: Sequence[Point], label: str) -> Markup:
    """Draw a trend of levels: a band from guaranteed to best, and the last scan as a dot."""
    if not points:
        return Markup("")
    gap = (_WIDTH - 10) / max(1, len(points) - 1)
    across = [4 + i * gap for i in range(len(points))] if len(points) > 1 else [_WIDTH - 6.0]
    low = _turns([*zip(across, (_height(point.guaranteed) for point in points), strict=True)])
    high = _turns([*zip(across, (_height(point.best) for point in points), strict=True)])
    return Markup(
        '<svg class="spark l{}" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">'
        '<path class="ground" d="M0 {:.1f}H{:.0f}"/><polygon points="{}"/><polyline points="{}"/>'
        '<circle cx="{:.1f}" cy="{:.1f}" r="2.6"/></svg>'
    ).format(
        points[-1].guaranteed, _WIDTH, _TALL, label, _TALL - 1, _WIDTH, _joined([*high, *reversed(low)]), _joined(low),
        *low[-1],
    )  # fmt: skip


def _turns(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The ends of a line and of its level stretches: what lies between draws nothing."""
    last = len(places) - 1
    return [
        place
        for i, place in enumerate(places)
        if i in (0, last) or not places[i - 1][1] == place[1] == places[i + 1][1]
    ]


def _joined(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _height(level: int) -> float:
    return _TALL - 4 - (max(level, 1) - 1) * (_TALL - 8) / (_BEST - 1)
