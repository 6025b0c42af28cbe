"""The probe of TLS behaviour: two questions that only a vulnerable library answers, and that take nothing from it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar

from probes.facts.tls import Version
from probes.facts.tls_behaviour import Reaction, TlsBehaviour
from probes.facts.tls_suites import known_suites
from probes.interface import (
    MANDATED,
    Asset,
    AssetKind,
    Line,
    Part,
    Probe,
    ProbeError,
    Reason,
    Shortfall,
    Sight,
    Stream,
    Yield,
)
from probes.tls import hello
from probes.tls.exchange import DONE, HELLO, Connect, Ending, read_messages
from probes.tls.reach import PORTS, offered, opener, server_name, spoken

#: Heartbeat requests (RFC 6520): one announces a single byte more than it holds, and must be discarded; the other is
#: sound, and tells by its answer that the first was discarded.
_OVERREACHING, _SOUND = b"\x01\x00\x01", b"\x01\x00\x00" + bytes(16)
#: Seconds in which a server that refuses a message says so.
_REFUSAL = 1.0
_CHANGE, _ALERT, _HEARTBEAT = 20, 21, 24
#: Alerts of a server that took the early message, and then could not decipher the next (RFC 5246 7.2.2).
_UNDECIPHERED = {20, 21}
_PROTOCOL_VERSION = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsBehaviourSettings:
    """Ports on which TLS is spoken from the first byte, seconds of one exchange, addresses of a name."""

    ports: tuple[int, ...] = PORTS
    patience: float = 5.0
    most_addresses: int = 4


class TlsBehaviourProbe(Probe[TlsBehaviourSettings]):
    """Sees Heartbleed and early ChangeCipherSpec, in two connections an address.

    Of the answer to a heartbeat only the type and the length are read; the payload stays unread in the socket.
    """

    name: ClassVar[str] = "tls-behaviour"
    version: ClassVar[str] = "1"
    level: ClassVar[int] = 3
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})
    Settings: ClassVar[type[TlsBehaviourSettings]] = TlsBehaviourSettings

    def wants(self, asset: Asset) -> bool:
        """A TLS port that accepted a connection."""
        return spoken(asset, self.settings.ports)

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield a fact for each address; an address that failed is missed, unless all did."""
        failures: list[ProbeError] = []
        addresses = asset.addresses[: self.settings.most_addresses]
        for text in addresses:
            try:
                yield Sight(fact=await self._address(asset, text, line))
            except ProbeError as error:
                failures.append(error)
                if len(addresses) > 1:
                    yield Shortfall(reason=error.reason, detail=f"{text}: {error.detail}")
        if failures and len(failures) == len(addresses):
            raise failures[0]

    async def _address(self, asset: Asset, text: str, line: Line) -> TlsBehaviour:
        port, name, ports = asset.port or 0, server_name(asset), self.settings.ports
        connect = opener(
            line, ip_address(text), port, name=name, ports=ports, patience=self.settings.patience, level=self.level
        )
        if port not in ports and not await offered(connect):
            return TlsBehaviour(address=text, older_spoken=False)
        try:
            return TlsBehaviour(
                address=text,
                older_spoken=True,
                heartbleed=await _heartbleed(connect, name),
                early_cipher_change=await _early_cipher_change(connect, name),
            )
        except _NotSpoken:
            return TlsBehaviour(address=text, older_spoken=False)


class _NotSpoken(Exception):
    """No handshake of TLS 1.2 or older is taken here."""


async def _heartbleed(connect: Connect, name: str) -> Reaction:
    stream = await connect()
    try:
        answer = await _greeted(stream, name)
        if not answer.heartbeat:
            return Reaction.NOT_VULNERABLE
        try:
            await stream.send(_record(_HEARTBEAT, answer, _OVERREACHING) + _record(_HEARTBEAT, answer, _SOUND))
            return await _heartbeat(stream)
        except ProbeError as error:
            return _unknown(error)
    finally:
        await stream.close()


async def _heartbeat(stream: Stream) -> Reaction:
    """Judge the first answer by its type and the length it announces, and read no further."""
    kind, _, length = struct.unpack("!BHH", await stream.receive_exactly(5))
    if kind == _ALERT:
        return Reaction.NOT_VULNERABLE
    if kind != _HEARTBEAT or length < 3:
        return Reaction.UNKNOWN
    what, announced = struct.unpack("!BH", await stream.receive_exactly(3))
    if what != 2:
        return Reaction.UNKNOWN
    return Reaction.VULNERABLE if announced == 1 else Reaction.NOT_VULNERABLE


async def _early_cipher_change(connect: Connect, name: str) -> Reaction:
    stream = await connect()
    try:
        answer = await _greeted(stream, name)
        try:
            return await _change(stream, _record(_CHANGE, answer, b"\x01"))
        except ProbeError as error:
            return _unknown(error)
    finally:
        await stream.close()


async def _change(stream: Stream, message: bytes) -> Reaction:
    """Send the message once: whoever refuses it says so, or hangs up. Who took it deciphers the second, and fails."""
    try:
        await stream.send(message)
        async with asyncio.timeout(_REFUSAL):
            first = await stream.receive(1)
        return Reaction.NOT_VULNERABLE if first in {b"", bytes([_ALERT])} else Reaction.UNKNOWN
    except ProbeError as error:
        if error.reason is Reason.CONNECTION_LOST:
            return Reaction.NOT_VULNERABLE
        raise
    except TimeoutError:
        await stream.send(message)
    kind, _, length = struct.unpack("!BHH", await stream.receive_exactly(5))
    if kind != _ALERT or length != 2:
        return Reaction.UNKNOWN
    alert = (await stream.receive_exactly(2))[1]
    return Reaction.VULNERABLE if alert in _UNDECIPHERED else Reaction.NOT_VULNERABLE


async def _greeted(stream: Stream, name: str) -> hello.ServerHello:
    """Shake hands up to ServerHelloDone and return the ServerHello; raise ``_NotSpoken`` when surely nobody does."""
    suites = [n for n, suite in known_suites().items() if not suite.tls13]
    await stream.send(hello.client_hello(Version.TLS12, [*suites, hello.SCSV], name=name, heartbeat=True))
    reply = await read_messages(stream, frozenset({HELLO, DONE}))
    if reply.ending is Ending.NOT_TLS or reply.alert == _PROTOCOL_VERSION:
        raise _NotSpoken
    if not reply.messages.keys() >= {HELLO, DONE}:
        raise ProbeError(Reason.TRUNCATED, "no whole handshake of TLS 1.2 or older")
    try:
        return hello.server_hello(reply.messages[HELLO])
    except hello.HelloError as error:
        raise ProbeError(Reason.MALFORMED, str(error)) from error


def _record(kind: int, answer: hello.ServerHello, body: bytes) -> bytes:
    return struct.pack("!BHH", kind, answer.version, len(body)) + body


def _unknown(error: ProbeError) -> Reaction:
    """What a question that was cut shows: nothing; what the mandate or the operator decided goes up."""
    if error.reason in MANDATED or error.reason is Reason.INTERRUPTED:
        raise error
    return Reaction.UNKNOWN
