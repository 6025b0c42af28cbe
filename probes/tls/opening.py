"""A handshake of TLS 1.2 or older, opened up to where the client's keys are awaited."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from probes.facts.tls import Version
from probes.facts.tls_behaviour import Reaction
from probes.facts.tls_suites import known_suites
from probes.interface import MANDATED, ProbeError, Reason, Stream
from probes.tls import hello
from probes.tls.exchange import DONE, HELLO, Ending, read_messages

#: The type of a record that holds an alert.
ALERT = 21
_PROTOCOL_VERSION = 70


class NotSpoken(Exception):
    """No handshake of TLS 1.2 or older is taken here."""


async def greeted(stream: Stream, name: str) -> hello.ServerHello:
    """Shake hands up to ServerHelloDone and return the ServerHello; raise ``NotSpoken`` when surely nobody does."""
    return (await opened(stream, name, (n for n, suite in known_suites().items() if not suite.tls13)))[0]


async def opened(stream: Stream, name: str, suites: Iterable[int]) -> tuple[hello.ServerHello, dict[int, bytes]]:
    """Offer suites, and return the ServerHello and every message up to ServerHelloDone, by type."""
    await stream.send(hello.client_hello(Version.TLS12, [*suites, hello.SCSV], name=name, heartbeat=True))
    reply = await read_messages(stream, frozenset({HELLO, DONE}))
    if reply.ending is Ending.NOT_TLS or reply.alert == _PROTOCOL_VERSION:
        raise NotSpoken
    if not reply.messages.keys() >= {HELLO, DONE}:
        raise ProbeError(Reason.TRUNCATED, "no whole handshake of TLS 1.2 or older")
    try:
        return hello.server_hello(reply.messages[HELLO]), reply.messages
    except hello.HelloError as error:
        raise ProbeError(Reason.MALFORMED, str(error)) from error


def record(kind: int, answer: hello.ServerHello, body: bytes) -> bytes:
    """Return a record of the version that a server chose."""
    return struct.pack("!BHH", kind, answer.version, len(body)) + body


def unknown(error: ProbeError) -> Reaction:
    """What a question that was cut shows: nothing; what the mandate or the operator decided goes up."""
    if error.reason in MANDATED or error.reason is Reason.INTERRUPTED:
        raise error
    return Reaction.UNKNOWN
