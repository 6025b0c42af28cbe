"""A register from its file: recognised by what it holds, refused when it is of another year or of another kind."""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from scanner.finess import daily, flat
from scanner.finess.number import FinessError, key_holds
from scanner.store.register import Registered

#: Largest file read, and largest text it may unfold to, in bytes.
_LARGEST, _UNFOLDED = 256 << 20, 1 << 30
#: An older register describes establishments that have merged or moved since.
_OLDEST = timedelta(days=400)
#: Categories of hospitals, the fullest first: a legal entity is of the first that one of its open sites has (ours).
_HOSPITALS = ("101", "355", "292", "131", "106", "365", "128", "129", "109", "161", "362", "127", "141")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A register: its date, its entries, and the numbers whose key is wrong (kept, and told)."""

    dated: date
    entries: tuple[Registered, ...]
    doubtful: tuple[str, ...]


def parse(path: Path, data: bytes, today: date) -> Read:
    """Return the register of a file's unfolded content; raise ``FinessError``."""
    dated, entries = daily.read(path, data) if data.lstrip()[:1] in {b"{", b"["} else flat.read(path, data)
    if dated > today:
        raise FinessError(f"{path}: dated {dated}, which is to come; check the clock, or the file")
    if today - dated > _OLDEST:
        raise FinessError(
            f"{path}: this register is of {dated.year} ({dated}); download the current one from data.gouv.fr"
        )
    if not entries:
        raise FinessError(f"{path}: it holds no establishment; is it whole?")
    once = {entry.number: entry for entry in entries}
    return Read(
        dated=dated,
        entries=tuple(_categorised(once)),
        doubtful=tuple(sorted(n for n in once if not key_holds(n))),
    )


def content(path: Path) -> bytes:
    """Return the bytes of a file, unfolded when it is compressed (gzip); raise ``FinessError``."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise FinessError(f"{path}: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise FinessError(f"{path}: larger than {_LARGEST >> 20} MiB; this is no FINESS file")
    return unfolded(path, data)


def unfolded(path: Path, data: bytes, most: int = _UNFOLDED) -> bytes:
    """Return the bytes that a file holds, those within when it is compressed (gzip); raise ``FinessError``."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        with gzip.open(io.BytesIO(data)) as file:
            whole = file.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FinessError(f"{path}: the compressed file is damaged; download it again") from error
    if len(whole) > most:
        raise FinessError(f"{path}: unfolds to more than {most >> 20} MiB; this is no FINESS file")
    return whole


def _categorised(entries: dict[str, Registered]) -> list[Registered]:
    """The entries, each legal entity without category with that of its fullest hospital."""
    sites: dict[str, dict[str, str]] = {}
    for entry in entries.values():
        if entry.number != entry.entity and not entry.closed:
            sites.setdefault(entry.entity, {}).setdefault(entry.category, entry.category_name)
    found = []
    for entry in entries.values():
        own = sites.get(entry.number, {})
        category = next((code for code in _HOSPITALS if code in own), "")
        if entry.number == entry.entity and not entry.category and category:
            entry = replace(entry, category=category, category_name=own[category])
        found.append(entry)
    return found
