"""The stop button: every wait of the Line ends when it is pressed."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator

from probes.interface import ProbeError, Reason

#: Seconds between two questions whether a scan was asked to stop.
_ASKED_EVERY = 0.5


class StopButton:
    """Pressed once, in the loop's thread; then every wait it bounds, and every later one, is ``interrupted``."""

    def __init__(self) -> None:
        self._pressed = threading.Event()
        self._waits: set[asyncio.Timeout] = set()

    @property
    def pressed(self) -> bool:
        """Whether it was pressed; readable from any thread."""
        return self._pressed.is_set()

    def press(self) -> None:
        """End what waits."""
        self._pressed.set()
        for wait in self._waits:
            if not wait.expired():
                wait.reschedule(0.0)

    def check(self) -> None:
        """Raise ``interrupted`` once pressed."""
        if self.pressed:
            raise ProbeError(Reason.INTERRUPTED)

    @contextlib.asynccontextmanager
    async def bound(self, until: float | None, what: str = "") -> AsyncIterator[None]:
        """Bound what is awaited inside by an instant of the loop's clock: ``timed-out`` after it."""
        self.check()
        try:
            async with asyncio.timeout_at(until) as wait:
                self._waits.add(wait)
                try:
                    yield
                finally:
                    self._waits.discard(wait)
        except TimeoutError as error:
            raise ProbeError(Reason.INTERRUPTED if self.pressed else Reason.TIMED_OUT, what) from error


class Stops:
    """What a stop ends. One that comes before there is anything to end, ends it as soon as it is there."""

    def __init__(self) -> None:
        self._ends: list[Callable[[], None]] = []
        self._pressed = False

    def add(self, *ends: Callable[[], None]) -> None:
        """Add what is to be ended."""
        self._ends += ends
        if self._pressed:
            self.press()

    def press(self) -> None:
        """End everything; in the loop's thread."""
        self._pressed = True
        for end in self._ends:
            end()


@contextlib.contextmanager
def on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` in the running loop at SIGINT or SIGTERM, instead of raising ``KeyboardInterrupt``."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def on_hangup(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` in the running loop once whoever held the other end of standard input has gone."""
    loop, stream = asyncio.get_running_loop(), 0

    def gone() -> None:
        loop.remove_reader(stream)
        stop()

    loop.add_reader(stream, gone)
    try:
        yield
    finally:
        loop.remove_reader(stream)


@contextlib.contextmanager
def on_request(asked: Callable[[], bool], stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` in the running loop once ``asked`` says so; it is asked in a thread, twice a second."""
    watch = asyncio.get_running_loop().create_task(_watch(asked, stop))
    try:
        yield
    finally:
        watch.cancel()


async def _watch(asked: Callable[[], bool], stop: Callable[[], None]) -> None:
    while not await asyncio.to_thread(asked):
        await asyncio.sleep(_ASKED_EVERY)
    stop()
