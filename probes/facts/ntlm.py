"""The names an NTLM challenge tells to anybody (MS-NLMP 2.2.1.2, 2.2.2.1): machine, domain, forest, build."""

from __future__ import annotations

import struct
from dataclasses import dataclass

#: NEGOTIATE_MESSAGE asking for the target's names, in Unicode, with no name of ours (MS-NLMP 2.2.1.1).
NEGOTIATE = b"NTLMSSP\x00" + struct.pack("<II", 1, 0xA2088207) + bytes(16) + bytes([10, 0, 0x61, 0x4A, 0, 0, 0, 15])

_CHALLENGE, _TARGET_INFO, _VERSION = 2, 0x00800000, 0x02000000
_NAMES = {1: "computer", 2: "domain", 3: "dns_computer", 4: "dns_domain", 5: "forest"}
#: Longest name kept, in characters, and most pairs read.
_LONGEST, _PAIRS = 255, 32


class NtlmError(ValueError):
    """Bytes that are no NTLM challenge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NtlmNames:
    """What a challenge told; "" where it told nothing. ``build`` is the Windows version, as ``10.0.20348``."""

    computer: str = ""
    domain: str = ""
    dns_computer: str = ""
    dns_domain: str = ""
    forest: str = ""
    build: str = ""


def read_challenge(data: bytes) -> NtlmNames:
    """Return the names of a CHALLENGE_MESSAGE; raise ``NtlmError``."""
    if len(data) < 48 or data[:8] != b"NTLMSSP\x00" or struct.unpack_from("<I", data, 8)[0] != _CHALLENGE:
        raise NtlmError("not a NTLM challenge")
    flags: int = struct.unpack_from("<I", data, 20)[0]
    found: dict[str, str] = {}
    if flags & _TARGET_INFO:
        length, _, offset = struct.unpack_from("<HHI", data, 40)
        if offset + length > len(data):
            raise NtlmError("the target information lies outside the message")
        found = _pairs(data[offset : offset + length])
    if flags & _VERSION and len(data) >= 56:
        major, minor, build = struct.unpack_from("<BBH", data, 48)
        found["build"] = f"{major}.{minor}.{build}"
    return NtlmNames(**found)


def _pairs(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    for _ in range(_PAIRS):
        if at + 4 > len(data):
            break
        kind, length = struct.unpack_from("<HH", data, at)
        value = data[at + 4 : at + 4 + length]
        if kind == 0:
            break
        if len(value) < length:
            raise NtlmError("a name is cut")
        if kind in _NAMES:
            found[_NAMES[kind]] = value.decode("utf-16-le", "replace")[:_LONGEST]
        at += 4 + length
    return found
