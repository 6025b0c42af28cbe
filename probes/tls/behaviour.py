"""The probe of TLS behaviour: questions that only a vulnerable library answers, and that take nothing from it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar

from probes.facts.tls_behaviour import Reaction, TlsBehaviour
from probes.interface import (
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
from probes.tls.exchange import Connect
from probes.tls.opening import ALERT, NotSpoken, greeted, record, unknown
from probes.tls.oracle import padding_oracle
from probes.tls.reach import PORTS, offered, opener, server_name, spoken
from probes.tls.ticket import ticket_echo

#: Heartbeat requests (RFC 6520): one announces a single byte more than it holds, and must be discarded; the other is
#: sound, and tells by its answer that the first was discarded.
_OVERREACHING, _SOUND = b"\x01\x00\x01", b"\x01\x00\x00" + bytes(16)
_CHANGE, _HEARTBEAT = 20, 24
#: Alerts of a server that took the early message, and then could not decipher the next (RFC 5246 7.2.2).
_UNDECIPHERED = {20, 21}


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsBehaviourSettings:
    """Ports on which TLS is spoken from the first byte, seconds of one exchange, addresses of a name.

    ``reaction`` is the time, in seconds, in which a server that refuses a message says so.
    """

    ports: tuple[int, ...] = PORTS
    patience: float = 5.0
    reaction: float = 1.0
    most_addresses: int = 4


class TlsBehaviourProbe(Probe[TlsBehaviourSettings]):
    """Sees Heartbleed, early ChangeCipherSpec, ROBOT and Ticketbleed, in twenty-five connections an address at most.

    Of the answer to a heartbeat only the type and the length are read; the payload stays unread in the socket. Of the
    session id that answers a ticket only the length is looked at. Nothing is ever deciphered.
    """

    name: ClassVar[str] = "tls-behaviour"
    version: ClassVar[str] = "2"
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
                early_cipher_change=await _early_cipher_change(connect, name, self.settings.reaction),
                padding_oracle=await padding_oracle(connect, name, self.settings.reaction),
                ticket_echo=await ticket_echo(connect, name),
            )
        except NotSpoken:
            return TlsBehaviour(address=text, older_spoken=False)


async def _heartbleed(connect: Connect, name: str) -> Reaction:
    stream = await connect()
    try:
        answer = await greeted(stream, name)
        if not answer.heartbeat:
            return Reaction.NOT_VULNERABLE
        try:
            await stream.send(record(_HEARTBEAT, answer, _OVERREACHING) + record(_HEARTBEAT, answer, _SOUND))
            return await _heartbeat(stream)
        except ProbeError as error:
            return unknown(error)
    finally:
        await stream.close()


async def _heartbeat(stream: Stream) -> Reaction:
    """Judge the first answer by its type and the length it announces, and read no further."""
    kind, _, length = struct.unpack("!BHH", await stream.receive_exactly(5))
    if kind == ALERT:
        return Reaction.NOT_VULNERABLE
    if kind != _HEARTBEAT or length < 3:
        return Reaction.UNKNOWN
    what, announced = struct.unpack("!BH", await stream.receive_exactly(3))
    if what != 2:
        return Reaction.UNKNOWN
    return Reaction.VULNERABLE if announced == 1 else Reaction.NOT_VULNERABLE


async def _early_cipher_change(connect: Connect, name: str, reaction: float) -> Reaction:
    stream = await connect()
    try:
        answer = await greeted(stream, name)
        try:
            return await _change(stream, record(_CHANGE, answer, b"\x01"), reaction)
        except ProbeError as error:
            return unknown(error)
    finally:
        await stream.close()


async def _change(stream: Stream, message: bytes, reaction: float) -> Reaction:
    """Send the message once: whoever refuses it says so, or hangs up. Who took it deciphers the second, and fails."""
    try:
        await stream.send(message)
        async with asyncio.timeout(reaction):
            first = await stream.receive(1)
        return Reaction.NOT_VULNERABLE if first in {b"", bytes([ALERT])} else Reaction.UNKNOWN
    except ProbeError as error:
        if error.reason is Reason.CONNECTION_LOST:
            return Reaction.NOT_VULNERABLE
        raise
    except TimeoutError:
        await stream.send(message)
    kind, _, length = struct.unpack("!BHH", await stream.receive_exactly(5))
    if kind != ALERT or length != 2:
        return Reaction.UNKNOWN
    alert = (await stream.receive_exactly(2))[1]
    return Reaction.VULNERABLE if alert in _UNDECIPHERED else Reaction.NOT_VULNERABLE
