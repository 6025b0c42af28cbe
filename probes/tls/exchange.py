"""One hello and what comes back, over one connection."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from probes.interface import ProbeError, Reason, Stream

#: Bytes read of one answer at the most, and of one record (RFC 8446 5.1, with room for old servers).
ANSWER, RECORD = 1 << 18, (1 << 14) + 2048
HELLO, CERTIFICATE, KEY_EXCHANGE, DONE, STATUS = 2, 11, 12, 14, 22

#: Opens a connection that is ready for a hello.
Connect = Callable[[], Awaitable[Stream]]


class Ending(StrEnum):
    """How an exchange ended."""

    ANSWERED = "answered"
    ALERT = "alert"
    CLOSED = "closed"
    NOT_TLS = "not-tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The handshake messages received, whole, by type; ``alert`` is the description of the alert that ended it."""

    ending: Ending
    messages: dict[int, bytes] = field(default_factory=dict)
    alert: int | None = None


async def ask(connect: Connect, hello: bytes, wanted: frozenset[int]) -> Reply:
    """Send a hello and read until the wanted messages are in, or no more come; raise what cannot be told."""
    stream = await connect()
    try:
        await stream.send(hello)
        return await read_messages(stream, wanted)
    except ProbeError as error:
        # A server that does not like a hello often just hangs up.
        if error.reason in {Reason.CONNECTION_LOST, Reason.TRUNCATED}:
            return Reply(ending=Ending.CLOSED)
        raise
    finally:
        await stream.close()


async def read_messages(stream: Stream, wanted: frozenset[int]) -> Reply:
    """Read handshake messages until the wanted ones are in, or no more come."""
    messages: dict[int, bytes] = {}
    pending, total = b"", 0
    while total < ANSWER:
        head = await _start(stream)
        if not head:
            return Reply(ending=Ending.ANSWERED if messages else Ending.CLOSED, messages=messages)
        kind, version, length = struct.unpack("!BHH", head)
        if kind not in {20, 21, 22, 23} or version >> 8 != 3 or length > RECORD:
            return Reply(ending=Ending.ANSWERED if messages else Ending.NOT_TLS, messages=messages)
        body = await stream.receive_exactly(length)
        total += 5 + length
        if kind == 21:
            ending = Ending.ANSWERED if messages else Ending.ALERT
            return Reply(ending=ending, messages=messages, alert=body[1] if len(body) == 2 else None)
        if kind != 22:
            return Reply(ending=Ending.ANSWERED, messages=messages)
        pending += body
        while len(pending) >= 4 and len(pending) >= 4 + int.from_bytes(pending[1:4], "big"):
            size = 4 + int.from_bytes(pending[1:4], "big")
            messages.setdefault(pending[0], pending[:size])
            pending = pending[size:]
        if wanted <= messages.keys() or DONE in messages:
            return Reply(ending=Ending.ANSWERED, messages=messages)
    raise ProbeError(Reason.TOO_LARGE, "an endless handshake")


async def _start(stream: Stream) -> bytes:
    """The head of a record, or b"" when the stream ends before one."""
    first = await stream.receive(1)
    return first + await stream.receive_exactly(4) if first else b""
