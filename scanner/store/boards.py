"""What the dashboard shows of many perimeters at once: standings, trends, what moved, which rules are open where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from rules.interface import Severity
from scanner.store.database import Database
from scanner.store.service_tables import OpenRuleRow, ShiftRow, StandingRow

#: Most past scans shown of one part of a perimeter.
_TREND = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What one part of a scan amounts to; ``guaranteed`` and ``best`` are 0 when there is no level."""

    perimeter: str
    kind: str
    scan: str
    judgement: str
    at: datetime
    guaranteed: int
    best: int
    critical: int
    high: int
    medium: int
    low: int
    info: int
    undetermined: int
    met: int

    @property
    def open(self) -> int:
        """How many findings are open, information left out."""
        return self.critical + self.high + self.medium + self.low


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One scan of a trend: its instant, its level and its grave findings."""

    at: datetime
    guaranteed: int
    best: int
    grave: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The newest standing of each part of a perimeter, and the trend of each, oldest first."""

    perimeter: str
    standings: dict[str, Standing]
    trends: dict[str, tuple[Point, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A finding that is not as it was: new, worse, reopened, better or closed."""

    perimeter: str
    scan: str
    kind: str
    at: datetime
    change: str
    rule: str
    asset: str
    severity: Severity
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRule:
    """A rule that is not met: in how many perimeters, how often in all, and how grave at worst."""

    rule: str
    severity: Severity
    perimeters: int
    findings: int


#: Columns in the order of ``Standing``.
_STANDING: tuple[Any, ...] = tuple(
    getattr(StandingRow, {"at": "started_at"}.get(name, name)) for name in Standing.__dataclass_fields__
)


class Boards:
    """Reads summary tables only; ``within`` bounds every answer to some perimeters, None is all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def boards(self, within: Collection[str] | None = None) -> tuple[Board, ...]:
        """Return the board of each perimeter that was judged at least once, by id."""
        with self._database.read() as session:
            newest = _newest(session, within)
            trends = _trends(session, within)
        perimeters = sorted({standing.perimeter for standing in newest})
        by_perimeter: dict[str, dict[str, Standing]] = defaultdict(dict)
        for standing in newest:
            by_perimeter[standing.perimeter][standing.kind] = standing
        return tuple(Board(perimeter=p, standings=by_perimeter[p], trends=trends[p]) for p in perimeters)

    def standings(self, perimeter: str) -> dict[str, Standing]:
        """Return the newest standing of each part of a perimeter."""
        with self._database.read() as session:
            return {standing.kind: standing for standing in _newest(session, [perimeter])}

    def of_scan(self, scan: str) -> tuple[Standing, ...]:
        """Return the standings of the parts of one scan."""
        with self._database.read() as session:
            rows = session.execute(select(*_STANDING).where(StandingRow.scan == scan)).all()
        return tuple(_standing(row) for row in rows)

    def shifts(self, within: Collection[str] | None, since: datetime, limit: int = 50) -> tuple[Shift, ...]:
        """Return what moved since an instant, the newest and gravest first."""
        wanted = (
            select(ShiftRow)
            .where(ShiftRow.at >= since, *_bound(ShiftRow.perimeter, within))
            .order_by(col(ShiftRow.at).desc(), col(ShiftRow.severity), col(ShiftRow.fingerprint))
            .limit(limit)
        )
        with self._database.read() as session:
            return tuple(_shift(row) for row in session.exec(wanted))

    def shifts_of(self, scan: str) -> tuple[Shift, ...]:
        """Return what moved with one scan."""
        wanted = select(ShiftRow).where(ShiftRow.scan == scan)
        with self._database.read() as session:
            found = [_shift(row) for row in session.exec(wanted)]
        return tuple(sorted(found, key=lambda s: (s.severity.rank, s.change, s.rule, s.asset)))

    def open_rules(self, within: Collection[str] | None, limit: int = 30) -> tuple[OpenRule, ...]:
        """Return the rules that are open in most perimeters, the commonest first."""
        perimeters = func.count(OpenRuleRow.perimeter.distinct())  # type: ignore[attr-defined]
        wanted = (
            select(OpenRuleRow.rule, func.min(OpenRuleRow.severity), perimeters, func.sum(OpenRuleRow.number))
            .where(*_bound(OpenRuleRow.perimeter, within))
            .group_by(OpenRuleRow.rule)
            .order_by(perimeters.desc(), OpenRuleRow.rule)
            .limit(limit)
        )
        with self._database.read() as session:
            return tuple(
                OpenRule(rule=rule, severity=Severity(severity), perimeters=number, findings=int(total))
                for rule, severity, number, total in session.execute(wanted)
            )


def _bound(column: Any, within: Collection[str] | None) -> list[ColumnElement[bool]]:  # noqa: ANN401 - a mapped column
    return [] if within is None else [col(column).in_(within)]


def _newest(session: Session, within: Collection[str] | None) -> list[Standing]:
    wanted = select(*_STANDING).where(col(StandingRow.newest), *_bound(StandingRow.perimeter, within))
    return [_standing(row) for row in session.execute(wanted)]


def _trends(session: Session, within: Collection[str] | None) -> dict[str, dict[str, tuple[Point, ...]]]:
    row: Any = StandingRow
    wanted = (
        columns(row.perimeter, row.kind, row.started_at, row.guaranteed, row.best, row.critical, row.high)
        .where(*_bound(row.perimeter, within))
        .order_by(col(row.started_at))
    )
    found: dict[str, dict[str, list[Point]]] = defaultdict(lambda: defaultdict(list))
    for perimeter, kind, at, guaranteed, best, critical, high in session.execute(wanted):
        found[perimeter][kind].append(Point(at=at, guaranteed=guaranteed, best=best, grave=critical + high))
    trends: dict[str, dict[str, tuple[Point, ...]]] = defaultdict(dict)
    for perimeter, kinds in found.items():
        trends[perimeter] = {kind: tuple(points[-_TREND:]) for kind, points in kinds.items()}
    return trends


def _standing(row: Any) -> Standing:  # noqa: ANN401 - a row of the columns above
    return Standing(**dict(zip(Standing.__dataclass_fields__, row, strict=True)))


def _shift(row: ShiftRow) -> Shift:
    return Shift(
        perimeter=row.perimeter,
        scan=row.scan,
        kind=row.kind,
        at=row.at,
        change=row.change,
        rule=row.rule,
        asset=row.asset,
        severity=Severity(row.severity),
        fingerprint=row.fingerprint,
    )
