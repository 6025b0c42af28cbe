"""The former flat file (``etalab-cs1100502``, and ``cs1100507`` with coordinates): no header, 32 columns, till 2026.

Its layout was read in its published editions; the department stands in the 14th column, the category in the 19th.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from rules.territory import region_of
from scanner.finess.number import FinessError, checked
from scanner.store.register import Registered

#: Columns of a row: ``structureet`` and 31 more.
_COLUMNS = 32
#: Rows of the edition with coordinates that say nothing here.
_PASSED = {"geolocalisation"}


def read(path: Path, data: bytes) -> tuple[date, list[Registered]]:
    """Return the date of the first line, and the establishments; old editions are windows-1252."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    rows = csv.reader(io.StringIO(text), delimiter=";")
    try:
        head = next(rows, [])
        if head[:2] != ["finess", "etalab"] or len(head) < 4:
            raise FinessError(f"{path}: the first line is not finess;etalab;…; expected etalab-cs1100502-stock-….csv")
        try:
            dated = date.fromisoformat(head[3].strip())
        except ValueError:
            raise FinessError(f"{path}: the first line has no date") from None
        return dated, list(_structures(path, rows))
    except csv.Error as error:
        raise FinessError(f"{path}, line {rows.line_num}: {error}; download it again") from error


def _structures(path: Path, rows: Iterator[list[str]]) -> Iterator[Registered]:
    entities: set[str] = set()
    for line, row in enumerate(rows, 2):
        if not row or row[0] in _PASSED:
            continue
        where = f"{path}, line {line}"
        if row[0] != "structureet":
            raise FinessError(
                f"{where}: a row of kind {row[0][:40]!r}; this is not the file of establishments (cs1100502)"
            )
        if len(row) != _COLUMNS:
            raise FinessError(f"{where}: {len(row)} columns, {_COLUMNS} expected")
        site, entity, department = checked(row[1], where), checked(row[2], where), row[13].strip()
        region = region_of(department)
        if entity not in entities:
            entities.add(entity)
            yield Registered(number=entity, entity=entity, name=row[4] or row[3], department=department, region=region)
        yield Registered(
            number=site,
            entity=entity,
            name=row[4] or row[3],
            category=row[18],
            category_name=row[19],
            department=department,
            region=region,
        )
