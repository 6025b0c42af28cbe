"""Retention: how long each kind is kept, and the purge of what is older."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from probes.interface import Digest
from rules.subject import Attestation
from scanner.store import observations, plain
from scanner.store.audit import Audit
from scanner.store.database import Database
from scanner.store.tables import AttestationRow, CaptureRow, FrozenRow, JudgementRow, ObservationRow, ScanRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days that captures are kept after a scan last kept them, and scans with their findings after they began.

    Frozen dossiers, and what they rest on, are kept for ever; so are the audit log, attestations and waivers.
    """

    captures: int = 396
    findings: int = 1827


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What a purge removed; ``size`` is in bytes, before compression."""

    scans: tuple[str, ...]
    captures: int
    size: int


class Purge:
    """Removes what its retention has passed; what it removes is in the audit log first."""

    def __init__(self, database: Database, captures: Database, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._captures = captures
        self._audit = audit
        self._clock = clock

    def run(self, retention: Retention) -> Purged:
        """Remove old captures and old scans; never a scan that runs, nor what a frozen dossier rests on."""
        scans_before = self._clock() - timedelta(days=retention.findings)
        captures_before = self._clock() - timedelta(days=retention.captures)
        with self._database.write() as session:
            frozen = set(session.exec(select(JudgementRow.scan).join(FrozenRow)))
            old = [row for row in session.exec(_ended_before(scans_before)) if row.id not in frozen]
            gone = self._old_captures(captures_before, _captures_of(session, frozen) | _documents(session))
            purged = Purged(scans=tuple(row.id for row in old), captures=len(gone), size=sum(gone.values()))
            for row in old:
                session.delete(row)
            self._audit.append(
                session,
                "purged",
                scans=len(old),
                scans_before=scans_before.isoformat(),
                captures=len(gone),
                captures_before=captures_before.isoformat(),
            )
        self._remove(gone, captures_before)
        return purged

    def _old_captures(self, before: datetime, held: set[Digest]) -> dict[Digest, int]:
        """The captures to remove, with their sizes."""
        with self._captures.read() as session:
            rows = session.exec(select(CaptureRow.digest, CaptureRow.size).where(CaptureRow.kept_at < before))
            return {digest: size for digest, size in rows if digest not in held}

    def _remove(self, digests: Iterable[Digest], before: datetime) -> None:
        """Remove captures, but for those that a scan has kept again meanwhile."""
        with self._captures.write() as session:
            for digest in digests:
                row = session.get(CaptureRow, digest, with_for_update=True)
                if row is not None and row.kept_at < before:
                    session.delete(row)
        self._captures.shrink()


def _ended_before(before: datetime) -> SelectOfScalar[ScanRow]:
    return select(ScanRow).where(ScanRow.started_at < before, col(ScanRow.ended_at).is_not(None))


def _documents(session: Session) -> set[Digest]:
    """The documents that were attached on screen: they are kept as long as their attestations."""
    texts = session.exec(select(AttestationRow.document))
    return {plain.read(text, Attestation).document_sha256 for text in texts}


def _captures_of(session: Session, scans: set[str]) -> set[Digest]:
    """The captures that the observations of some scans rest on."""
    texts = session.exec(select(ObservationRow.document).where(col(ObservationRow.scan).in_(scans)))
    return {digest for text in texts for digest in observations.captures(text)}
