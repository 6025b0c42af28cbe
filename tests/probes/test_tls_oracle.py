"""ROBOT, against a server that deciphers what it is sent and reacts as it was told to; nothing leaves loopback."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from itertools import cycle

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from probes.facts.tls_behaviour import Oracle
from probes.tls.exchange import Connect
from probes.tls.oracle import Padding, padding_oracle
from probes.tls.reach import opener
from scanner.demo.certificates import Identity, leaf
from scanner.demo.listening import listening
from tests.lab.line import open_line

ADDRESS, PORT = "127.93.1.1", 18610
KEY = leaf(None, ("a.test",), datetime.now(UTC), rsa_bits=2048)


def alert(description: int) -> bytes:
    return b"\x15\x03\x03\x00\x02\x02" + bytes([description])


BAD_MAC, ILLEGAL = alert(20), alert(47)
#: What a server does once it has deciphered: says something and hangs up; None is silence.
React = Callable[[Padding, bool, int], bytes | None]


def padding(plain: bytes) -> Padding:
    """What a careless library sees in what it deciphered."""
    if plain[:2] != b"\x00\x02":
        return Padding.WRONG_START
    zero = plain.find(b"\0", 2)
    if zero < 0:
        return Padding.NO_ZERO
    if len(plain) - zero - 1 != 48:
        return Padding.LATE_ZERO
    return Padding.GOOD if plain[zero + 1 : zero + 3] == b"\x03\x03" else Padding.WRONG_VERSION


@dataclass(kw_only=True)
class Server:
    """Takes TLS_RSA_WITH_AES_128_CBC_SHA only, as ``react`` says: by padding, by whether Finished came, by turn."""

    react: React
    identity: Identity = KEY
    suite: int = 0x002F
    request: bool = False
    taken: int = 0
    asked: list[Padding] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._record(reader)
            writer.write(self._greeting())
            body = await self._record(reader)
            assert body[:1] == b"\x10"
            numbers = self.identity.key.private_numbers()
            assert isinstance(numbers, rsa.RSAPrivateNumbers)
            modulus = numbers.public_numbers.n
            size = (modulus.bit_length() + 7) // 8
            assert len(body) == 6 + size
            plain = pow(int.from_bytes(body[6:], "big"), numbers.d, modulus).to_bytes(size, "big")
            self.asked.append(padding(plain))
            whole = await self._rest(reader)
            reaction = self.react(self.asked[-1], whole, len(self.asked) - 1)
            if reaction is None:
                await reader.read()
            else:
                writer.write(reaction)

    def _greeting(self) -> bytes:
        certificate = self.identity.chain[0].public_bytes(Encoding.DER)
        entry = len(certificate).to_bytes(3, "big") + certificate
        messages = [(2, b"\x03\x03" + bytes(32) + b"\0" + struct.pack("!HB", self.suite, 0))]
        messages.append((11, len(entry).to_bytes(3, "big") + entry))
        messages += [(13, b"\x01\x01\x00\x00\x00\x00")] if self.request else []
        messages.append((14, b""))
        body = b"".join(bytes([kind]) + len(data).to_bytes(3, "big") + data for kind, data in messages)
        return struct.pack("!BHH", 22, 0x0303, len(body)) + body

    async def _record(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readexactly(5)
        return await reader.readexactly(int.from_bytes(head[3:], "big"))

    async def _rest(self, reader: asyncio.StreamReader) -> bool:
        """Whether the change of cipher and Finished came along."""
        try:
            async with asyncio.timeout(0.05):
                return await self._record(reader) == b"\x01" and len(await self._record(reader)) == 80
        except TimeoutError:
            return False


def to_it() -> Connect:
    line = open_line(domains=["test"], level=3)
    return opener(line, ip_address(ADDRESS), PORT, name="a.test", ports=(PORT,), patience=2.0, level=3)


async def told(server: Server, *, reaction: float = 0.4) -> Oracle:
    async with listening(server.answer, ADDRESS, PORT):
        return await padding_oracle(to_it(), "a.test", reaction)


def healthy(seen: Padding, whole: bool, turn: int) -> bytes | None:
    """RFC 5246 7.4.7.1: goes on with a random secret, and cannot decipher Finished."""
    return BAD_MAC if whole else None


def strong(seen: Padding, whole: bool, turn: int) -> bytes | None:
    """Says which kind of padding it did not like."""
    return ILLEGAL if seen in {Padding.WRONG_START, Padding.LATE_ZERO} else healthy(seen, whole, turn)


def weak(seen: Padding, whole: bool, turn: int) -> bytes | None:
    """Treats everything but a whole well padded secret alike."""
    return healthy(seen, whole, turn) if seen is Padding.GOOD else ILLEGAL


def version_told(seen: Padding, whole: bool, turn: int) -> bytes | None:
    """Says that the version in a well padded secret is not the one offered (Klima, Pokorny, Rosa, 2003)."""
    return ILLEGAL if seen is Padding.WRONG_VERSION else healthy(seen, whole, turn)


def short_only(seen: Padding, whole: bool, turn: int) -> bytes | None:
    """Refuses bad padding at once only where nothing else came."""
    return BAD_MAC if whole else None if seen is Padding.GOOD else b""


def silent_on_bad(seen: Padding, whole: bool, turn: int) -> bytes | None:
    return BAD_MAC if seen is Padding.GOOD else None


def twice(seen: Padding, whole: bool, turn: int) -> bytes | None:
    """Says the same alert twice where the padding was bad."""
    return BAD_MAC if seen is Padding.GOOD else BAD_MAC * 2


@pytest.mark.parametrize(
    ("react", "expected"),
    [
        (healthy, Oracle.NONE),
        (lambda *_: b"", Oracle.NONE),  # hangs up, whatever it was sent
        (lambda *_: ILLEGAL, Oracle.NONE),
        (strong, Oracle.STRONG),
        (weak, Oracle.WEAK),
        (version_told, Oracle.WEAK),
        (short_only, Oracle.WEAK),
        (silent_on_bad, Oracle.WEAK),
        (twice, Oracle.WEAK),
        (lambda *_: None, Oracle.UNKNOWN),  # never reacts: nothing was told
    ],
)
async def test_an_oracle_is_told_by_how_answers_differ(react: React, expected: Oracle) -> None:
    assert await told(Server(react=react)) is expected


def under_load() -> React:
    """A server that hangs up without a word every third time, whatever it was sent."""
    return lambda seen, whole, turn: b"" if turn % 3 == 2 else BAD_MAC


def two_backs() -> React:
    """Two different servers behind one address, in turn."""
    return lambda seen, whole, turn: (BAD_MAC, ILLEGAL)[turn % 2]


def by_chance() -> React:
    """A server that answers with whatever alert comes next in a list that is as long as no pass."""
    alerts = cycle([BAD_MAC, ILLEGAL, BAD_MAC, BAD_MAC, alert(80), ILLEGAL, alert(10)])
    return lambda seen, whole, turn: next(alerts)


@pytest.mark.parametrize("react", [under_load, two_backs, by_chance])
async def test_what_depends_on_the_turn_is_no_oracle(react: Callable[[], React]) -> None:
    assert await told(Server(react=react())) is Oracle.INCONSISTENT


async def test_every_kind_of_padding_is_sent_and_no_more_than_told() -> None:
    server = Server(react=strong)
    await told(server)
    assert sorted(server.asked) == sorted(list(Padding) * 3)
    assert server.taken == 16
    server = Server(react=short_only)
    await told(server)
    assert (len(server.asked), server.taken) == (20, 21)


async def test_a_server_without_encrypted_keys_has_no_object() -> None:
    assert await told(Server(react=healthy, suite=0xC02F)) is Oracle.NO_OBJECT


async def test_a_server_that_wants_a_certificate_of_ours_is_not_told() -> None:
    assert await told(Server(react=healthy, request=True)) is Oracle.UNKNOWN


async def test_a_server_that_leaves_in_mid_question_is_not_told() -> None:
    server = Server(react=healthy)

    async def blocking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if server.taken < 4:
            await server.answer(reader, writer)

    async with listening(blocking, ADDRESS, PORT):
        assert await padding_oracle(to_it(), "a.test", 0.3) is Oracle.UNKNOWN


async def test_a_reaction_that_drips_ends_in_time() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = Server(react=healthy)
        await server._record(reader)
        writer.write(server._greeting())
        with contextlib.suppress(ConnectionError):
            for byte in b"\x15\x03\x03\x01\x00" + bytes(256):
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.02)

    async with listening(drip, ADDRESS, PORT), asyncio.timeout(6):
        assert await padding_oracle(to_it(), "a.test", 0.3) is Oracle.UNKNOWN
