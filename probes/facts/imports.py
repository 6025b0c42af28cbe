"""What a person imported: a file of another tool, by its digest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from probes.interface import AssetKind, Digest, Fact, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFile(Fact):
    """A file, folder or archive that was imported.

    ``tool`` is the kind of import; ``name`` the base name given (hostile text); ``size`` in bytes. ``made_at`` is the
    instant its content is of, and ``dated`` where that comes from: ``person``, ``file`` (its modification date) or
    ``content``. ``declared_whole`` is True when the person said that nothing is missing, the format being silent on it.
    """

    kind: ClassVar[str] = "import.file"
    seen_by: ClassVar[str] = "import"
    part: ClassVar[Part] = Part.IMPORT
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.FILE})

    tool: str
    name: str
    sha256: Digest
    size: int
    made_at: datetime
    dated: str
    declared_whole: bool = False
