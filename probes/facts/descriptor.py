"""Security descriptors as a directory stores them: self-relative bytes (MS-DTYP 2.4.6) to owner and DACL, checked."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from probes.facts.identifiers import sid_text

#: Control bits (MS-DTYP 2.4.6).
DACL_PRESENT, DACL_PROTECTED, SELF_RELATIVE = 0x0004, 0x1000, 0x8000
#: ACE flags (MS-DTYP 2.4.4.1).
OBJECT_INHERIT, CONTAINER_INHERIT, NO_PROPAGATE, INHERIT_ONLY, INHERITED = 0x01, 0x02, 0x04, 0x08, 0x10
_HEAD, _ACL = struct.Struct("<BBHIIII"), struct.Struct("<BBHHH")
#: ACE types that grant or deny access: allowed, denied, their object forms, and the conditional (callback) ones.
_PLAIN, _OBJECT = {0x00: False, 0x01: True, 0x09: False, 0x0A: True}, {0x05: False, 0x06: True, 0x0B: False, 0x0C: True}
_CONDITIONAL = frozenset({0x09, 0x0A, 0x0B, 0x0C})


class DescriptorError(ValueError):
    """Bytes that are not a whole self-relative security descriptor."""


@dataclass(frozen=True, slots=True)
class Ace:
    """One entry of a DACL that grants or denies access.

    ``object_type`` (a right, a property, a property set or a class) and ``inherited_type`` (the class that inherits)
    are GUIDs in lower case, "" where the entry names none. ``conditional`` entries hold only under an expression.
    """

    deny: bool
    flags: int
    mask: int
    sid: str
    object_type: str = ""
    inherited_type: str = ""
    conditional: bool = False

    @property
    def inherited(self) -> bool:
        """Came from a parent."""
        return bool(self.flags & INHERITED)

    @property
    def inherit_only(self) -> bool:
        """Says nothing of the object itself, only of its children."""
        return bool(self.flags & INHERIT_ONLY)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Owner, group and DACL of an object; SIDs as text, "" where none is given.

    ``dacl`` is None when there is no DACL at all, which lets everyone do everything; an empty one lets nobody.
    """

    control: int
    owner: str
    group: str
    dacl: tuple[Ace, ...] | None

    @property
    def protected(self) -> bool:
        """Takes no inheritance from its parent."""
        return bool(self.control & DACL_PROTECTED)


def parse_descriptor(data: bytes) -> Descriptor:
    """Return the descriptor of self-relative bytes; raise ``DescriptorError`` when they are cut or not well formed.

    Entries of kinds that neither grant nor deny (audit, labels, resource attributes) are left out.
    """
    if len(data) < _HEAD.size:
        raise DescriptorError(f"{len(data)} bytes are no descriptor")
    revision, _, control, owner, group, _, dacl = _HEAD.unpack_from(data)
    if revision != 1 or not control & SELF_RELATIVE:
        raise DescriptorError("not a self-relative descriptor of revision 1")
    entries = _dacl(data, dacl) if control & DACL_PRESENT and dacl else None
    return Descriptor(control, _sid_at(data, owner), _sid_at(data, group), entries)


def _sid_at(data: bytes, at: int) -> str:
    if not at:
        return ""
    if at + 8 > len(data):
        raise DescriptorError(f"a SID passes the end at byte {at}")
    return _sid(data[at : at + 8 + 4 * data[at + 1]])


def _dacl(data: bytes, at: int) -> tuple[Ace, ...]:
    if at + _ACL.size > len(data):
        raise DescriptorError("the DACL passes the end")
    _, _, size, count, _ = _ACL.unpack_from(data, at)
    end = at + size
    if end > len(data):
        raise DescriptorError("the DACL passes the end")
    at += _ACL.size
    entries = []
    for _ in range(count):
        if at + 4 > end:
            raise DescriptorError(f"an entry is missing at byte {at}")
        after = at + int.from_bytes(data[at + 2 : at + 4], "little")
        if after > end or after < at + 4:
            raise DescriptorError(f"an entry passes the end at byte {at}")
        ace = _ace(data[at:after])
        if ace is not None:
            entries.append(ace)
        at = after
    return tuple(entries)


@lru_cache(maxsize=1 << 16)
def _ace(raw: bytes) -> Ace | None:
    """One entry, or None when it is of a kind that grants nothing; the same bytes give the same object."""
    kind, flags = raw[0], raw[1]
    if kind not in _PLAIN and kind not in _OBJECT:
        return None
    if len(raw) < 16:
        raise DescriptorError(f"an entry of {len(raw)} bytes")
    mask = int.from_bytes(raw[4:8], "little")
    conditional = kind in _CONDITIONAL
    if kind in _PLAIN:
        return Ace(_PLAIN[kind], flags, mask, _sid_of(raw, 8), conditional=conditional)
    present, at = int.from_bytes(raw[8:12], "little"), 12
    types = ["", ""]
    for n in (0, 1):
        if present & (n + 1):
            if at + 16 > len(raw):
                raise DescriptorError("an entry's object type passes its end")
            types[n] = str(UUID(bytes_le=raw[at : at + 16]))
            at += 16
    return Ace(_OBJECT[kind], flags, mask, _sid_of(raw, at), types[0], types[1], conditional)


def _sid_of(raw: bytes, at: int) -> str:
    """The SID inside an entry; what follows it is a condition."""
    if at + 8 > len(raw):
        raise DescriptorError("an entry's SID passes its end")
    return _sid(raw[at : at + 8 + 4 * raw[at + 1]])


@lru_cache(maxsize=1 << 16)
def _sid(raw: bytes) -> str:
    sid = sid_text(raw)
    if not sid:
        raise DescriptorError("a SID that is cut")
    return sid
