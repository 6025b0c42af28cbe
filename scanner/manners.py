"""Manners: who pushes back is asked more slowly, then left alone; who is fragile is handled with care."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from probes.interface import IPAddress, ProbeError, Reason
from probes.interface.fragile import is_fragile
from scanner.pace import Pace

#: Connections in a row that an address which used to answer may lose before it is left alone, and for how long (s).
_LOSSES, _REST = 5, 60.0
_LOSS = {Reason.TIMED_OUT, Reason.CONNECTION_LOST}


class Manners:
    """What the Line remembers of addresses: which answered, which push back, which are fragile.

    A loss is a connection that got no answer from an address that answered before: a refusal is an answer.
    """

    def __init__(self, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace = pace
        self._clock = clock
        self._answered: set[IPAddress] = set()
        self._losses: dict[IPAddress, int] = {}
        self._rests_until: dict[IPAddress, float] = {}
        self._turns: dict[IPAddress, asyncio.Lock] = {}

    def check(self, address: IPAddress) -> None:
        """Raise ``blocked`` while an address is left alone."""
        if self._rests_until.get(address, 0.0) > self._clock():
            raise ProbeError(Reason.BLOCKED, f"{address} answered, then no more; left alone for {_REST:.0f} s")

    def answered(self, address: IPAddress, port: int) -> None:
        """Note that an address accepted a connection on a port."""
        self._answered.add(address)
        self._losses.pop(address, None)
        if is_fragile(port):
            self._handle_with_care(address)

    def failed(self, address: IPAddress, reason: Reason) -> None:
        """Note that a connection failed; raise ``blocked`` when an address that answered is silent for too long."""
        if reason is Reason.REFUSED:
            self._answered.add(address)
            self._losses.pop(address, None)
        if reason not in _LOSS or address not in self._answered:
            return
        self._pace.slow_down(address)
        self._losses[address] = self._losses.get(address, 0) + 1
        if self._losses[address] >= _LOSSES:
            self._losses[address] = 0
            self._rests_until[address] = self._clock() + _REST
            self.check(address)

    def turn(self, address: IPAddress, port: int) -> asyncio.Lock | None:
        """Return the lock that a connection to a fragile address holds, or None: anything else is not fragile."""
        if is_fragile(port):
            self._handle_with_care(address)
        return self._turns.get(address)

    def _handle_with_care(self, address: IPAddress) -> None:
        if address not in self._turns:
            self._turns[address] = asyncio.Lock()
            self._pace.handle_with_care(address)
