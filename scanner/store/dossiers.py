"""The frozen dossiers: what was filed, and the judgement that must stay for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import select

from scanner.store import plain
from scanner.store.audit import Audit
from scanner.store.database import Database
from scanner.store.errors import AlreadyKeptError, UnknownEntryError
from scanner.store.tables import FrozenRow, JudgementRow, ScanRow


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenDossier:
    """A dossier as it was filed: ``id`` is the SHA-256 of its document, which lies outside the store."""

    id: str
    judgement: str
    frozen_at: datetime
    frozen_by: str


class Dossiers:
    """Freezing is for good: no retention touches a frozen dossier's scan, findings and captures."""

    def __init__(self, database: Database, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def freeze(self, dossier_id: str, judgement_id: str) -> FrozenDossier:
        """Freeze the dossier of a judgement; frozen again, it is the first one."""
        with self._database.write() as session:
            self._database.lock(session, f"dossier {dossier_id}")
            if session.get(JudgementRow, judgement_id) is None:
                raise UnknownEntryError(f"there is no judgement {judgement_id}")
            known = session.get(FrozenRow, dossier_id)
            if known is not None:
                if known.judgement != judgement_id:
                    raise AlreadyKeptError(f"dossier {dossier_id} is frozen for another judgement")
                return plain.read(known.document, FrozenDossier)
            frozen = FrozenDossier(
                id=dossier_id, judgement=judgement_id, frozen_at=self._clock(), frozen_by=self._audit.actor
            )
            session.add(FrozenRow(id=dossier_id, judgement=judgement_id, document=plain.write(frozen)))
            self._audit.append(session, "dossier-frozen", dossier=dossier_id, judgement=judgement_id)
        return frozen

    def of(self, perimeter: str) -> tuple[FrozenDossier, ...]:
        """Return the frozen dossiers of a perimeter, oldest first."""
        wanted = select(FrozenRow.document).join(JudgementRow).join(ScanRow).where(ScanRow.perimeter == perimeter)
        with self._database.read() as session:
            found = [plain.read(text, FrozenDossier) for text in session.exec(wanted)]
        return tuple(sorted(found, key=lambda dossier: (dossier.frozen_at, dossier.id)))

    def all(self) -> tuple[FrozenDossier, ...]:
        """Return the frozen dossiers, oldest first."""
        with self._database.read() as session:
            found = [plain.read(text, FrozenDossier) for text in session.exec(select(FrozenRow.document))]
        return tuple(sorted(found, key=lambda dossier: (dossier.frozen_at, dossier.id)))
