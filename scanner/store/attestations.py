"""The attestations: documents that people attached, with the values transcribed from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlmodel import select

from rules.subject import Attestation
from scanner.store import plain
from scanner.store.audit import Audit
from scanner.store.database import Database
from scanner.store.errors import AlreadyKeptError, UnknownEntryError
from scanner.store.tables import AttestationRow


class Attestations:
    """Kept once each; a correction is a withdrawal and a new attestation, never a change."""

    def __init__(self, database: Database, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def keep(self, attestation: Attestation) -> None:
        """Keep an attestation and note who attached which document."""
        text = plain.write(attestation)
        with self._database.write() as session:
            self._database.lock(session, f"attestation {attestation.id}")
            known = session.get(AttestationRow, attestation.id)
            if known is not None and known.document != text:
                raise AlreadyKeptError(f"there is already another attestation {attestation.id}")
            if known is None:
                session.add(AttestationRow(id=attestation.id, perimeter=attestation.perimeter, document=text))
                self._audit.append(
                    session,
                    "attestation-kept",
                    attestation=attestation.id,
                    perimeter=attestation.perimeter,
                    type=attestation.type,
                    document=attestation.document_sha256,
                )

    def withdraw(self, attestation_id: str, reason: str) -> None:
        """Take an attestation back, and say why; it stays in the store and counts no more."""
        with self._database.write() as session:
            row = session.get(AttestationRow, attestation_id, with_for_update=True)
            kept = plain.read(row.document, Attestation) if row else None
            if row is None or kept is None or kept.withdrawn_at is not None:
                raise UnknownEntryError(f"there is no attestation {attestation_id} to withdraw")
            row.document = plain.write(replace(kept, withdrawn_at=self._clock()))
            self._audit.append(session, "attestation-withdrawn", attestation=attestation_id, reason=reason)

    def of(self, perimeter: str) -> tuple[Attestation, ...]:
        """Return the attestations of a perimeter that were not withdrawn, by their date."""
        return tuple(a for a in self.all() if a.perimeter == perimeter and a.withdrawn_at is None)

    def all(self) -> tuple[Attestation, ...]:
        """Return every attestation, withdrawn ones included, by their date."""
        with self._database.read() as session:
            found = [plain.read(text, Attestation) for text in session.exec(select(AttestationRow.document))]
        return tuple(sorted(found, key=lambda attestation: (attestation.dated, attestation.id)))
