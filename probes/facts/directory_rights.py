"""What an audit account may read of a directory, object by object, before anything is concluded from absence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from probes.interface import AssetKind, Fact, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectReach:
    """One object that points depend on: whether it came, with its descriptor, and how many children were shown.

    ``key`` is a word of ours (``pso``, ``deleted``…); a directory does not say whether it hides an object or lacks it.
    """

    key: str
    dn: str
    found: bool
    descriptor: bool
    children: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryRights(Fact):
    """The reach of the account a directory is read with; ``sids`` are those of its token.

    ``sysvol`` is why the SYSVOL share could not be opened, "" when it could.
    """

    kind: ClassVar[str] = "directory.rights"
    seen_by: ClassVar[str] = "directory-rights"
    part: ClassVar[Part] = Part.DIRECTORY
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.CONTROLLER})

    server: str
    domain: str
    sids: tuple[str, ...]
    reaches: tuple[ObjectReach, ...]
    sysvol: str
