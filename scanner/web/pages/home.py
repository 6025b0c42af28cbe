"""Home: where each perimeter stands, what changed, what is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from scanner.store.boards import Board, Shift, Standing
from scanner.web.due import Due, due
from scanner.web.rights import Right
from scanner.web.route import Asked, Page

#: How far back what changed is told.
RECENT = timedelta(days=35)
#: Most changes and due things told on one page.
_TOLD = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A perimeter with its board; ``running`` is the scan that runs now, or ""."""

    id: str
    name: str
    unit: str
    region: str
    board: Board
    running: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Over the perimeters seen: open findings by severity, how many perimeters, and how many never judged."""

    perimeters: int
    unjudged: int
    critical: int
    high: int
    medium: int
    low: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What the first page shows."""

    places: tuple[Place, ...]
    totals: Totals
    shifts: tuple[Shift, ...]
    due: tuple[Due, ...]
    at: datetime


def _home(asked: Asked) -> Home:
    return at_home(asked, asked.identity.within)


def _one(asked: Asked) -> Home:
    return at_home(asked, (asked.perimeter,))


def at_home(asked: Asked, within: tuple[str, ...] | None) -> Home:
    """Return the home of some perimeters; None is all."""
    places = places_of(asked, within)
    standings = [s for place in places for s in place.board.standings.values()]
    shifts = asked.store.boards.shifts(within, asked.now - RECENT, 200)
    grave = sorted((s for s in shifts if s.change != "closed"), key=lambda s: (s.severity.rank, -s.at.timestamp()))
    closed = [s for s in shifts if s.change == "closed"]
    return Home(
        places=places,
        totals=_totals(places, standings),
        shifts=(*grave[: _TOLD - min(len(closed), 4)], *closed[:4]),
        due=due(asked, within, (place.board for place in places))[:_TOLD],
        at=asked.now,
    )


def places_of(asked: Asked, within: tuple[str, ...] | None) -> tuple[Place, ...]:
    """Return every perimeter seen, judged or only declared, by name."""
    boards = {board.perimeter: board for board in asked.store.boards.boards(within)}
    running = asked.store.sightings.running()
    declared = asked.settings.perimeters
    known = {id for id in declared if within is None or id in within} | boards.keys()
    places = [
        Place(
            id=id,
            name=asked.named(id),
            unit=declared[id].unit if id in declared else "",
            region=declared[id].region if id in declared else "",
            board=boards.get(id) or Board(perimeter=id, standings={}, trends={}),
            running=running.get(id, ""),
        )
        for id in known
    ]
    return tuple(sorted(places, key=lambda place: (place.name.casefold(), place.id)))


def _totals(places: tuple[Place, ...], standings: list[Standing]) -> Totals:
    return Totals(
        perimeters=len(places),
        unjudged=sum(not place.board.standings for place in places),
        critical=sum(s.critical for s in standings),
        high=sum(s.high for s in standings),
        medium=sum(s.medium for s in standings),
        low=sum(s.low for s in standings),
    )


HOME = Page(path="/", right=Right.READ, template="home.html", read=_home, returns=Home, title=("Accueil", "Home"))
PERIMETER = Page(
    path="/p/{perimeter}",
    right=Right.READ,
    template="perimeter.html",
    read=_one,
    returns=Home,
    title=("Synthèse", "Overview"),
)
