"""The entries of a naming context kept as captures: runs of whole messages, each at most 4 MiB."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from probes.interface import Digest, Line

#: A capture is at most this long.
CHUNK = 4 << 20
#: One thread for all: a store has one writer, and each thread that compresses would hold some MiB of its own.
_KEEPER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="captures")

P = ParamSpec("P")
T = TypeVar("T")


async def aside(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run what compresses and writes in the thread for it, while the event loop goes on."""
    return await asyncio.get_running_loop().run_in_executor(_KEEPER, lambda: function(*args, **kwargs))


class Captures:
    """The entries kept as proof, in runs of whole messages."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._run: list[bytes] = []
        self._size = 0
        self._kept: list[Digest] = []

    def add(self, messages: Iterable[bytes]) -> None:
        """Add messages, and keep each run that is full."""
        for message in messages:
            if self._size + len(message) > CHUNK:
                self._flush()
            self._run.append(message)
            self._size += len(message)

    def digests(self) -> tuple[Digest, ...]:
        """Keep what is left and return the digests, in order."""
        self._flush()
        return tuple(self._kept)

    def _flush(self) -> None:
        if self._run:
            self._kept.append(self._line.keep(b"".join(self._run)))
        self._run, self._size = [], 0
