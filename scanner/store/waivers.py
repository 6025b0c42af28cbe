"""The waivers: risks accepted by somebody, until a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlmodel import col, select

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

    def granted(self) -> tuple[Waiver, ...]:
        """Return every waiver that was not withdrawn, expired ones included, in the order granted."""
        wanted = select(WaiverRow.document).where(col(WaiverRow.withdrawn_at).is_(None))
        with self._database.read() as session:
            found = [plain.read(text, Waiver) for text in session.exec(wanted)]
        return tuple(sorted(found, key=lambda waiver: (waiver.granted_at, waiver.id)))
