"""The waivers: risks accepted by somebody, until a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlmodel import select

from rules.subject import Waiver
from scanner.store import plain
from scanner.store.audit import Audit
from scanner.store.database import Database
from scanner.store.errors import AlreadyKeptError, UnknownEntryError
from scanner.store.tables import WaiverRow


class Waivers:
    """Granted, then withdrawn or expired; never deleted."""

    def __init__(self, database: Database, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def grant(self, waiver: Waiver) -> None:
        """Keep a waiver and note who accepted what."""
        text = plain.write(waiver)
        with self._database.write() as session:
            self._database.lock(session, f"waiver {waiver.id}")
            known = session.get(WaiverRow, waiver.id)
            if known is not None and known.document != text:
                raise AlreadyKeptError(f"there is already another waiver {waiver.id}")
            if known is None:
                session.add(WaiverRow(id=waiver.id, document=text))
                self._audit.append(
                    session,
                    "waiver-granted",
                    waiver=waiver.id,
                    fingerprint=waiver.fingerprint,
                    perimeter=waiver.perimeter,
                    reason=waiver.reason,
                    owner=waiver.owner,
                    expires=waiver.expires.isoformat(),
                )

    def withdraw(self, waiver_id: str, reason: str) -> None:
        """End a waiver before its day, and say why."""
        with self._database.write() as session:
            row = session.get(WaiverRow, waiver_id, with_for_update=True)
            if row is None or row.withdrawn_at is not None:
                raise UnknownEntryError(f"there is no waiver {waiver_id} to withdraw")
            row.withdrawn_at = self._clock()
            self._audit.append(session, "waiver-withdrawn", waiver=waiver_id, reason=reason)

    def granted(self, perimeter: str) -> tuple[Waiver, ...]:
        """Return the waivers of a perimeter that were not withdrawn, expired ones included, in the order granted."""
        return tuple(w for w, withdrawn_at in self.all() if withdrawn_at is None and w.perimeter in {"", perimeter})

    def all(self) -> tuple[tuple[Waiver, datetime | None], ...]:
        """Return every waiver with the instant it was withdrawn, or None, in the order granted."""
        with self._database.read() as session:
            rows = [(plain.read(row.document, Waiver), row.withdrawn_at) for row in session.exec(select(WaiverRow))]
        return tuple(sorted(rows, key=lambda row: (row[0].granted_at, row[0].id)))
