"""Reads the feeds: every snapshot shipped beside this module, replaced by the files that the configuration names."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from rules.subject import Feed
from scanner.config.load import ConfigError, Settings

#: Largest snapshot read, in bytes.
_LARGEST = 64 << 20


def feeds(settings: Settings) -> tuple[Feed, ...]:
    """Return every feed by the order of its name; raise ``ConfigError`` for a file that cannot be used."""
    chosen = settings.file.feeds.files
    shipped = {path.name.removesuffix(".toml"): path for path in (files("scanner.feeds")).iterdir()}
    shipped = {name: path for name, path in shipped.items() if path.name.endswith(".toml")}
    if unknown := chosen.keys() - shipped.keys():
        known = ", ".join(sorted(shipped))
        raise ConfigError(f"{settings.path}, feeds.files.{min(unknown)}: no feed is called so; known: {known}")
    found = []
    for name in sorted(shipped):
        if name in chosen:
            path = settings.folder / chosen[name]
            found.append(_feed(str(path), name, _bytes(path)))
        else:
            found.append(_feed(f"{name}.toml", name, shipped[name].read_bytes()))
    return tuple(found)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a feed file that exists, or remove the line") from error
    if len(data) > _LARGEST:
        raise ConfigError(f"{path}: larger than {_LARGEST >> 20} MiB; this is no feed")
    return data


def _feed(place: str, name: str, data: bytes) -> Feed:
    try:
        table = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{place}: {error}") from error
    dated, age = table.pop("dated", None), table.pop("maximum_age_days", 400)
    if table.pop("name", None) != name:
        raise ConfigError(f'{place}: a feed begins with its name; write name = "{name}"')
    if not isinstance(dated, date) or not isinstance(age, int):
        raise ConfigError(f"{place}: a feed is dated; write dated = 2026-08-22, and maximum_age_days as a whole number")
    return Feed(
        name=name, dated=dated, digest=hashlib.sha256(data).hexdigest(), data=_plain(table), maximum_age_days=age
    )


def _plain(table: Mapping[str, Any]) -> dict[str, Any]:
    """The table as the store keeps it: dates as text."""
    plain: dict[str, Any] = json.loads(json.dumps(table, default=_text))
    return plain


def _text(value: object) -> str:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(f"a feed holds text, numbers and dates, not {type(value).__name__}")
