"""The settings of a DNS zone kept in the directory: the dNSProperty values (MS-DNSP 2.3.2.1)."""

from __future__ import annotations

import struct
from enum import IntEnum

_HEAD = struct.Struct("<IIIII")
_ALLOW_UPDATE = 0x2


class Updates(IntEnum):
    """Which dynamic updates a zone takes (DSPROPERTY_ZONE_ALLOW_UPDATE)."""

    NONE = 0
    UNSECURE = 1
    SECURE = 2


def updates(properties: tuple[bytes, ...]) -> Updates | None:
    """Return which updates a zone takes, ``NONE`` when no property says so; None when a property is not well formed."""
    found = Updates.NONE
    for data in properties:
        if len(data) < _HEAD.size:
            return None
        length, _, _, _, kind = _HEAD.unpack_from(data)
        value = data[_HEAD.size : _HEAD.size + length]
        if kind != _ALLOW_UPDATE:
            continue
        if len(value) != length or not value or value[0] > Updates.SECURE:
            return None
        found = Updates(value[0])
    return found
