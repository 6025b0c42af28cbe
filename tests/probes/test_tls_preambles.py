"""TLS that starts on request: the preamble of each protocol, against servers that take it, refuse it, or lie."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from ipaddress import ip_address

import pytest

from probes.interface import ProbeError, Reason
from probes.tls.preamble import PREAMBLES
from probes.tls.probe import TlsProbe
from scanner.demo.listening import listening
from tests.lab.line import open_line

ADDRESS, PORT = "127.92.0.1", 18500
LDAP_YES = bytes.fromhex("300c02010178070a010004000400")
LDAP_NO = bytes.fromhex("300c02010178070a010204000400")
RDP_YES = bytes.fromhex("030000130ed00000123400020008000200 0000".replace(" ", ""))
RDP_NO = bytes.fromhex("030000130ed000001234000300080002000000")
MYSQL = b"\x0a8.0.36\0" + bytes(4) + b"x" * 8 + b"\0" + struct.pack("<H", 0xFFFF) + bytes(20)
NO_SSL = b"\x0a8.0.36\0" + bytes(4) + b"x" * 8 + b"\0" + struct.pack("<H", 0xF7FF) + bytes(20)


def packet(body: bytes) -> bytes:
    return len(body).to_bytes(3, "little") + b"\0" + body


@contextlib.asynccontextmanager
async def scripted(first: bytes, asked: int, then: bytes) -> AsyncIterator[list[bytes]]:
    """Say ``first``, hear ``asked`` bytes, say ``then``, and keep what else is heard."""
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        if asked:
            heard.append(await reader.readexactly(asked))
        writer.write(then)
        await writer.drain()
        heard.append(await reader.read(5))

    async with listening(answer, ADDRESS, PORT):
        yield heard


async def stepped(port: int) -> Reason:
    line = open_line()
    stream = await line.connect(ip_address(ADDRESS), PORT, deadline=2.0)
    try:
        await PREAMBLES[port](stream, line.identity)
        await stream.send(b"hello")
        await stream.receive(1)
    except ProbeError as error:
        return error.reason
    finally:
        await stream.close()
    return Reason.NONE


@pytest.mark.parametrize(
    ("port", "first", "asked", "then", "reason"),
    [
        (21, b"220-Welcome\r\n220 ready\r\n", 10, b"234 go\r\n", Reason.NONE),
        (21, b"220 ready\r\n", 10, b"502 what?\r\n", Reason.NOT_SPOKEN),
        (21, b"421 busy\r\n", 0, b"", Reason.NOT_SPOKEN),
        (389, b"", 31, LDAP_YES, Reason.NONE),
        (389, b"", 31, LDAP_NO, Reason.NOT_SPOKEN),
        (389, b"", 31, b"HTTP/1.1 400\r\n", Reason.NOT_SPOKEN),
        (5432, b"", 8, b"S", Reason.NONE),
        (5432, b"", 8, b"N", Reason.NOT_SPOKEN),
        (3306, packet(MYSQL), 36, b"", Reason.NONE),
        (3306, packet(NO_SSL), 0, b"", Reason.NOT_SPOKEN),
        (3306, packet(b"\xff\x6a\x04Host blocked"), 0, b"", Reason.NOT_SPOKEN),
        (3389, b"", 19, RDP_YES, Reason.NONE),
        (3389, b"", 19, RDP_NO, Reason.NOT_SPOKEN),
        (3389, b"", 19, b"\x03\x00\x00\x02", Reason.NOT_SPOKEN),
    ],
)
async def test_a_preamble_leads_to_the_hello_or_says_that_tls_is_not_spoken(
    port: int, first: bytes, asked: int, then: bytes, reason: Reason
) -> None:
    async with scripted(first, asked, then) as heard:
        assert await stepped(port) is reason
        await asyncio.sleep(0.05)
    if reason is Reason.NONE:
        assert heard[-1] == b"hello"


async def test_an_endless_reply_before_tls_ends() -> None:
    async with scripted(b"220-more\r\n" * 5000, 0, b""):
        assert await stepped(21) is Reason.TOO_LARGE


async def test_every_starttls_port_is_wanted() -> None:
    assert set(PREAMBLES).isdisjoint(TlsProbe.Settings().ports)
