"""The comparison: every perimeter in one table, by peer group, and the rules that are open in most places."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

from reports.comparison import bed_class, category_of
from rules.territory import region_name
from scanner.peers import Peer as Known
from scanner.peers import completed
from scanner.store.boards import OpenRule, Point
from scanner.web.pages.home import Place, places_of
from scanner.web.rights import Right
from scanner.web.route import Asked, Page

SORTS = ("grave", "exposure", "directory", "progress", "name")
#: What may make peers, each with the traits that it groups by.
PEERS = {
    "category": ("unit", "category"),
    "size": ("unit", "category", "size"),
    "region": ("unit", "region"),
    "ght": ("ght",),
}
#: Fewest perimeters whose median says something.
_FEWEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A perimeter among its peers: its grave findings, against the median of its group (None when it is too small)."""

    place: Place
    group: str
    region: str
    ght: str
    category: str
    beds: int | None
    sites: int
    grave: int
    against: float | None
    progress: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A peer group: the traits its perimeters share, how many stand at each level, and who progressed.

    ``size`` is the class of their beds and places, 1 to 4; a trait that is not shared or not known is "".
    """

    key: str
    unit: str
    category: str
    size: str
    region: str
    ght: str
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
    by: str
    group: str
    sort: str


def _region(asked: Asked) -> Region:
    region, ght, group = (asked.query.get(name, "") for name in ("region", "ght", "group"))
    sort, by = asked.query.get("sort", "grave"), asked.query.get("by", "category")
    by = by if by in PEERS else "category"
    known = completed(asked.settings.perimeters.values(), asked.store.register)
    everywhere = [(place, known.get(place.id)) for place in places_of(asked, asked.identity.within)]
    regions = {peer.perimeter.region for _, peer in everywhere if peer and peer.perimeter.region}
    peers = _peers([(p, k) for p, k in everywhere if region in ("", k.perimeter.region if k else "")], by)
    group = group if group in {p.group for p in peers} else ""
    chosen = [p for p in peers if ght in ("", p.ght) and group in ("", p.group)]
    within = None if len(chosen) == len(known) else tuple(p.place.id for p in chosen)
    return Region(
        peers=tuple(sorted(chosen, key=_order(sort))),
        groups=_groups(peers, by),
        rules=asked.store.boards.open_rules(within, 15),
        regions=tuple(sorted(regions, key=region_name)),
        ghts=tuple(sorted({p.ght for p in peers if p.ght})),
        region=region,
        ght=ght,
        by=by,
        group=group,
        sort=sort if sort in SORTS else "grave",
    )


def _peers(places: list[tuple[Place, Known | None]], by: str) -> list[Peer]:
    peers = [_peer(place, known, by) for place, known in places]
    graves: dict[str, list[int]] = defaultdict(list)
    for peer in peers:
        if peer.place.board.standings:
            graves[peer.group].append(peer.grave)
    medians = {key: statistics.median(values) for key, values in graves.items() if len(values) >= _FEWEST}
    return [
        replace(peer, against=peer.grave - medians[peer.group])
        if peer.group in medians and peer.place.board.standings
        else peer
        for peer in peers
    ]


def _peer(place: Place, known: Known | None, by: str) -> Peer:
    """A perimeter with the group it belongs to; no longer declared, it has no trait."""
    traits = {
        "unit": place.unit,
        "category": category_of(known.perimeter) if known else "",
        "size": bed_class(known.beds) if known else "",
        "region": known.perimeter.region if known else "",
        "ght": known.perimeter.ght if known else "",
    }
    return Peer(
        place=place,
        group="/".join(traits[name] or "-" for name in PEERS[by]),
        region=traits["region"],
        ght=traits["ght"],
        category=traits["category"],
        beds=known.beds if known else None,
        sites=len(known.perimeter.members) if known else 0,
        grave=sum(s.critical + s.high for s in place.board.standings.values()),
        against=None,
        progress=_progress(place),
    )


def _progress(place: Place) -> int:
    """Levels gained (or lost) over the trend, both parts together, on what is guaranteed."""
    return sum(_gained(points) for points in place.board.trends.values())


def _gained(points: tuple[Point, ...]) -> int:
    levels = [point.guaranteed for point in points if point.guaranteed]
    return levels[-1] - levels[0] if len(levels) > 1 else 0


def _groups(peers: list[Peer], by: str) -> tuple[Group, ...]:
    by_key: dict[str, list[Peer]] = defaultdict(list)
    for peer in peers:
        by_key[peer.group].append(peer)
    return tuple(_group(key, by_key[key], by) for key in sorted(by_key, key=lambda k: (-len(by_key[k]), k)))


def _group(key: str, peers: list[Peer], by: str) -> Group:
    judged = [peer for peer in peers if peer.place.board.standings]
    first, shared = peers[0], PEERS[by]
    return Group(
        key=key,
        unit=first.place.unit if "unit" in shared else "",
        category=first.category if "category" in shared else "",
        size=bed_class(first.beds) if "size" in shared else "",
        region=first.region if "region" in shared else "",
        ght=first.ght if "ght" in shared else "",
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
        "by": f"what makes peers: {', '.join(PEERS)}",
        "group": "a peer group, by its key",
        "sort": ", ".join(SORTS),
    },
)
