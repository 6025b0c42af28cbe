"""What a format is, and every format found by its place: of a dossier, or of a comparison of many perimeters."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import TYPE_CHECKING, Generic, TypeVar

from rules.interface import Card

if TYPE_CHECKING:
    from reports.comparison import Comparison
    from reports.dossier import Dossier

#: Objects that a format other than JSON and CSV shows of one finding; they say where the rest is.
SHOWN_OBJECTS = 50

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format(Generic[T]):
    """A way to tell something: file suffix, media type, and the function of the thing, the cards and the language."""

    suffix: str
    media_type: str
    render: Callable[[T, Mapping[str, Card], str], bytes]


class ReportError(Exception):
    """A report could not be made."""


class Folder(StrEnum):
    """Where formats are: those of one dossier, and those of a comparison."""

    FORMATS = "formats"
    COMPARISONS = "comparisons"


def names(folder: Folder = Folder.FORMATS) -> tuple[str, ...]:
    """Return the name of every format of a folder, without importing any."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules([str(files("reports") / folder.value)])))


def find(name: str) -> Format[Dossier]:
    """Return a format of dossiers by its name."""
    found: Format[Dossier] = importlib.import_module(f"reports.formats.{name}").FORMAT
    return found


def find_comparison(name: str) -> Format[Comparison]:
    """Return a format of comparisons by its name."""
    found: Format[Comparison] = importlib.import_module(f"reports.comparisons.{name}").FORMAT
    return found
