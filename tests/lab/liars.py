"""Name servers that lie: an answer is what a function of the query says, over UDP and TCP, and every query is kept."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import struct
from collections.abc import AsyncIterator, Callable
from typing import cast

import dns.flags
import dns.message
import dns.rcode

#: The wire answer to a query (its message, its bytes, over TCP or not), or None for silence.
Answer = Callable[[dns.message.Message, bytes, bool], bytes | None]


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer, asked: list[str]) -> None:
        self._answer = answer
        self._asked = asked

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        query = dns.message.from_wire(data)
        self._asked.append(str(query.question[0].name))
        wire = self._answer(query, data, False)
        if wire is not None:
            self._transport.sendto(wire, addr)


async def _stream(answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        data = await reader.readexactly(length)
        wire = answer(dns.message.from_wire(data), data, True)
        if wire is not None:
            writer.write(struct.pack("!H", len(wire)) + wire)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def lying(answer: Answer, address: str, port: int = 53053) -> AsyncIterator[list[str]]:
    """Lie on one address until the context ends; gives the names asked over UDP, as they come."""
    asked: list[str] = []
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(answer, asked), local_addr=(address, port))
    server = await asyncio.start_server(functools.partial(_stream, answer), address, port)
    try:
        async with server:
            yield asked
    finally:
        transport.close()


def response(query: dns.message.Message, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> dns.message.Message:
    """Return an authoritative answer without records."""
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.AA
    answer.set_rcode(rcode)
    return answer


def silence(query: dns.message.Message, wire: bytes, tcp: bool) -> None:
    """Say nothing."""


def says(rcode: dns.rcode.Rcode) -> Answer:
    """Answer every question with one code."""
    return lambda query, wire, tcp: response(query, rcode).to_wire()


def garbage(query: dns.message.Message, wire: bytes, tcp: bool) -> bytes:
    """The right id, then noise."""
    return wire[:2] + b"\xff" * 40


def wrong_id(query: dns.message.Message, wire: bytes, tcp: bool) -> bytes:
    """An answer to nobody."""
    return bytes([wire[0] ^ 0x55, wire[1]]) + response(query).to_wire()[2:]


def other_question(query: dns.message.Message, wire: bytes, tcp: bool) -> bytes:
    """An answer about another name, under the right id."""
    other = dns.message.make_query("elsewhere.test", "A")
    other.id = query.id
    return response(other).to_wire()


def compression_loop(query: dns.message.Message, wire: bytes, tcp: bool) -> bytes:
    """An answer whose owner name points at itself (RFC 1035 4.1.4)."""
    head = response(query).to_wire()
    at = len(head)
    record = struct.pack("!H", 0xC000 | at) + struct.pack("!2HIH", 1, 1, 60, 4) + b"\x7f\0\0\1"
    return head[:6] + b"\0\1" + head[8:] + record


def truncated(query: dns.message.Message, wire: bytes, tcp: bool) -> bytes | None:
    """Truncated over UDP, absent from TCP."""
    answer = response(query)
    answer.flags |= dns.flags.TC
    return None if tcp else answer.to_wire()


def huge(query: dns.message.Message, wire: bytes, tcp: bool) -> bytes:
    """As many bytes as a message may have."""
    head = response(query).to_wire()
    return head + b"\0" * ((65_000 if tcp else 60_000) - len(head))
