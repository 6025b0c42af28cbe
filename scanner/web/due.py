"""What is due: mandates that end, scans that wait, the window of the confirmation audit, overdue findings."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from rules.interface import Severity
from scanner.schedule.confirmation import window
from scanner.store.boards import Board
from scanner.web.route import Asked

#: A mandate's end is told so many days before.
_MANDATE_DAYS = 45
#: Without a scan for so many days, one is due.
_SILENCE_DAYS = 35
#: The window of the confirmation audit is told so long before it opens.
_AHEAD = timedelta(days=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One thing to do: ``what`` is mandate, scan or confirmation; ``since`` to ``until`` is when it may be done."""

    what: str
    perimeter: str
    since: date
    until: date
    late: bool
    about: str = ""


def due(asked: Asked, within: Collection[str] | None, boards: Iterable[Board]) -> tuple[Due, ...]:
    """Return what is due on some perimeters (None is all) with their boards, the latest first."""
    today = asked.now.date()
    found: list[Due] = []
    for id, reference in asked.settings.perimeter_mandates.items():
        if within is not None and id not in within:
            continue
        mandate = asked.settings.mandates[reference]
        if mandate.valid_until - today <= timedelta(days=_MANDATE_DAYS):
            late = mandate.valid_until < today
            found.append(
                Due(what="mandate", perimeter=id, since=today, until=mandate.valid_until, late=late, about=reference)
            )
    for board in boards:
        found += _scans(board, today)
    return tuple(sorted(found, key=lambda d: (not d.late, d.until, d.perimeter)))


def _scans(board: Board, today: date) -> list[Due]:
    found = []
    for kind, points in board.trends.items():
        if not points:
            continue
        last = points[-1].at.date()
        if (today - last).days > _SILENCE_DAYS:
            until = last + timedelta(days=_SILENCE_DAYS)
            found.append(Due(what="scan", perimeter=board.perimeter, since=last, until=until, late=True, about=kind))
    coming = confirmation(board, today)
    return [*found, coming] if coming else found


def confirmation(board: Board, today: date) -> Due | None:
    """Return the window of the second exposure audit, from shortly before it opens."""
    found = window(board.trends.get("exposure", ()), today)
    if found is None or found.opens > today + _AHEAD:
        return None
    return Due(what="confirmation", perimeter=board.perimeter, since=found.opens, until=found.closes, late=False)


def overdue(severity: Severity, open_since: date, today: date, limits: dict[str, int]) -> bool:
    """Tell whether a finding has been open for longer than its severity allows."""
    limit = limits.get(severity.value)
    return limit is not None and (today - open_since).days > limit
