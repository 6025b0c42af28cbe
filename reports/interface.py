"""What a format of a report is, and every format found by its place under `reports/formats`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files

from reports.dossier import Dossier
from rules.interface import Card

#: Objects that a format other than JSON and CSV shows of one finding; they say where the rest is.
SHOWN_OBJECTS = 50

Render = Callable[[Dossier, Mapping[str, Card], str], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A way to tell a dossier: file suffix, media type, and the function of dossier, cards and language."""

    suffix: str
    media_type: str
    render: Render


class ReportError(Exception):
    """A report could not be made."""


def names() -> tuple[str, ...]:
    """Return the name of every format, without importing any."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules([str(files("reports") / "formats")])))


def find(name: str) -> Format:
    """Return a format by its name."""
    found: Format = importlib.import_module(f"reports.formats.{name}").FORMAT
    return found
