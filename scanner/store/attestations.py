"""The attestations: documents that people attached, with the values transcribed from them."""

from __future__ import annotations

from sqlmodel import select

from rules.subject import Attestation
from scanner.store import plain
from scanner.store.audit import Audit
from scanner.store.database import Database
from scanner.store.errors import AlreadyKeptError
from scanner.store.tables import AttestationRow


class Attestations:
    """Kept once each; a correction is a new attestation."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

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

    def of(self, perimeter: str) -> tuple[Attestation, ...]:
        """Return the attestations of a perimeter, by their date."""
        wanted = select(AttestationRow.document).where(AttestationRow.perimeter == perimeter)
        with self._database.read() as session:
            found = [plain.read(text, Attestation) for text in session.exec(wanted)]
        return tuple(sorted(found, key=lambda attestation: (attestation.dated, attestation.id)))
