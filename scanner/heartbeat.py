"""The heartbeat of a scan: a thread of its own renews the lease, whatever keeps the event loop busy."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator

from scanner.store.errors import LeaseLostError, StoreError

#: Seconds between two renewals, and before the next try while the store is away.
_EVERY, _AWAY = 30.0, 5.0


@contextlib.contextmanager
def beating(renew: Callable[[], None], stop: Callable[[], None], *, every: float = _EVERY) -> Iterator[None]:
    """Call ``renew`` again and again until the context ends; call ``stop`` in the running loop once the lease is lost.

    A store that is away for a while has taken the lease from nobody.
    """
    loop, ended = asyncio.get_running_loop(), threading.Event()

    def beat() -> None:
        wait = every
        while not ended.wait(wait):
            try:
                renew()
                wait = every
            except LeaseLostError:
                loop.call_soon_threadsafe(stop)
                return
            except StoreError:
                wait = min(every, _AWAY)

    thread = threading.Thread(target=beat, name="heartbeat")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
