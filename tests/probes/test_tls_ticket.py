"""Ticketbleed, against scripted fronts before a real OpenSSL that grants the tickets."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.facts.tls_behaviour import Reaction
from probes.tls.reach import opener
from probes.tls.ticket import granted, ticket_echo
from scanner.demo.listening import listening
from tests.lab.daemon import running
from tests.lab.line import open_line
from tests.probes.test_tls_behaviour import identity

FRONT, BACK, PORT = "127.93.2.1", "127.93.2.2", 18620
BAD, GOOD, UNKNOWN = Reaction.VULNERABLE, Reaction.NOT_VULNERABLE, Reaction.UNKNOWN
CHANGE, TICKET, CERTIFICATE = b"\x14\x03\x03\x00\x01\x01", b"\x04\0\0\0", b"\x0b\0\0\x03\0\0\0"


def hello(session: bytes, *, length: int | None = None) -> bytes:
    body = b"\x03\x03" + bytes(32) + bytes([len(session) if length is None else length]) + session + b"\x00\x9c\x00"
    return b"\x02" + len(body).to_bytes(3, "big") + body


def record(body: bytes, kind: int = 22) -> bytes:
    return struct.pack("!BHH", kind, 0x0303, len(body)) + body


@contextlib.asynccontextmanager
async def fronted(folder: Path, reaction: bytes | None) -> AsyncIterator[list[bytes]]:
    """Answer a hello whose session id has one byte with ``reaction``, None being silence; relay any other."""
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(5)
        first = head + await reader.readexactly(int.from_bytes(head[3:], "big"))
        if first[43] == 1:
            heard.append(first)
            writer.write(reaction or b"")
            await (reader.read() if reaction is None else writer.drain())
            return
        inner, outer = await asyncio.open_connection(BACK, PORT)
        outer.write(first)
        await asyncio.gather(piped(reader, outer), piped(inner, writer))

    chain, key = identity(folder)
    command: list[str | Path] = [
        "openssl",
        "s_server",
        "-quiet",
        "-tls1_2",
        "-accept",
        f"{BACK}:{PORT}",
        "-cert",
        chain,
        "-key",
        key,
    ]
    with running(command, [(BACK, PORT)], log=folder / "log"):
        async with listening(answer, FRONT, PORT):
            yield heard


async def piped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.mark.parametrize(
    ("reaction", "expected"),
    [
        (record(hello(b"x" + bytes(31))) + CHANGE, BAD),  # F5 BIG-IP before the correction
        (record(hello(b"x" + bytes(31)) + TICKET) + CHANGE, BAD),  # the same, with a fresh ticket
        (record(hello(b"x" + bytes(31))) + record(TICKET) + CHANGE, BAD),
        (record(hello(b"x")) + CHANGE, GOOD),
        (record(hello(b"")) + CHANGE, GOOD),  # against RFC 5077, but it gives nothing away
        (record(hello(bytes(32)) + CERTIFICATE), UNKNOWN),  # did not take the ticket: a session of its own making
        (record(hello(bytes(32))) + record(CERTIFICATE), UNKNOWN),  # a load balancer whose back ends share no key
        (record(b"\x02\x28", 21), UNKNOWN),
        (record(hello(b"", length=200)) + CHANGE, UNKNOWN),  # announces more than it sent
        (record(hello(b"x" + bytes(31)))[:60], UNKNOWN),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(60), UNKNOWN),
        (b"", UNKNOWN),
        (None, UNKNOWN),
    ],
)
async def test_an_echo_is_told_by_its_length_and_by_what_follows(
    tmp_path: Path, reaction: bytes | None, expected: Reaction
) -> None:
    line = open_line(domains=["test"], level=3)
    connect = opener(line, ip_address(FRONT), PORT, name="a.test", ports=(PORT,), patience=1.0, level=3)
    async with fronted(tmp_path, reaction) as heard:
        assert await ticket_echo(connect, "a.test") is expected
    assert len(heard) == 1


@given(st.binary(max_size=200))
def test_a_ticket_is_looked_for_in_anything(data: bytes) -> None:
    for heard in (data, record(data) + record(data)):
        assert len(granted(heard)) <= len(heard)


def test_a_ticket_is_found_across_records() -> None:
    message = b"\x04\x00\x00\x0a\x00\x00\x1c\x20\x00\x04abcd"
    assert granted(record(hello(b"")) + record(message[:7]) + record(message[7:]) + CHANGE) == b"abcd"
    assert granted(record(hello(b"")) + CHANGE + record(message)) == b""
