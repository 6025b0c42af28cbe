"""Writes security descriptors as a directory would store them, from a few words."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from uuid import UUID

from probes.facts.identifiers import sid_bytes

#: Masks of directory rights (MS-ADTS 5.1.3.2).
FULL, WRITE_DACL, WRITE_OWNER, GENERIC_WRITE, CONTROL, WRITE, SELF, READ = (
    0xF01FF, 0x40000, 0x80000, 0x40000000, 0x100, 0x20, 0x8, 0x20094,
)  # fmt: skip
CREATE, DELETE = 0x1, 0x2
INHERIT, ONLY_CHILDREN, FROM_PARENT = 0x02, 0x0A, 0x12


def ace(
    sid: str, mask: int, object_type: str = "", *, deny: bool = False, flags: int = 0, inherited_type: str = ""
) -> bytes:
    """Return one entry; an object one when it names a type."""
    present = (1 if object_type else 0) | (2 if inherited_type else 0)
    body = struct.pack("<I", mask)
    if present:
        body += struct.pack("<I", present)
        body += b"".join(UUID(guid).bytes_le for guid in (object_type, inherited_type) if guid)
    body += sid_bytes(sid)
    kind = (6 if deny else 5) if present else (1 if deny else 0)
    return struct.pack("<BBH", kind, flags, len(body) + 4) + body


def descriptor(
    owner: str, aces: Iterable[bytes] | None, *, protected: bool = False, group: str = "S-1-5-18", present: bool = True
) -> bytes:
    """Return a self-relative descriptor; no DACL when ``aces`` is None."""
    control = 0x8000 | (0x4 if present else 0) | (0x1000 if protected else 0)
    owner_bytes, group_bytes = sid_bytes(owner) if owner else b"", sid_bytes(group)
    dacl = b""
    if aces is not None:
        entries = list(aces)
        body = b"".join(entries)
        dacl = struct.pack("<BBHHH", 4, 0, len(body) + 8, len(entries), 0) + body
    at = 20
    places = []
    for part in (owner_bytes, group_bytes, b"", dacl):
        places.append(at if part else 0)
        at += len(part)
    return struct.pack("<BBHIIII", 1, 0, control, *places) + owner_bytes + group_bytes + dacl
