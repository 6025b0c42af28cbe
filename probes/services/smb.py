"""SMB before any session: the dialects a server takes, SMBv1 among them, and whether it signs (MS-SMB2 2.2.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from probes.facts.services.answered import Access, Talk
from probes.facts.services.remote import SmbAnswered
from probes.services.conversation import Call, UnspokenError
from probes.services.service import ServiceProbe, ServiceSettings

_DIALECTS = (0x0202, 0x0210, 0x0300, 0x0302, 0x0311)
#: What 3.1.1 wants beside (MS-SMB2 2.2.3.1.1): integrity before authentication by SHA-512, and a salt, of zeros.
_INTEGRITY = struct.pack("<HHI", 1, 38, 0) + struct.pack("<HHH", 1, 32, 1) + bytes(32)
_SIGNING_REQUIRED = 0x02
_LARGEST = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class SmbSettings(ServiceSettings):
    """Where SMB is looked for, without its NetBIOS session service."""

    ports: tuple[int, ...] = (445,)


def _framed(message: bytes) -> bytes:
    return struct.pack("!I", len(message)) + message


def negotiate_one() -> bytes:
    """Return an SMBv1 negotiate request for ``NT LM 0.12`` alone (MS-CIFS 2.2.4.52)."""
    header = b"\xffSMB\x72" + bytes(4) + b"\x18\x01\x28" + bytes(12) + struct.pack("<HHHH", 0, 0xFEFF, 0, 0)
    dialect = b"\x02NT LM 0.12\0"
    return _framed(header + b"\0" + struct.pack("<H", len(dialect)) + dialect)


def negotiate_two() -> bytes:
    """Return an SMB2 negotiate request for 2.0.2 to 3.1.1, with a client GUID of zeros."""
    header = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ", 64, 0, 0, 0, 1, 0, 0, 0, 0xFEFF, 0, 0) + bytes(16)
    dialects = struct.pack(f"<{len(_DIALECTS)}H", *_DIALECTS)
    dialects += bytes(-(len(header) + 36 + len(dialects)) % 8)
    body = struct.pack("<HHHHI", 36, len(_DIALECTS), 1, 0, 0) + bytes(16)
    body += struct.pack("<IHH", len(header) + 36 + len(dialects), 1, 0)
    return _framed(header + body + dialects + _INTEGRITY)


def read_one(message: bytes) -> bool | None:
    """Tell whether an answer takes SMBv1; None when it is no SMBv1 answer."""
    if len(message) < 35 or message[:5] != b"\xffSMB\x72":
        return None
    return bool(message[32]) and message[33:35] != b"\xff\xff"


def read_two(message: bytes) -> tuple[int, int] | None:
    """Return (dialect, security mode) of an SMB2 negotiate response; None when it is none."""
    if len(message) < 72 or message[:4] != b"\xfeSMB" or message[12:14] != b"\0\0" or message[8:12] != bytes(4):
        return None
    _, mode, dialect = struct.unpack("<HHH", message[64:70])
    return dialect, mode


class SmbProbe(ServiceProbe[SmbSettings]):
    """Sees which SMB a file server speaks; no session is set up."""

    name: ClassVar[str] = "smb"
    Settings: ClassVar[type[SmbSettings]] = SmbSettings

    async def converse(self, call: Call) -> SmbAnswered:
        """Offer SMB2 and SMB3, then SMBv1 alone, on a connection each."""
        two = await _unless_closed(call, negotiate_two())
        one = await _unless_closed(call, negotiate_one())
        modern = read_two(two) if two else None
        old = read_one(one) if one else False
        # an error is an answer too: whoever has no dialect for us speaks SMB all the same
        if modern is None and not old and not (two[:4] == b"\xfeSMB" or one[:4] in {b"\xfeSMB", b"\xffSMB"}):
            raise UnspokenError(Talk.OTHER if two or one else Talk.CLOSED)
        return SmbAnswered(
            address=str(call.address),
            protocol="smb",
            talk=Talk.SPOKEN,
            access=Access.UNKNOWN,
            dialect=modern[0] if modern else 0,
            version_one=bool(old),
            signing_required=bool(modern[1] & _SIGNING_REQUIRED) if modern else None,
            encryption=modern is not None and modern[0] >= 0x0300,
        )

    def unspoken(self, call: Call, talk: Talk) -> SmbAnswered:
        """Something else, or nothing, was heard."""
        return SmbAnswered(address=str(call.address), protocol="smb", talk=talk)


async def _unless_closed(call: Call, message: bytes) -> bytes:
    """The answer to a message, without its frame; empty when the server hangs up, as it does on what it refuses."""
    async with call.open() as conversation:
        await conversation.say(message)
        try:
            head = await conversation.hear(4)
            length = int.from_bytes(head[1:4], "big")
            if head[0] or not 32 <= length <= _LARGEST:
                raise UnspokenError(Talk.OTHER)
            return await conversation.hear(length)
        except UnspokenError as end:
            if end.talk is Talk.CLOSED:
                return b""
            raise
