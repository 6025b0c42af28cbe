"""The FINESS register as it was imported: establishments by number, and the GHT they belong to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import insert
from sqlmodel import Session, col, delete, func, select

from scanner.store import plain
from scanner.store.audit import Audit
from scanner.store.database import Database
from scanner.store.service_tables import EstablishmentRow

#: Rows written at once.
_BATCH = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """An establishment: its FINESS number, that of its legal entity (its own for an entity), and what it is.

    ``category`` is the FINESS category code, ``region`` an INSEE code, ``ght`` the name of its group or "";
    ``own_ght`` and ``beds`` were told by a list of one's own: no register tells beds.
    """

    number: str
    entity: str
    name: str
    category: str = ""
    category_name: str = ""
    department: str = ""
    region: str = ""
    ght: str = ""
    closed: bool = False
    own_ght: str = ""
    beds: int | None = None

    @property
    def group(self) -> str:
        """The name of its group: as one's own list says, else as the register does."""
        return self.own_ght or self.ght


class Register:
    """Replaced whole by each import; perimeters refer to it by FINESS number."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def replace(self, entries: Iterable[Registered], source: str, dated: str) -> int:
        """Put a new register in the place of the old one, and return how many entries it has.

        What one's own list told of an establishment stays with it.
        """
        with self._database.write() as session:
            self._database.lock(session, "register")
            told = {e.number: e for e in _all(session) if e.own_ght or e.beds is not None}
            kept = [
                replace(entry, own_ght=own.own_ght, beds=own.beds) if (own := told.get(entry.number)) else entry
                for entry in entries
            ]
            _put(session, kept)
            self._audit.append(session, "register-imported", source=source, dated=dated, entries=len(kept))
        return len(kept)

    def complete(self, told: Mapping[str, tuple[str, int | None]], source: str) -> tuple[str, ...]:
        """Tell groups and beds by number, in the place of what was told before; return the numbers not in the register.

        A group told of a legal entity is that of its sites too, unless they have their own.
        """
        with self._database.write() as session:
            self._database.lock(session, "register")
            known = _all(session)
            _put(session, [_told(entry, told) for entry in known])
            unknown = tuple(sorted(told.keys() - {entry.number for entry in known}))
            number = len(told) - len(unknown)
            self._audit.append(session, "register-completed", source=source, entries=number)
        return unknown

    def count(self) -> int:
        """Return how many establishments the register has."""
        with self._database.read() as session:
            return int(session.exec(select(func.count()).select_from(EstablishmentRow)).one())

    def of(self, numbers: Collection[str]) -> dict[str, Registered]:
        """Return the entries of some FINESS numbers."""
        wanted = select(EstablishmentRow.document).where(col(EstablishmentRow.number).in_(numbers))
        with self._database.read() as session:
            found = [plain.read(text, Registered) for text in session.exec(wanted)]
        return {entry.number: entry for entry in found}

    def sites(self, entity: str) -> tuple[Registered, ...]:
        """Return the sites of a legal entity, by number."""
        wanted = select(EstablishmentRow.document).where(EstablishmentRow.entity == entity)
        with self._database.read() as session:
            found = [plain.read(text, Registered) for text in session.exec(wanted)]
        return tuple(sorted((e for e in found if e.number != entity), key=lambda e: e.number))


def _told(entry: Registered, told: Mapping[str, tuple[str, int | None]]) -> Registered:
    ght, beds = told.get(entry.number, ("", None))
    return replace(entry, own_ght=ght or told.get(entry.entity, ("", None))[0], beds=beds)


def _all(session: Session) -> list[Registered]:
    return [plain.read(text, Registered) for text in session.exec(select(EstablishmentRow.document))]


def _put(session: Session, entries: Iterable[Registered]) -> None:
    rows = [
        {
            "number": entry.number,
            "entity": entry.entity,
            "ght": plain.column(entry.group),
            "region": entry.region,
            "document": plain.write(entry),
        }
        for entry in entries
    ]
    session.exec(delete(EstablishmentRow))
    for start in range(0, len(rows), _BATCH):
        session.execute(insert(EstablishmentRow), rows[start : start + _BATCH])
