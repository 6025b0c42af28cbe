"""Relational databases up to the request for a password: PostgreSQL, MySQL, SQL Server, Oracle."""

from __future__ import annotations

import re
import struct

from probes.facts.services.answered import Access, Talk, clipped
from probes.services.conversation import Call, UnspokenError
from probes.services.family import Said

#: PostgreSQL's request for TLS and its start-up packet (protocol 3.0), for a user and a database called hygie.
SSL_REQUEST = struct.pack("!II", 8, 80877103)
_START = b"\0\x03\0\0user\0hygie\0database\0hygie\0\0"
STARTUP = struct.pack("!I", 4 + len(_START)) + _START
#: SQL Server's PRELOGIN (MS-TDS 2.2.6.5): version and encryption options, encryption "not supported" by us.
_PRELOGIN = b"\0\0\x0b\0\x06\x01\0\x11\0\x01\xff" + b"\x08\0\x01U\0\0" + b"\x02"
PRELOGIN = struct.pack("!BBHHBB", 0x12, 1, 8 + len(_PRELOGIN), 0, 0, 0) + _PRELOGIN
_LARGEST = 16384


def _tns(data: bytes) -> bytes:
    """Return a TNS connect packet (version 310, lowest 300), with its connect data at byte 58."""
    head = struct.pack("!10H", 0x0136, 0x012C, 0, 0x0800, 0x7FFF, 0x7F08, 0, 1, len(data), 58) + bytes(30)
    return struct.pack("!HHBBH", 8 + len(head) + len(data), 0, 1, 0, 0) + head + data


PING = _tns(b"(CONNECT_DATA=(COMMAND=ping))")


async def postgresql(call: Call) -> Said:
    """Ask whether TLS is offered; then start without it, and read how one would have to authenticate."""
    async with call.open() as conversation:
        await conversation.say(SSL_REQUEST)
        offered = await conversation.hear(1)
        if offered not in {b"S", b"N"}:
            raise UnspokenError(Talk.OTHER)
    async with call.open() as conversation:
        await conversation.say(STARTUP)
        kind, length = struct.unpack("!cI", await conversation.hear(5))
        if kind not in {b"R", b"E"} or not 8 <= length <= _LARGEST:
            raise UnspokenError(Talk.OTHER)
        body = await conversation.hear(length - 4)
    if kind == b"R":
        access = Access.REQUIRED if int.from_bytes(body[:4], "big") else Access.OPEN
    else:
        fields = {part[:1]: part[1:] for part in body.split(b"\0")}
        # The role was looked for after the authentication was granted: "trust", for a role we did not guess.
        access = Access.OPEN if fields.get(b"R") == b"InitializeSessionUserId" else Access.REQUIRED
    return Said(access=access, product="PostgreSQL", encryption=offered == b"S")


async def mysql(call: Call) -> Said:
    """Read the greeting (protocol 10): version and capabilities; nothing is sent."""
    async with call.open() as conversation:
        head = await conversation.hear(4)
        length = int.from_bytes(head[:3], "little")
        if head[3] or not 5 <= length <= 1024:
            raise UnspokenError(Talk.OTHER)
        packet = await conversation.hear(length)
    if packet[0] == 0xFF:
        # "Host is not allowed": it is MySQL, and it told us so.
        return Said(access=Access.REQUIRED, product="MySQL")
    version, _, rest = packet[1:].partition(b"\0")
    if packet[0] != 10 or len(rest) < 15 or not re.match(rb"[\w.+-]+", version):
        raise UnspokenError(Talk.OTHER)
    tls = int.from_bytes(rest[13:15], "little") & 0x0800
    product = "MariaDB" if b"MariaDB" in version else "MySQL"
    return Said(access=Access.UNKNOWN, product=product, version=clipped(version), encryption=bool(tls))


async def sql_server(call: Call) -> Said:
    """Exchange PRELOGIN options: version, and whether encryption is there."""
    async with call.open() as conversation:
        await conversation.say(PRELOGIN)
        kind, _, length = struct.unpack("!BBH", await conversation.hear(4))
        if kind != 0x04 or not 8 < length <= 1024:
            raise UnspokenError(Talk.OTHER)
        options = (await conversation.hear(length - 4))[4:]
    values, at = {}, 0
    while at + 5 <= len(options) and options[at] != 0xFF:
        kind, offset, size = struct.unpack("!BHH", options[at : at + 5])
        values[kind] = options[offset : offset + size]
        at += 5
    if len(values.get(0, b"")) < 6:
        raise UnspokenError(Talk.OTHER)
    major, minor, build = struct.unpack("!BBH", values[0][:4])
    encryption = values.get(1, b"")
    return Said(
        access=Access.UNKNOWN,
        product="Microsoft SQL Server",
        version=f"{major}.{minor}.{build}",
        encryption=encryption != b"\x02" if encryption else None,
    )


async def oracle(call: Call) -> Said:
    """Ping the listener; its accept, refuse, redirect or resend says that it is one."""
    async with call.open() as conversation:
        await conversation.say(PING)
        length, _, kind, _, _ = struct.unpack("!HHBBH", await conversation.hear(8))
        if kind not in {2, 4, 5, 11} or not 8 <= length <= _LARGEST:
            raise UnspokenError(Talk.OTHER)
        body = await conversation.hear(length - 8)
    number = re.search(rb"VSNNUM=(\d{1,12})", body)
    version = ""
    if number:
        value = int(number[1])
        version = f"{value >> 24}.{value >> 20 & 15}.{value >> 12 & 255}.{value >> 8 & 15}"
    return Said(access=Access.UNKNOWN, product="Oracle", version=version)
