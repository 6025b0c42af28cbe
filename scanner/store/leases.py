"""The leases: one scan of a perimeter at a time, whoever runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import text
from sqlmodel import Session, select

from scanner.store import plain
from scanner.store.database import Database
from scanner.store.errors import LeaseLostError, PerimeterBusyError
from scanner.store.holder import Holder, this_process
from scanner.store.tables import LeaseRow

#: After this long without a heartbeat, a holder that cannot be seen is taken for dead. If it was not (its machine
#: slept, or lost its way to the store), it writes nothing more: whoever took over asks again what was in flight.
STALE_AFTER = timedelta(minutes=3)
#: Seconds after which the server frees a lease held in mid-transaction by a process that says nothing more.
_SILENT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to scan a perimeter; ``token`` tells this holder from whoever takes over."""

    perimeter: str
    scan: str
    token: str


class Leases:
    """Takes, renews and gives back, always within the transaction of what the lease protects."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def take(self, session: Session, perimeter: str, scan: str) -> tuple[Lease, LeaseRow | None]:
        """Return a lease, and a copy of the dead one it replaces; raise ``PerimeterBusyError`` if it lives."""
        self._database.lock(session, f"lease {perimeter}")
        row = session.get(LeaseRow, perimeter)
        if row is not None:
            self._refuse_living(session, row)
            session.delete(row)
            session.flush()
        lease = Lease(perimeter=perimeter, scan=scan, token=uuid4().hex)
        session.add(
            LeaseRow(
                perimeter=perimeter,
                scan=scan,
                token=lease.token,
                holder=plain.write(this_process()),
                renewed_at=self._now(session),
            )
        )
        session.flush()
        return lease, row

    def renew(self, session: Session, lease: Lease) -> None:
        """Keep the lease, and hold it against a takeover until the transaction ends."""
        self._held(session, lease).renewed_at = self._now(session)

    def release(self, session: Session, lease: Lease) -> None:
        """Give the lease back."""
        session.delete(self._held(session, lease))

    def living(self, session: Session) -> dict[str, str]:
        """Return the scans that run, each with its perimeter."""
        rows = session.exec(select(LeaseRow)).all()
        if not rows:
            return {}
        now = self._now(session)
        return {row.scan: row.perimeter for row in rows if _lives(row, now)}

    def _now(self, session: Session) -> datetime:
        """The instant by the clock that all holders share: the server's, since those of machines differ.

        A SQLite file is of one machine: its own clock.
        """
        if self._database.path is not None:
            return self._clock()
        at: datetime = session.connection().execute(text("SELECT clock_timestamp()")).scalar_one()
        return at

    def _held(self, session: Session, lease: Lease) -> LeaseRow:
        self._database.give_up_when_silent(session, _SILENT)
        wanted = select(LeaseRow).where(LeaseRow.perimeter == lease.perimeter, LeaseRow.token == lease.token)
        row = session.exec(wanted.with_for_update()).first()
        if row is None:
            raise LeaseLostError(
                f"scan {lease.scan} was taken over by another process, or ended; what was committed is kept, "
                "nothing more is written from here"
            )
        return row

    def _refuse_living(self, session: Session, row: LeaseRow) -> None:
        if _lives(row, self._now(session)):
            holder = plain.read(row.holder, Holder)
            raise PerimeterBusyError(
                f"perimeter {row.perimeter} is being scanned by {holder} (scan {row.scan}); wait for it, or stop it"
            )


def _lives(row: LeaseRow, now: datetime) -> bool:
    """Tell whether the holder of a lease is there still; one that cannot be seen is, until it has been silent long.

    A heartbeat from far in the future comes from a clock that was put right since: it proves nothing.
    """
    gone = plain.read(row.holder, Holder).is_gone(this_process())
    return abs(now - row.renewed_at) <= STALE_AFTER if gone is None else not gone
