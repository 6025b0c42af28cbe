"""Names that another tool's file lists, with what it says of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from probes.interface import AssetKind, Fact, FoundIn, Lead, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedName:
    """A name, an address or a network as listed (canonical), the issuer and the end of its last certificate if told."""

    text: str
    issuer: str = ""
    not_after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesListed(Fact):
    """The names of a file, sorted, without doubles. ``refused`` counts entries that are no name and no address."""

    kind: ClassVar[str] = "import.names"
    seen_by: ClassVar[str] = "import"
    part: ClassVar[Part] = Part.IMPORT
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.FILE})

    found_in: FoundIn
    names: tuple[ListedName, ...]
    refused: int = 0

    def leads(self) -> Iterable[Lead]:
        """Return every name."""
        return tuple(Lead(text=name.text, found_in=self.found_in) for name in self.names)
