"""The comparison: every perimeter in one table, by peer group, and the rules that are open in most places."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from scanner.store.boards import OpenRule, Point
from scanner.web.pages.home import Place, places_of
from scanner.web.rights import Right
from scanner.web.route import Asked, Page

SORTS = ("grave", "exposure", "directory", "progress", "name")
#: Fewest perimeters whose median says something.
_FEWEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A perimeter among its peers: its grave findings, against the median of its group (None when it is too small)."""

    place: Place
    group: str
    ght: str
    sites: int
    grave: int
    against: float | None
    progress: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A peer group: perimeters of one unit and category, how many stand at each level, and who progressed."""

    key: str
    perimeters: int
    judged: int
    median: float | None
    exposure: tuple[int, ...]
    directory: tuple[int, ...]
    progressed: int
    regressed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """The table, its groups, its filters, and what is common."""

    peers: tuple[Peer, ...]
    groups: tuple[Group, ...]
    rules: tuple[OpenRule, ...]
    regions: tuple[str, ...]
    ghts: tuple[str, ...]
    region: str
    ght: str
    group: str
    sort: str


def _region(asked: Asked) -> Region:
    declared = asked.settings.perimeters
    region, ght, group = (asked.query.get(name, "") for name in ("region", "ght", "group"))
    sort = asked.query.get("sort", "grave")
    everywhere = places_of(asked, asked.identity.within)
    peers = _peers(asked, [p for p in everywhere if region in ("", p.region)])
    chosen = [p for p in peers if ght in ("", p.ght) and group in ("", p.group)]
    within = None if len(chosen) == len(declared) else tuple(p.place.id for p in chosen)
    return Region(
        peers=tuple(sorted(chosen, key=_order(sort))),
        groups=_groups(peers),
        rules=asked.store.boards.open_rules(within, 15),
        regions=tuple(sorted({p.region for p in everywhere if p.region})),
        ghts=tuple(sorted({p.ght for p in peers if p.ght})),
        region=region,
        ght=ght,
        group=group,
        sort=sort if sort in SORTS else "grave",
    )


def _peers(asked: Asked, places: list[Place]) -> list[Peer]:
    declared = asked.settings.perimeters
    groups: dict[str, list[int]] = defaultdict(list)
    rows = []
    for place in places:
        known = declared.get(place.id)
        members = known.members if known else ()
        key = f"{place.unit}/{members[0].category if members else ''}"
        grave = sum(s.critical + s.high for s in place.board.standings.values())
        if place.board.standings:
            groups[key].append(grave)
        rows.append((place, key, known.ght if known else "", len(members), grave))
    medians = {key: statistics.median(values) for key, values in groups.items() if len(values) >= _FEWEST}
    return [
        Peer(
            place=place,
            group=key,
            ght=ght,
            sites=sites,
            grave=grave,
            against=grave - medians[key] if key in medians and place.board.standings else None,
            progress=_progress(place),
        )
        for place, key, ght, sites, grave in rows
    ]


def _progress(place: Place) -> int:
    """Levels gained (or lost) over the trend, both parts together, on what is guaranteed."""
    return sum(_gained(points) for points in place.board.trends.values())


def _gained(points: tuple[Point, ...]) -> int:
    levels = [point.guaranteed for point in points if point.guaranteed]
    return levels[-1] - levels[0] if len(levels) > 1 else 0


def _groups(peers: list[Peer]) -> tuple[Group, ...]:
    by_key: dict[str, list[Peer]] = defaultdict(list)
    for peer in peers:
        by_key[peer.group].append(peer)
    return tuple(_group(key, by_key[key]) for key in sorted(by_key, key=lambda k: (-len(by_key[k]), k)))


def _group(key: str, peers: list[Peer]) -> Group:
    judged = [peer for peer in peers if peer.place.board.standings]
    return Group(
        key=key,
        perimeters=len(peers),
        judged=len(judged),
        median=statistics.median(p.grave for p in judged) if len(judged) >= _FEWEST else None,
        exposure=_levels(judged, "exposure"),
        directory=_levels(judged, "directory"),
        progressed=sum(peer.progress > 0 for peer in judged),
        regressed=sum(peer.progress < 0 for peer in judged),
    )


def _levels(peers: list[Peer], kind: str) -> tuple[int, ...]:
    """How many perimeters stand at each level from 1 to 5, on what is guaranteed."""
    levels = [s.guaranteed for peer in peers if (s := peer.place.board.standings.get(kind)) is not None]
    return tuple(levels.count(level) for level in range(1, 6))


def _order(sort: str) -> Callable[[Peer], tuple[float, float, str]]:
    """The key that puts first what a person should look at first."""

    def key(peer: Peer) -> tuple[float, float, str]:
        name, standings = peer.place.name.casefold(), peer.place.board.standings
        if sort in {"exposure", "directory"}:
            return (standings[sort].guaranteed if sort in standings else 9, -peer.grave, name)
        if sort == "progress":
            return (-peer.progress, -peer.grave, name)
        return (0 if sort == "name" else -peer.grave, 0, name)

    return key


REGION = Page(
    path="/region",
    right=Right.COMPARE,
    template="region.html",
    read=_region,
    returns=Region,
    title=("Comparaison", "Comparison"),
    query={
        "region": "an INSEE code",
        "ght": "the name of a group",
        "group": "a peer group: unit/category",
        "sort": ", ".join(SORTS),
    },
)
