"""The declarations: sections of the configuration that were entered on screen, beside those of the file."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlmodel import col, select

from scanner.store import plain
from scanner.store.audit import Audit
from scanner.store.database import Database
from scanner.store.errors import UnknownEntryError
from scanner.store.service_tables import DeclarationRow

#: The kinds that may be declared, by table of the file, with the key that names each entry.
KEYS = {"mandates": "reference", "directories": "name", "perimeters": "id", "schedules": "id"}


class Declarations:
    """Plain tables, validated by the configuration's own schema before they come here."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def all(self) -> Mapping[str, list[dict[str, Any]]]:
        """Return the declared tables by kind, each list by id."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        wanted = select(DeclarationRow).order_by(col(DeclarationRow.kind), col(DeclarationRow.id))
        with self._database.read() as session:
            for row in session.exec(wanted):
                found[row.kind].append(json.loads(row.document))
        return dict(found)

    def declare(self, kind: str, table: Mapping[str, Any]) -> None:
        """Keep a table, in the place of an earlier one of the same id."""
        id = str(table[KEYS[kind]])
        text = plain.canonical(table)
        with self._database.write() as session:
            self._database.lock(session, f"declaration {kind} {id}")
            row = session.get(DeclarationRow, (kind, id))
            if row is None:
                session.add(DeclarationRow(kind=kind, id=id, document=text))
            else:
                row.document = text
            self._audit.append(session, "declared", kind=kind, id=id, digest=plain.digest(text))

    def withdraw(self, kind: str, id: str) -> None:
        """Remove a table."""
        with self._database.write() as session:
            row = session.get(DeclarationRow, (kind, id))
            if row is None:
                raise UnknownEntryError(f"nothing of this name was entered on screen: {kind} {id}")
            session.delete(row)
            self._audit.append(session, "withdrawn", kind=kind, id=id, digest=plain.digest(row.document))
