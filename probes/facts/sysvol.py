"""What was read of a domain's SYSVOL: its files, who may write them, and the contents that say a policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from probes.interface import AssetKind, Digest, Fact, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class SysvolFile:
    """One file or folder. ``path`` is relative to the domain's folder, with slashes, as the server spells it.

    ``descriptor`` is a place in the fact's ``descriptors``, -1 when it could not be read. ``content`` is the capture of
    what the file says, secrets taken out, "" when it was not read; ``secrets`` counts what was taken out.
    ``unread`` is why a content that was wanted is missing.
    """

    path: str
    folder: bool
    size: int
    descriptor: int
    content: Digest = ""
    secrets: int = 0
    unread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SysvolRead(Fact):
    """The SYSVOL share of one domain as one controller serves it (MS-GPOD, MS-SMB2).

    ``descriptors`` are the distinct self-relative descriptors (MS-DTYP 2.4.6: owner, group, DACL) in hexadecimal.
    ``dialect`` is the SMB revision. ``complete`` is False when a cap or the server cut it short, with the reason in
    ``cut``; ``requests``, ``bytes_read`` and ``seconds`` are the cost on the server.
    """

    kind: ClassVar[str] = "directory.sysvol"
    seen_by: ClassVar[str] = "directory-sysvol"
    part: ClassVar[Part] = Part.DIRECTORY
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.AD_DOMAIN})

    domain: str
    server: str
    address: str
    dialect: str
    signed: bool
    encrypted: bool
    files: tuple[SysvolFile, ...]
    descriptors: tuple[str, ...]
    requests: int
    bytes_read: int
    seconds: float
    complete: bool
    cut: str = ""
