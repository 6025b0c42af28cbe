"""The FINESS register read from its files: the former flat file (``etalab``), and the daily JSON of the ANS."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from scanner.store.register import Registered

#: Largest file read, and largest text it may unfold to, in bytes.
_LARGEST, _UNFOLDED = 256 << 20, 1 << 30
#: Columns of the flat file: ``structureet`` and 31 more.
_COLUMNS = 32
#: An older register describes establishments that have merged or moved since.
_OLDEST = timedelta(days=400)
_NUMBER = re.compile(r"[0-9][0-9AB][0-9]{7}")
_OF_NAME = re.compile(r"(20\d\d)-?(\d\d)-?(\d\d)")


class FinessError(Exception):
    """The file is no register that can be used; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A register: its date, its entries, and the numbers whose key is wrong (kept, and told)."""

    dated: date
    entries: tuple[Registered, ...]
    doubtful: tuple[str, ...]


def key_holds(number: str) -> bool:
    """Tell whether the last digit is the Luhn key of the others; the letter of Corsica is read as 1."""
    digits = [int(c) for c in re.sub("[AB]", "1", number)]
    doubled = [sum(divmod(2 * d, 10)) if place % 2 else d for place, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def read(path: Path, today: date) -> Read:
    """Return the register of a file; raise ``FinessError``."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise FinessError(f"{path}: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise FinessError(f"{path}: larger than {_LARGEST >> 20} MiB; this is no FINESS file")
    data = _unfolded(path, data)
    dated, entries = _json(path, data) if data.lstrip()[:1] in {b"{", b"["} else _flat(path, data)
    if dated > today:
        raise FinessError(f"{path}: dated {dated}, which is to come; check the clock, or the file")
    if today - dated > _OLDEST:
        raise FinessError(
            f"{path}: this register is of {dated.year} ({dated}); download the current one from data.gouv.fr"
        )
    wrong = next((e.number for e in entries if not _NUMBER.fullmatch(e.number)), None)
    if wrong is not None:
        raise FinessError(f"{path}: {wrong!r} is no FINESS number (9 characters)")
    once = {entry.number: entry for entry in entries}
    return Read(dated=dated, entries=tuple(once.values()), doubtful=tuple(sorted(n for n in once if not key_holds(n))))


def _unfolded(path: Path, data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        with gzip.open(io.BytesIO(data)) as file:
            whole = file.read(_UNFOLDED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FinessError(f"{path}: the compressed file is damaged; download it again") from error
    if len(whole) > _UNFOLDED:
        raise FinessError(f"{path}: unfolds to more than {_UNFOLDED >> 30} GiB; this is no FINESS file")
    return whole


def _flat(path: Path, data: bytes) -> tuple[date, list[Registered]]:
    """The flat file: a first line with the date, then rows without header; old editions are windows-1252."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    rows = csv.reader(io.StringIO(text), delimiter=";")
    head = next(rows, [])
    if head[:2] != ["finess", "etalab"] or len(head) < 4:
        raise FinessError(f"{path}: the first line is not finess;etalab;…; expected etalab-cs1100502-stock-….csv")
    try:
        dated = date.fromisoformat(head[3].strip())
    except ValueError:
        raise FinessError(f"{path}: the first line has no date") from None
    return dated, list(_structures(path, rows))


def _structures(path: Path, rows: Iterator[list[str]]) -> Iterator[Registered]:
    entities: set[str] = set()
    for line, row in enumerate(rows, 2):
        if row[:1] != ["structureet"]:
            continue
        if len(row) != _COLUMNS:
            raise FinessError(f"{path}, line {line}: {len(row)} columns, {_COLUMNS} expected")
        site, entity = row[1], row[2]
        if entity not in entities:
            entities.add(entity)
            yield Registered(number=entity, entity=entity, name=row[4] or row[3], department=row[13])
        yield Registered(
            number=site,
            entity=entity,
            name=row[4] or row[3],
            category=row[18],
            category_name=row[19],
            department=row[13],
        )


def _json(path: Path, data: bytes) -> tuple[date, list[Registered]]:
    """The daily JSON (ansforge/finess): legal entities with their sites; its date is in its name."""
    found = _OF_NAME.search(path.name)
    if found is None:
        raise FinessError(f"{path}: the name tells no date; keep the name it was published under")
    try:
        tree = json.loads(data)
        dated = date(*map(int, found.groups()))
    except ValueError as error:
        raise FinessError(f"{path}: {error}") from error
    entities = tree.get("pmej") if isinstance(tree, dict) else None
    if not isinstance(entities, list):
        raise FinessError(f"{path}: no list of legal entities (pmej); is it the FINESS file of the ANS?")
    try:
        return dated, [entry for entity in entities for entry in _entity(entity)]
    except (KeyError, TypeError, AttributeError) as error:
        raise FinessError(f"{path}: a legal entity lacks {error}") from error


def _entity(tree: dict[str, Any]) -> Iterator[Registered]:
    about = tree["informationsGeneralesPMEJ"]
    number = str(about["numFinessPm"])
    yield Registered(number=number, entity=number, name=str(about.get("denominationPm") or number))
    for site in tree.get("ege") or ():
        general = site["informationsGeneralesEGE"]
        category = site.get("categorieentiteGeographiqueExercice") or general.get("categorieentiteGeographiqueExercice")
        yield Registered(
            number=str(general["numFinessEge"]),
            entity=number,
            name=str(general.get("nomEgeCourt") or general["numFinessEge"]),
            category=category if isinstance(category, str) else "",
        )
