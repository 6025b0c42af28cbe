"""The journal of a scan, on disk: a step is one transaction, and only the holder of the lease may write it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, col, func, select

from probes.interface import Asset, Attempt, Digest
from scanner.journal import Step, StepResult
from scanner.store import observations, plain
from scanner.store.captures import Captures
from scanner.store.database import Database
from scanner.store.leases import Lease, Leases
from scanner.store.tables import AttemptRow, ObservationRow, StepRow


class StoredJournal:
    """A ``scanner.journal.Journal``: what is committed survives a crash of the process or of the machine."""

    def __init__(self, database: Database, leases: Leases, captures: Captures, lease: Lease) -> None:
        self._database = database
        self._leases = leases
        self._captures = captures
        self._lease = lease

    def results(self) -> Sequence[StepResult]:
        """Return the committed steps, in the order of their commit."""
        with self._database.read() as session:
            return committed(session, self._lease.scan)

    def begin(self, step: Step, at: datetime) -> int:
        """Record that a step begins and return how many times it has begun, this one included."""
        with self._database.write() as session:
            self._leases.renew(session, self._lease)
            row = self._row(session, step)
            row.begun, row.begun_at = row.begun + 1, at
            return row.begun

    def commit(self, result: StepResult) -> None:
        """Record a step's result; a second commit of the same key changes nothing."""
        with self._database.write() as session:
            self._leases.renew(session, self._lease)
            row = self._row(session, result.step)
            if row.position is not None:
                return
            last = session.exec(select(func.max(StepRow.position)).where(StepRow.scan == row.scan)).one()
            row.position = 0 if last is None else last + 1
            row.document = _text(result.step, result.found)
            _write_seen(session, row.scan, row.step, result)

    def keep(self, data: bytes) -> Digest:
        """Keep a capture and return its digest."""
        return self._captures.keep(data)

    def _row(self, session: Session, step: Step) -> StepRow:
        """The row of a step; the lease is held, so nobody else makes one."""
        key = plain.digest(step.key)
        row = session.get(StepRow, (self._lease.scan, key))
        if row is None:
            row = StepRow(scan=self._lease.scan, step=key, begun=0, document=_text(step, ()))
            session.add(row)
        return row


def committed(session: Session, scan: str) -> tuple[StepResult, ...]:
    """Return the committed steps of a scan, in the order of their commit."""
    attempts: dict[str, list[Attempt]] = defaultdict(list)
    tried = select(AttemptRow).where(AttemptRow.scan == scan).order_by(col(AttemptRow.position))
    for attempt in session.exec(tried):
        attempts[attempt.step].append(plain.read(attempt.document, Attempt))
    seen = observations.by_step(session, scan)
    done = select(StepRow).where(StepRow.scan == scan, col(StepRow.position).is_not(None))
    results = []
    for row in session.exec(done.order_by(col(StepRow.position))):
        step, found = plain.read(row.document, tuple[Step, tuple[Asset, ...]])
        results.append(
            StepResult(
                step=step,
                observations=tuple(seen[row.step]),
                attempts=tuple(attempts[row.step]),
                found=found,
            )
        )
    return tuple(results)


def write_step(session: Session, scan: str, position: int, result: StepResult) -> None:
    """Record a step that was committed elsewhere."""
    key = plain.digest(result.step.key)
    text = _text(result.step, result.found)
    session.add(StepRow(scan=scan, step=key, begun=1, position=position, document=text))
    session.flush()
    _write_seen(session, scan, key, result)


def _write_seen(session: Session, scan: str, step: str, result: StepResult) -> None:
    key = {"scan": scan, "step": step}
    for position, seen in enumerate(result.observations):
        text = observations.write(seen)
        session.add(ObservationRow(**key, position=position, kind=seen.fact.kind, document=text))
    for position, attempt in enumerate(result.attempts):
        session.add(AttemptRow(**key, position=position, document=_attempt(attempt)))


def _text(step: Step, found: tuple[Asset, ...]) -> str:
    return plain.canonical([plain.data_of(step), [plain.data_of(asset) for asset in found]])


def _attempt(attempt: Attempt) -> str:
    """The text of an attempt; its detail may quote bytes that are no text."""
    return plain.write(replace(attempt, detail=attempt.detail.encode("utf-8", "backslashreplace").decode()))
