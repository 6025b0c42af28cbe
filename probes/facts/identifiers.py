"""The small binary and text forms of a directory: SIDs, instants, integers (MS-DTYP, MS-ADTS, RFC 4517)."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
#: Where year, month, day, hour, minute and second stand in a GeneralizedTime.
_PLACES = ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14))
#: The largest FILETIME that still is a date; beyond it stands "never".
_LAST = 2_650_467_743_990_000_000


def sid_text(data: bytes) -> str:
    """Return a SID as ``S-1-…`` (MS-DTYP 2.4.2.2), or "" when the bytes are none."""
    if len(data) < 8 or len(data) != 8 + 4 * data[1]:
        return ""
    authority = int.from_bytes(data[2:8], "big")
    parts = struct.unpack(f"<{data[1]}I", data[8:])
    return "-".join(map(str, ("S", data[0], authority, *parts)))


def sid_bytes(text: str) -> bytes:
    """Return the bytes of a SID written ``S-1-…``."""
    numbers = [int(part) for part in text.split("-")[1:]]
    head = bytes([numbers[0], len(numbers) - 2]) + numbers[1].to_bytes(6, "big")
    return head + struct.pack(f"<{len(numbers) - 2}I", *numbers[2:])


def rid(sid: str) -> int:
    """Return the last number of a SID, or 0."""
    last = sid.rpartition("-")[2]
    return int(last) if last.isdigit() else 0


def filetime(value: bytes) -> datetime | None:
    """Return the instant of a FILETIME in decimal; None for zero, never, or what is no number."""
    try:
        ticks = int(value)
    except ValueError:
        return None
    return _EPOCH + timedelta(microseconds=ticks // 10) if 0 < ticks < _LAST else None


def generalized_time(value: bytes) -> datetime | None:
    """Return the instant of a GeneralizedTime such as ``20261124080000.0Z``; None when it is none."""
    text = value[:14]
    if len(text) < 14 or not text.isdigit():
        return None
    year, month, day, hour, minute, second = (int(text[a:b]) for a, b in _PLACES)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def whole(value: bytes) -> int | None:
    """Return a decimal integer, or None."""
    try:
        return int(value)
    except ValueError:
        return None
