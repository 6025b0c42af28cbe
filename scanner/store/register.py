"""The FINESS register as it was imported: establishments by number, and the GHT they belong to."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import insert
from sqlmodel import col, delete, select

from scanner.store import plain
from scanner.store.audit import Audit
from scanner.store.database import Database
from scanner.store.service_tables import EstablishmentRow

#: Rows written at once.
_BATCH = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """An establishment: its FINESS number, that of its legal entity (its own for an entity), and what it is.

    ``category`` is the FINESS category code, ``region`` an INSEE code, ``ght`` the name of its group or "".
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


class Register:
    """Replaced whole by each import; perimeters refer to it by FINESS number."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def replace(self, entries: Iterable[Registered], source: str, dated: str) -> int:
        """Put a new register in the place of the old one, and return how many entries it has."""
        rows = [
            {
                "number": entry.number,
                "entity": entry.entity,
                "ght": plain.column(entry.ght),
                "region": entry.region,
                "document": plain.write(entry),
            }
            for entry in entries
        ]
        with self._database.write() as session:
            self._database.lock(session, "register")
            session.exec(delete(EstablishmentRow))
            for start in range(0, len(rows), _BATCH):
                session.execute(insert(EstablishmentRow), rows[start : start + _BATCH])
            self._audit.append(session, "register-imported", source=source, dated=dated, entries=len(rows))
        return len(rows)

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
