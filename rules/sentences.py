"""The sentences of scoring in French and English, from ``sentences.toml``; dates as each language writes them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

from rules.origins import Text

Quoted = str | int | date | Text


def sentence(key: str, /, **values: Quoted) -> Text:
    """Return the sentence of a key; ``{s}`` is the plural mark of the value ``count``."""
    words = _words()[key]
    return Text(fr=words["fr"].format(**_french(values)), en=words["en"].format(**_english(values)))


def joined(*texts: Text, by: str = " ") -> Text:
    """Return sentences in a row; empty ones are left out."""
    return Text(fr=by.join(t.fr for t in texts if t.fr), en=by.join(t.en for t in texts if t.en))


def _french(values: Mapping[str, Quoted]) -> dict[str, str]:
    count = values.get("count")
    plural = {"s": "s" if isinstance(count, int) and count > 1 else ""}
    return plural | {name: _in_french(value) for name, value in values.items()}


def _in_french(value: Quoted) -> str:
    if isinstance(value, Text):
        return value.fr
    return value.strftime("%d/%m/%Y") if isinstance(value, date) else str(value)


def _english(values: Mapping[str, Quoted]) -> dict[str, str]:
    plural = {"s": "" if values.get("count") == 1 else "s"}
    return plural | {name: v.en if isinstance(v, Text) else str(v) for name, v in values.items()}


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files("rules") / "sentences.toml").read_text())
