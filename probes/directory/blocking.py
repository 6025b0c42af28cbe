"""A blocking use of a connection in a thread, cut when its time is up and over before anybody closes the socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from probes.interface import ProbeError, Reason

T = TypeVar("T")

#: Seconds that a thread whose connection was cut is waited for: it wakes up at once, unless it is connecting still.
ENDING = 2.0
#: Threads of directories alone, started as they are needed, and enough that no use ever waits for one: its time would
#: run meanwhile, and what else the event loop puts into threads, the stop button among it, would wait behind it.
_THREADS = ThreadPoolExecutor(max_workers=512, thread_name_prefix="directory")


class Connected(Protocol):
    """What owns a connection."""

    def abort(self) -> None:
        """Cut the connection under whoever uses it."""
        ...


async def blocking(connection: Connected, seconds: float, function: Callable[[], T]) -> T:
    """Run a blocking use of a connection in a thread; cut the connection when time is up, or when we are stopped.

    The thread has ended when this returns: the number of a socket closed under it would soon be another socket's, on
    which it would wait for ever.
    """
    working = asyncio.get_running_loop().run_in_executor(_THREADS, function)
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.shield(working)
    except TimeoutError:
        await _cut(connection, working)
        raise ProbeError(Reason.TIMED_OUT, f"no whole answer in {seconds:g} s") from None
    except asyncio.CancelledError:
        await _cut(connection, working)
        raise


async def _cut(connection: Connected, working: asyncio.Future[T]) -> None:
    connection.abort()
    working.add_done_callback(_ended)
    await asyncio.wait({working}, timeout=ENDING)


def _ended(working: asyncio.Future[T]) -> None:
    """Take the error of a thread that was cut: it is no news."""
    if not working.cancelled():
        working.exception()
