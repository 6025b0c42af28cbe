"""A file taken in: a register in the place of the one before, or a list of one's own that completes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from reports.words import Words
from scanner.finess import own
from scanner.finess.read import parse
from scanner.store.store import Store

#: Numbers that are told by name; the rest is counted.
_TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came of a file: the establishments it told of, its date (None of a list of one's own), its groups (GHT).

    ``doubtful`` are the numbers whose key is wrong, which are kept; ``unknown`` those that the register does not have.
    """

    entries: int
    dated: date | None = None
    groups: int = 0
    doubtful: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def take(store: Store, name: Path, data: bytes, today: date) -> Taken:
    """Take in the unfolded content of a file of that name; raise ``FinessError``, and keep what was there before."""
    if own.is_own(data):
        told = own.read(name, data)
        unknown = store.register.complete({line.number: (line.ght, line.beds) for line in told}, name.name)
        return Taken(entries=len(told) - len(unknown), unknown=unknown)
    found = parse(name, data, today)
    number = store.register.replace(found.entries, name.name, found.dated.isoformat())
    groups = len({entry.ght for entry in found.entries if entry.ght})
    return Taken(entries=number, dated=found.dated, groups=groups, doubtful=found.doubtful)


def told(taken: Taken, w: Words) -> tuple[str, tuple[str, ...]]:
    """Return what came of it in one sentence, and a sentence for each thing to look at."""
    if taken.dated is None:
        said = w.count("finess.completed", taken.entries)
    else:
        said = w.count("finess.imported", taken.entries, day=w.date(taken.dated))
        said += w("finess.groups", told=w.count("finess.group", taken.groups)) if taken.groups else ""
    doubts = [_doubt(w, "finess.doubtful", taken.doubtful), _doubt(w, "finess.unknown", taken.unknown)]
    return said, tuple(doubt for doubt in doubts if doubt)


def _doubt(w: Words, key: str, numbers: Sequence[str]) -> str:
    listed = ", ".join(numbers[:_TOLD]) + (", …" if len(numbers) > _TOLD else "")
    return w.count(key, len(numbers), numbers=listed) if numbers else ""
