"""Statements of a criteria set: each with its standing, its source, who entered it, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

Whole = Annotated[int, Field(strict=True, ge=0)]
Truth = Annotated[bool, Field(strict=True)]


class Standing(StrEnum):
    """Where a statement of a set comes from; ``ours`` is a choice of Hygie's, never an authority's."""

    OFFICIAL = "official"
    SECONDARY = "secondary"
    UNVERIFIED = "unverified"
    OURS = "ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A sentence or a label in French and in English."""

    fr: str
    en: str

    def in_(self, language: str) -> str:
        """Return the words in ``fr`` or ``en``."""
        return self.en if language == "en" else self.fr


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a statement comes from: ``source`` is a key of the set's sources; who entered it, and when."""

    status: Standing
    source: str = ""
    by: str = ""
    on: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label(Origin):
    """A label, with its origin; ``official`` means that its meaning was read, not its exact words."""

    fr: str
    en: str

    @property
    def text(self) -> Text:
        """The words alone."""
        return Text(fr=self.fr, en=self.en)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code(Origin):
    """The code of an authority, such as ``D1.O2.B``, or "" when none was read."""

    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag(Origin):
    """A yes or no, with its origin."""

    value: Truth


class Comparator(StrEnum):
    """How a measure is held to its target."""

    AT_LEAST = ">="
    AT_MOST = "<="
    EQUAL = "=="


@dataclass(frozen=True, slots=True, kw_only=True)
class Target(Origin):
    """What a measure is held to; ``value`` is None while nobody has read it."""

    op: Comparator = Comparator.AT_LEAST
    value: Whole | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Days(Origin):
    """A span between two dates, in days, both ends inclusive; ``tolerance`` days beyond it warn and do not fail."""

    min: Whole = 0
    max: Whole | None = None
    tolerance: Whole = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditType(Origin):
    """A kind of audit that counts: the type of an attestation, or ``hygie`` for the scans of this tool."""

    type: str
