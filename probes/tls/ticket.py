"""Ticketbleed (CVE-2016-9244): whether a resumed session is answered with more session id than was sent."""

from __future__ import annotations

import os
import struct

from probes.facts.tls import Version
from probes.facts.tls_behaviour import Reaction
from probes.facts.tls_suites import known_suites
from probes.interface import ProbeError, Stream
from probes.tls import hello
from probes.tls.exchange import Connect
from probes.tls.handshake import heard_before_tls13
from probes.tls.opening import unknown

_CHANGE, _HANDSHAKE = 20, 22
_HELLO, _NEW_TICKET = 2, 4
#: A ServerHello up to the length of the session id: type, length, version, random value, and that one.
_HEAD = 4 + 2 + 32 + 1


async def ticket_echo(connect: Connect, name: str) -> Reaction:
    """Take a ticket of our own, and come back with it and a session id of one byte (RFC 5077 3.4: it is echoed)."""
    try:
        ticket = granted(await heard_before_tls13(await connect(), name))
        if not ticket:
            # Without tickets nothing is echoed.
            return Reaction.NOT_VULNERABLE
        stream = await connect()
        try:
            suites = [n for n, suite in known_suites().items() if not suite.tls13]
            message = hello.client_hello(
                Version.TLS12, [*suites, hello.SCSV], name=name, session=os.urandom(1), ticket=ticket
            )
            await stream.send(message)
            return await _echoed(stream)
        finally:
            await stream.close()
    except ProbeError as error:
        return unknown(error)


async def _echoed(stream: Stream) -> Reaction:
    """Judge by the length of the session id alone; what it holds is thrown away as it comes."""
    kind, _, size = struct.unpack("!BHH", await stream.receive_exactly(5))
    if kind != _HANDSHAKE or size < _HEAD:
        return Reaction.UNKNOWN
    head = await stream.receive_exactly(_HEAD)
    length, echoed = 4 + int.from_bytes(head[1:4], "big"), head[-1]
    if head[0] != _HELLO or not _HEAD + echoed <= length <= size:
        return Reaction.UNKNOWN
    await stream.receive_exactly(length - _HEAD)
    if not await _resumed(stream, left=size - length):
        # A full handshake has a session id of the server's own making, as long as it likes.
        return Reaction.UNKNOWN
    return Reaction.VULNERABLE if echoed > 1 else Reaction.NOT_VULNERABLE


async def _resumed(stream: Stream, *, left: int) -> bool:
    """Tell by what follows the ServerHello: another ticket or the change of cipher, and no certificate."""
    if not left:
        kind, _, left = struct.unpack("!BHH", await stream.receive_exactly(5))
        if kind != _HANDSHAKE or not left:
            return bool(kind == _CHANGE)
    return (await stream.receive_exactly(1))[0] == _NEW_TICKET


def granted(heard: bytes) -> bytes:
    """Return the ticket in what a server sent before it changed ciphers; b"" when there is none."""
    messages = b""
    while len(heard) >= 5:
        kind, _, length = struct.unpack_from("!BHH", heard)
        if kind != _HANDSHAKE:
            break
        messages, heard = messages + heard[5 : 5 + length], heard[5 + length :]
    while len(messages) >= 4:
        length = 4 + int.from_bytes(messages[1:4], "big")
        if messages[0] == _NEW_TICKET:
            # Seconds it lives, then the ticket with its length.
            (size,) = struct.unpack_from("!H", messages[8:10].ljust(2, b"\0"))
            return messages[10 : min(10 + size, length)]
        messages = messages[length:]
    return b""
