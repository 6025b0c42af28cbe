"""Health applications of origins that answer without end, and of those that never close: left in time, and told so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from probes.interface import Reason, Shortfall, Sight, service
from probes.services.health_web import HealthWebProbe, HealthWebSettings
from probes.services.http import is_whole
from scanner.demo.listening import listening
from tests.lab.line import open_line

ADDRESS, PORT, PATIENCE = "127.96.0.9", 8042, 0.5
ORTHANC = b'{"DicomAet":"ORTHANC","Version":"1.12.3"}'
Talk = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


async def looked_at(talk: Talk) -> tuple[list[str], list[Shortfall], int]:
    """The paths that told something, what was missed, and how often the origin was asked."""
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await talk((await reader.readuntil(b"\r\n\r\n")).split()[1], writer)

    probe = HealthWebProbe(HealthWebSettings(ports=(PORT,), patience=PATIENCE))
    async with listening(serve, ADDRESS, PORT), asyncio.timeout(8):
        seen = [one async for one in probe.look(service("tcp", PORT, ADDRESS, addresses=(ADDRESS,)), open_line())]
    paths = [getattr(one.fact, "path", "") for one in seen if isinstance(one, Sight)]
    return paths, [one for one in seen if isinstance(one, Shortfall)], asked


async def drip(path: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"<")
        await writer.drain()
        await asyncio.sleep(0.02)


async def orthanc_then_drip(path: bytes, writer: asyncio.StreamWriter) -> None:
    if path in {b"/", b"/system"}:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(ORTHANC), ORTHANC))
    else:
        await drip(path, writer)


async def never_close(path: bytes, writer: asyncio.StreamWriter) -> None:
    body = ORTHANC if path == b"/system" else b"no"
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    await asyncio.sleep(60)


@pytest.mark.parametrize(
    ("talk", "paths", "asked"),
    [(drip, [], 2), (orthanc_then_drip, ["/system"], 4)],
    ids=["from the start", "after a while"],
)
async def test_an_origin_that_drips_is_left_and_what_was_not_asked_is_missed(
    talk: Talk, paths: list[str], asked: int
) -> None:
    found, (missed,), times = await looked_at(talk)
    assert (found, times) == (paths, asked)
    assert (missed.reason, missed.detail) == (Reason.TIMED_OUT, f"{ADDRESS}: answers that do not end")


async def test_an_origin_that_never_closes_is_asked_everything_without_waiting() -> None:
    found, missed, times = await looked_at(never_close)
    assert (found, missed) == (["/system"], [])
    assert times == 8


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", True),
        (b"HTTP/1.1 200 OK\r\ncontent-length:2", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nok", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", False),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", False),
    ],
)
def test_an_answer_ends_where_its_head_says(data: bytes, whole: bool) -> None:
    assert is_whole(data) is whole
