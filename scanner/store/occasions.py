"""Occasions of schedules, each taken once; scans asked to stop; messages sent once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, delete, select

from scanner.store.audit import Audit
from scanner.store.database import Database
from scanner.store.errors import UnknownScanError
from scanner.store.service_tables import NoticeRow, OccasionRow, StopRow
from scanner.store.tables import ScanRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """A due instant that was taken, and what came of it ("" while it runs)."""

    schedule: str
    due_at: datetime
    taken_at: datetime
    outcome: str


class Occasions:
    """Whoever inserts an occasion runs it; any number of services may try."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def take(self, schedule: str, due_at: datetime) -> bool:
        """Take an occasion; False when another service has it, or had it."""
        with self._database.write() as session:
            self._database.lock(session, f"occasion {schedule}")
            if session.get(OccasionRow, (schedule, due_at)) is not None:
                return False
            session.add(OccasionRow(schedule=schedule, due_at=due_at, taken_at=self._clock(), outcome=""))
        return True

    def conclude(self, schedule: str, due_at: datetime, outcome: str) -> None:
        """Record what came of an occasion."""
        with self._database.write() as session:
            row = session.get(OccasionRow, (schedule, due_at))
            if row is not None:
                row.outcome = outcome

    def last(self) -> dict[str, Occasion]:
        """Return the last occasion taken of each schedule."""
        newest = select(OccasionRow.schedule, func.max(OccasionRow.due_at)).group_by(OccasionRow.schedule)
        with self._database.read() as session:
            keys = session.exec(newest).all()
            rows = [session.get(OccasionRow, key) for key in keys]
            return {row.schedule: _occasion(row) for row in rows if row is not None}


def _occasion(row: OccasionRow) -> Occasion:
    return Occasion(schedule=row.schedule, due_at=row.due_at, taken_at=row.taken_at, outcome=row.outcome)


class Stops:
    """The stop button, pressed for any scan of the store, wherever it runs."""

    def __init__(self, database: Database, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def press(self, scan: str) -> None:
        """Ask that a scan stop."""
        with self._database.write() as session:
            if session.get(ScanRow, scan) is None:
                raise UnknownScanError(f"there is no scan {scan}")
            if session.get(StopRow, scan) is None:
                session.add(StopRow(scan=scan, asked_by=self._audit.actor, asked_at=self._clock()))
                self._audit.append(session, "stop-asked", scan=scan)

    def pressed(self, scan: str) -> bool:
        """Tell whether a scan was asked to stop."""
        with self._database.read() as session:
            return session.get(StopRow, scan) is not None

    def lift(self, scan: str) -> None:
        """Forget that a scan was asked to stop, when it is resumed."""
        with self._database.write() as session:
            row = session.get(StopRow, scan)
            if row is not None:
                session.delete(row)


class Notices:
    """What was sent, so that nothing is said twice."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def claim(self, marks: Collection[str]) -> bool:
        """Claim a message by what it is about; False when any of it was told, or is being told by another service."""
        with self._database.write() as session:
            self._database.lock(session, "notices")
            wanted = select(col(NoticeRow.id)).where(col(NoticeRow.id).in_(marks))
            if session.exec(wanted.limit(1)).first() is not None:
                return False
            session.add_all(NoticeRow(id=mark, sent_at=self._clock()) for mark in dict.fromkeys(marks))
        return True

    def release(self, marks: Collection[str]) -> None:
        """Give a claimed message back, because it could not be sent."""
        with self._database.write() as session:
            session.exec(delete(NoticeRow).where(col(NoticeRow.id).in_(marks)))

    def sent(self) -> frozenset[str]:
        """Return the ids of what was sent."""
        with self._database.read() as session:
            return frozenset(session.exec(select(col(NoticeRow.id))).all())
