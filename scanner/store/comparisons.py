"""What a comparison reads: the newest standings of many perimeters, with their scans, judgements and asset counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from reports.dossier import Judgement
from rules.levels import Interval
from rules.subject import Scan
from scanner.store import plain
from scanner.store.boards import Board, Boards
from scanner.store.database import Database
from scanner.store.tables import AssetRow, JudgementRow, ScanRow

#: Ids asked for in one statement; SQLite's own bound is higher.
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """The boards of some perimeters, and by id what their newest standings name."""

    boards: tuple[Board, ...]
    scans: Mapping[str, Scan]
    judgements: Mapping[str, tuple[Judgement, Mapping[str, Interval]]]
    #: Assets in scope, by scan.
    assets: Mapping[str, int]


class Comparisons:
    """Reads summaries, never findings: a few statements for a whole region."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._boards = Boards(database)

    def standings(self, within: Collection[str] | None = None) -> Standings:
        """Return the newest standings of some perimeters, or of all."""
        boards = self._boards.boards(within)
        newest = [standing for board in boards for standing in board.standings.values()]
        scans = sorted({standing.scan for standing in newest})
        judgements = sorted({standing.judgement for standing in newest})
        with self._database.read() as session:
            return Standings(
                boards=boards,
                scans={i: plain.read(t, Scan) for i, t in _texts(session, ScanRow.id, ScanRow.document, scans)},
                judgements={
                    i: plain.read(t, tuple[Judgement, dict[str, Interval]])
                    for i, t in _texts(session, JudgementRow.id, JudgementRow.document, judgements)
                },
                assets=_counts(session, scans),
            )


def _texts(session: Session, key: Any, document: Any, wanted: list[str]) -> Iterable[tuple[str, str]]:  # noqa: ANN401 - mapped columns
    for start in range(0, len(wanted), _BATCH):
        yield from session.exec(select(key, document).where(col(key).in_(wanted[start : start + _BATCH])))


def _counts(session: Session, scans: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(scans), _BATCH):
        wanted = (
            select(AssetRow.scan, func.count())
            .where(col(AssetRow.scan).in_(scans[start : start + _BATCH]), col(AssetRow.in_scope))
            .group_by(AssetRow.scan)
        )
        found |= dict(session.exec(wanted).all())
    return found
