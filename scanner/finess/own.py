"""A list of one's own that completes the register: ``finess;ght;lits``, a header and a row an establishment.

FINESS tells neither beds nor, in its flat file, hospital groups. Either column may be missing, and a cell empty.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from scanner.finess.number import FinessError, checked

#: Columns by the names they may bear.
_NAMES = {"finess": "finess", "ght": "ght", "lits": "beds", "beds": "beds"}
#: No hospital has more beds.
_MOST = 20_000
#: Bytes in which a header is looked for.
_HEADER = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What the list says of an establishment: its group ("" when it does not say), and its beds and places."""

    number: str
    ght: str
    beds: int | None


def is_own(data: bytes) -> bool:
    """Tell whether a content is such a list rather than a register."""
    return "finess" in (header := _header(_text(data[:_HEADER].partition(b"\n")[0]))) and (
        "ght" in header or "beds" in header
    )


def read(path: Path, data: bytes) -> tuple[Completed, ...]:
    """Return what the list of a file says, in its order; raise ``FinessError`` with the line that is wrong."""
    text = _text(data)
    header, found = _header(text), dict[str, Completed]()
    rows = csv.reader(io.StringIO(text), delimiter=";")
    try:
        next(rows, [])
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            where = f"{path}, line {rows.line_num}"
            if len(row) != len(header):
                raise FinessError(f"{where}: {len(row)} columns, {len(header)} expected (separator ;)")
            cells = dict(zip(header, map(str.strip, row), strict=True))
            number = checked(cells["finess"], where)
            if number in found:
                raise FinessError(f"{where}: {number} stands twice; keep one of its lines")
            found[number] = Completed(number=number, ght=cells.get("ght", ""), beds=_beds(cells.get("beds", ""), where))
    except csv.Error as error:
        raise FinessError(f"{path}, line {rows.line_num}: {error}") from error
    return tuple(found.values())


def _beds(text: str, where: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) > _MOST:
        raise FinessError(f"{where}: {text[:40]!r} is no number of beds (0 to {_MOST}); leave it empty when unknown")
    return int(text)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _header(text: str) -> list[str]:
    names = [name.strip().lower() for name in text.partition("\n")[0].split(";")]
    return [_NAMES.get(name, name) for name in names]
