"""Truncated answers of a volley, asked again over TCP, a few at a time and no longer than TCP answers."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from itertools import cycle

from probes.interface import Existence, IPAddress, NameAnswer, ProbeError, Reason
from scanner.volley import existence_of, question_section

#: Questions over TCP at once, and failures in a row after which TCP is no longer tried.
_AT_ONCE, _FAILURES = 8, 24


class Whole:
    """Turns ``truncated`` answers into whole ones. ``ask`` sends one message to a server over TCP."""

    def __init__(
        self,
        ask: Callable[[bytes, IPAddress], Awaitable[bytes]],
        servers: Sequence[IPAddress],
        *,
        rdtype: int,
        authoritative: bool,
    ) -> None:
        self._ask = ask
        self._servers = cycle(servers)
        self._rdtype = rdtype
        self._authoritative = authoritative
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._failures = 0

    async def answers(self, batch: Sequence[NameAnswer]) -> Sequence[NameAnswer]:
        """Return a batch with every truncated answer made whole where TCP allows it."""
        if not any(answer.reason is Reason.TRUNCATED for answer in batch):
            return batch
        return await asyncio.gather(*(self._one(answer) for answer in batch))

    async def _one(self, answer: NameAnswer) -> NameAnswer:
        wire = question_section(answer.name, self._rdtype) if answer.reason is Reason.TRUNCATED else None
        if wire is None:
            return answer
        async with self._gate:
            if self._failures >= _FAILURES:
                return answer
            flags = 0 if self._authoritative else 0x0100
            (number,) = struct.unpack("!H", os.urandom(2))
            try:
                found = await self._ask(struct.pack("!6H", number, flags, 1, 0, 0, 0) + wire, next(self._servers))
            except ProbeError as error:
                self._failures += 1
                if error.reason is Reason.INTERRUPTED:
                    raise
                return replace(answer, reason=error.reason)
        self._failures = 0
        existence, reason = existence_of(found, wire, authoritative=self._authoritative)
        kept = b"" if existence is Existence.ABSENT else found
        return replace(answer, existence=existence, reason=reason, wire=kept)
