"""A comparison of perimeters out of the store's summaries."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from probes.interface import AssetKind, Part
from reports.comparison import CommonRule, Compared, Comparison, Dated, PartFigures
from rules.interface import Severity
from rules.levels import Interval
from rules.subject import Perimeter
from scanner.peers import Peer, completed
from scanner.store.boards import Board, Point, Standing
from scanner.store.comparisons import Standings
from scanner.store.store import Store

#: Rules told as common to several perimeters.
_COMMON = 30


def compare(store: Store, perimeters: Collection[str] | None = None) -> Comparison:
    """Return the comparison of some perimeters, or of all that were judged."""
    found = store.comparisons.standings(perimeters)
    there = {board.perimeter for board in found.boards}
    newest = {board.perimeter: _newest(board, found) for board in found.boards}
    peers = completed(newest.values(), store.register)
    return Comparison(
        entries=tuple(_compared(board, peers[newest[board.perimeter].id], found) for board in found.boards),
        common=tuple(
            CommonRule(rule=r.rule, severity=r.severity, perimeters=r.perimeters, findings=r.findings)
            for r in store.boards.open_rules(perimeters, _COMMON)
        ),
        absent=tuple(sorted(set(perimeters or ()) - there)),
    )


def _newest(board: Board, found: Standings) -> Perimeter:
    """The perimeter as its newest scan knew it."""
    return found.scans[max(board.standings.values(), key=lambda standing: standing.at).scan].perimeter


def _compared(board: Board, peer: Peer, found: Standings) -> Compared:
    return Compared(
        perimeter=peer.perimeter,
        beds=peer.beds,
        assets=max((found.assets.get(s.scan, 0) for s in board.standings.values()), default=0),
        parts={Part(kind): _figures(board, standing, found) for kind, standing in sorted(board.standings.items())},
    )


def _figures(board: Board, standing: Standing, found: Standings) -> PartFigures:
    judgement, levels = found.judgements[standing.judgement]
    return PartFigures(
        kind=Part(standing.kind),
        scan=standing.scan,
        seen_at=standing.at,
        level=_level(standing),
        open={severity: getattr(standing, severity.value) for severity in Severity},
        met=standing.met,
        undetermined=standing.undetermined,
        catalogue=judgement.catalogue_digest,
        sets=judgement.sets,
        trend=tuple(_dated(point) for point in board.trends[standing.kind]),
        forests=_forests(levels) if standing.kind == Part.DIRECTORY else {},
    )


def _forests(levels: Mapping[str, Interval]) -> dict[str, Interval]:
    return {subject: level for subject, level in levels.items() if subject.startswith(f"{AssetKind.FOREST.value}:")}


def _level(of: Standing | Point) -> Interval | None:
    return Interval(guaranteed=of.guaranteed, best=of.best) if of.best else None


def _dated(point: Point) -> Dated:
    return Dated(at=point.at, level=_level(point), grave=point.grave)
