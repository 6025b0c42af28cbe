"""The window of the confirmation audit: when a second exposure audit may confirm a first one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from scanner.store.boards import Point

#: Between these days after the first audit (CaRE, domain 1, objective D1.O2.B).
_OPENS, _CLOSES = timedelta(days=45), timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The first and the last day on which the second audit counts."""

    opens: date
    closes: date


def window(points: Sequence[Point], today: date) -> Window | None:
    """Return the window that is open or comes next, None once two audits of the trend make a pair."""
    windows = [(p, Window(opens=p.at.date() + _OPENS, closes=p.at.date() + _CLOSES)) for p in points]
    if any(
        of.opens <= second.at.date() <= of.closes and second.guaranteed >= first.guaranteed
        for first, of in windows
        for second in points
    ):
        return None
    return next((of for _, of in windows if of.closes >= today), None)
