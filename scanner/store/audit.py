"""The audit log: events in a chain, h(n) = SHA-256(h(n-1) || canonical(event)), so that a change shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from scanner.store.database import Database
from scanner.store.plain import canonical, digest
from scanner.store.tables import AuditRow

#: What the first event is chained to.
ORIGIN = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """Something a person or a command did; ``about`` is plain data, ``digest`` the chain up to this event."""

    position: int
    at: datetime
    actor: str
    event: str
    about: Mapping[str, str | int]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLink:
    """A row of the chain as evidence shows it: ``digest`` is the SHA-256 of ``previous`` and ``document``."""

    position: int
    previous: str
    digest: str
    document: str
    event: str
    about: Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditBreak:
    """The first row that is not what it was: its position, and what is wrong with it."""

    position: int
    fault: str


class Audit:
    """Writes within the transaction of what it records, and reads the chain again."""

    def __init__(self, database: Database, clock: Callable[[], datetime], actor: str) -> None:
        self._database = database
        self._clock = clock
        self.actor = actor

    def note(self, event: str, **about: str | int) -> None:
        """Record an event that changes nothing else in the store, such as an export."""
        with self._database.write() as session:
            self.append(session, event, **about)

    def append(self, session: Session, event: str, **about: str | int) -> None:
        """Record an event in the transaction of what it is about."""
        self._database.lock(session, "audit")
        session.flush()
        last = session.exec(select(AuditRow).order_by(col(AuditRow.position).desc()).limit(1)).first()
        position, previous = (last.position + 1, last.digest) if last else (1, ORIGIN)
        text = canonical(
            {
                "about": about,
                "actor": self.actor,
                "at": self._clock().isoformat(),
                "event": event,
                "position": position,
            }
        )
        session.add(AuditRow(position=position, previous=previous, digest=digest(previous + text), document=text))
        session.flush()

    def events(self) -> tuple[AuditEvent, ...]:
        """Return every event, oldest first."""
        with self._database.read() as session:
            return tuple(_event(row) for row in _rows(session))

    def recent(self, limit: int, before: int = 0) -> tuple[AuditEvent, ...]:
        """Return the last events, or the last before a position, newest first."""
        wanted = select(AuditRow).order_by(col(AuditRow.position).desc()).limit(limit)
        if before:
            wanted = wanted.where(col(AuditRow.position) < before)
        with self._database.read() as session:
            return tuple(_event(row) for row in session.exec(wanted))

    def links(self) -> tuple[AuditLink, ...]:
        """Return every row of the chain, oldest first."""
        with self._database.read() as session:
            return tuple(_link(row) for row in _rows(session))

    def verify(self, anchor: tuple[int, str] | None = None) -> AuditBreak | None:
        """Return the first broken row, or None. ``anchor`` is a (position, digest) noted elsewhere.

        Only an anchor shows that the end of the log was cut off, or all of it written anew.
        """
        position, previous, known = 0, ORIGIN, {0: ORIGIN}
        with self._database.read() as session:
            for row in _rows(session):
                fault = _fault(row, position + 1, previous)
                if fault:
                    return AuditBreak(position=min(row.position, position + 1), fault=fault)
                position, previous = row.position, row.digest
                if anchor and position == anchor[0]:
                    known[position] = previous
        if anchor and known.get(anchor[0]) != anchor[1]:
            fault = "differs from what was noted" if anchor[0] in known else "the log ends before it"
            return AuditBreak(position=anchor[0], fault=fault)
        return None


def _rows(session: Session) -> Iterator[AuditRow]:
    return iter(session.exec(select(AuditRow).order_by(col(AuditRow.position))))


def _fault(row: AuditRow, position: int, previous: str) -> str:
    if row.position != position:
        return "a row is missing"
    if row.previous != previous:
        return "not chained to the row before"
    if row.digest != digest(previous + row.document):
        return "its content was changed"
    return ""


def _event(row: AuditRow) -> AuditEvent:
    data = json.loads(row.document)
    return AuditEvent(
        position=row.position,
        at=datetime.fromisoformat(data["at"]),
        actor=data["actor"],
        event=data["event"],
        about=data["about"],
        digest=row.digest,
    )


def _link(row: AuditRow) -> AuditLink:
    data = json.loads(row.document)
    return AuditLink(
        position=row.position,
        previous=row.previous,
        digest=row.digest,
        document=row.document,
        event=data["event"],
        about=data["about"],
    )
