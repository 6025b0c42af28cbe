"""What is said in clear before TLS on ports where it starts on request; one entry a port."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from probes.interface import Identity, ProbeError, Reason, Stream
from probes.mail.greeting import step_up
from probes.services.rdp import CREDSSP, TLS, read_answer, request

#: Brings a fresh connection to where a ClientHello is awaited; raises ``protocol-not-spoken`` when TLS is not offered.
Preamble = Callable[[Stream, Identity], Awaitable[None]]

#: Longest line, and most lines, of an FTP reply; longest packet before TLS.
_LINE, _LINES, _PACKET = 1024, 60, 4096
#: ExtendedRequest for StartTLS (RFC 4511 4.14.1), message 1.
_LDAP_STARTTLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
#: SSLRequest (PostgreSQL, Message Formats).
_POSTGRES_SSL = struct.pack("!II", 8, 80877103)
#: Capability bits of MySQL: 4.1 protocol, SSL, secure connection; greatest packet, character set utf8.
_MYSQL_SSL = struct.pack("<IIB23x", 0x0200 | 0x0800 | 0x8000, 1 << 24, 33)


def _mail(protocol: str) -> Preamble:
    async def step(stream: Stream, identity: Identity) -> None:
        await step_up(stream, protocol, ehlo=identity.ehlo)

    return step


async def _ftp(stream: Stream, identity: Identity) -> None:
    """AUTH TLS (RFC 4217)."""
    if not (await _ftp_reply(stream)).startswith(b"220"):
        raise ProbeError(Reason.NOT_SPOKEN, "no FTP greeting")
    await stream.send(b"AUTH TLS\r\n")
    if not (await _ftp_reply(stream)).startswith(b"234"):
        raise ProbeError(Reason.NOT_SPOKEN, "AUTH TLS is refused")


async def _ftp_reply(stream: Stream) -> bytes:
    """The last line of a reply (RFC 959 4.2)."""
    for _ in range(_LINES):
        line = b""
        while not line.endswith(b"\n") and len(line) < _LINE:
            line += await stream.receive_exactly(1)
        if line[:3].isdigit() and line[3:4] != b"-":
            return line
    raise ProbeError(Reason.TOO_LARGE, "an endless FTP reply")


async def _ldap(stream: Stream, identity: Identity) -> None:
    """StartTLS: the result code of the ExtendedResponse is 0."""
    await stream.send(_LDAP_STARTTLS)
    head = await stream.receive_exactly(2)
    if head[0] != 0x30:
        raise ProbeError(Reason.NOT_SPOKEN, "no LDAP answer")
    length = head[1]
    if length & 0x80:
        length = int.from_bytes(await stream.receive_exactly(min(length & 0x7F, 4)), "big")
    body = await stream.receive_exactly(min(length, _PACKET))
    # messageID, then [APPLICATION 24] with an ENUMERATED result code first.
    at = body.find(b"\x0a\x01")
    if b"\x78" not in body[:at] or at < 0 or body[at + 2 : at + 3] != b"\x00":
        raise ProbeError(Reason.NOT_SPOKEN, "StartTLS is refused")


async def _postgres(stream: Stream, identity: Identity) -> None:
    await stream.send(_POSTGRES_SSL)
    if await stream.receive_exactly(1) != b"S":
        raise ProbeError(Reason.NOT_SPOKEN, "the database offers no TLS")


async def _mysql(stream: Stream, identity: Identity) -> None:
    """The server's greeting says CLIENT_SSL; the answer asks for it and says nothing of who asks."""
    head = await stream.receive_exactly(4)
    greeting = await stream.receive_exactly(min(int.from_bytes(head[:3], "little"), _PACKET))
    # protocol 10, version text, thread, 8 bytes and a zero, then the lower capability bits.
    at = greeting.find(b"\0", 1) + 1 + 4 + 8 + 1
    if greeting[:1] != b"\x0a" or len(greeting) < at + 2 or not greeting[at + 1] & 0x08:
        raise ProbeError(Reason.NOT_SPOKEN, "the database offers no TLS")
    await stream.send(len(_MYSQL_SSL).to_bytes(3, "little") + b"\x01" + _MYSQL_SSL)


async def _rdp(stream: Stream, identity: Identity) -> None:
    """The X.224 negotiation, TLS chosen (MS-RDPBCGR 2.2.1.1)."""
    await stream.send(request(CREDSSP))
    head = await stream.receive_exactly(4)
    length = int.from_bytes(head[2:4], "big")
    if head[0] != 3 or not 11 <= length <= 512:
        raise ProbeError(Reason.NOT_SPOKEN, "no RDP answer")
    answer = read_answer(head + await stream.receive_exactly(length - 4))
    if answer is None or not answer[0] or not answer[1] & (CREDSSP | TLS):
        raise ProbeError(Reason.NOT_SPOKEN, "RDP without TLS")


PREAMBLES: Mapping[int, Preamble] = MappingProxyType(
    {
        21: _ftp,
        25: _mail("smtp"),
        587: _mail("smtp"),
        143: _mail("imap"),
        110: _mail("pop3"),
        389: _ldap,
        3268: _ldap,
        3306: _mysql,
        5432: _postgres,
        3389: _rdp,
    }
)
