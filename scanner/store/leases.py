"""The leases: one scan of a perimeter at a time, whoever runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlmodel import Session, select

from scanner.store import plain
from scanner.store.database import Database
from scanner.store.errors import LeaseLostError, PerimeterBusyError
from scanner.store.holder import Holder, this_process
from scanner.store.tables import LeaseRow

#: After this long without a step begun or committed, a holder that cannot be seen is taken for dead.
STALE_AFTER = timedelta(minutes=45)


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
            self._refuse_living(row)
            session.delete(row)
            session.flush()
        lease = Lease(perimeter=perimeter, scan=scan, token=uuid4().hex)
        session.add(
            LeaseRow(
                perimeter=perimeter,
                scan=scan,
                token=lease.token,
                holder=plain.write(this_process()),
                renewed_at=self._clock(),
            )
        )
        session.flush()
        return lease, row

    def renew(self, session: Session, lease: Lease) -> None:
        """Keep the lease, and hold it against a takeover until the transaction ends."""
        self._held(session, lease).renewed_at = self._clock()

    def release(self, session: Session, lease: Lease) -> None:
        """Give the lease back."""
        session.delete(self._held(session, lease))

    def _held(self, session: Session, lease: Lease) -> LeaseRow:
        wanted = select(LeaseRow).where(LeaseRow.perimeter == lease.perimeter, LeaseRow.token == lease.token)
        row = session.exec(wanted.with_for_update()).first()
        if row is None:
            raise LeaseLostError(f"scan {lease.scan} was taken over or ended; nothing more is written from here")
        return row

    def _refuse_living(self, row: LeaseRow) -> None:
        if lives(row, self._clock()):
            holder = plain.read(row.holder, Holder)
            raise PerimeterBusyError(
                f"perimeter {row.perimeter} is being scanned by {holder} (scan {row.scan}); wait for it, or stop it"
            )


def lives(row: LeaseRow, now: datetime) -> bool:
    """Tell whether the holder of a lease is there still; one that cannot be seen is, until it has been silent long."""
    gone = plain.read(row.holder, Holder).is_gone(this_process())
    return now - row.renewed_at <= STALE_AFTER if gone is None else not gone
