"""A blocking use of a connection: cut in time, and its thread over before the socket is closed."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from probes.directory.blocking import blocking
from probes.interface import ProbeError, Reason


class Held:
    """One end of a pair of sockets, on which a thread reads for ever."""

    def __init__(self) -> None:
        self.near, self.far = socket.socketpair()
        self.ended = False

    def read(self) -> bytes:
        try:
            while self.near.recv(10):
                pass
            time.sleep(0.2)  # what a loaded machine takes to come back from the call
        finally:
            self.ended = True
        raise OSError("cut")

    def abort(self) -> None:
        self.near.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held()
    with held.near, held.far:
        yield held


async def test_when_time_is_up_the_thread_has_ended(held: Held) -> None:
    with pytest.raises(ProbeError, match=r"no whole answer in 0\.1 s") as failure:
        await blocking(held, 0.1, held.read)
    assert failure.value.reason is Reason.TIMED_OUT
    assert held.ended


async def test_when_we_are_stopped_the_thread_has_ended(held: Held) -> None:
    working = asyncio.create_task(blocking(held, 60.0, held.read))
    await asyncio.sleep(0.1)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert held.ended


async def test_what_the_thread_finds_or_raises_is_passed_on(held: Held) -> None:
    assert await blocking(held, 5.0, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await blocking(held, 5.0, lambda: 1 // 0)


async def test_no_use_waits_for_a_free_thread_and_none_keeps_the_others_from_theirs(held: Held) -> None:
    meeting = threading.Barrier(41)
    uses = [asyncio.create_task(blocking(held, 5.0, meeting.wait)) for _ in range(40)]
    last = await asyncio.to_thread(meeting.wait, 5.0)
    assert sorted([last, *await asyncio.gather(*uses)]) == list(range(41))
