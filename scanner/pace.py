"""The pace: token buckets shared by all probes, over everything, each network and each address."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

from probes.interface import IPAddress

#: Addresses share a network's bucket with what usually stands behind one firewall: /24 or /48, in bits left out.
_HOST_BITS = {4: 8, 6: 80}
#: The slowest an address that pushes back is asked, as a share of its rate; the share doubles after so many seconds.
_SLOWEST, _RECOVERY = 1 / 128, 60.0

#: Most spans of a bucket kept for others; what is forgotten is not used, which only makes us slower.
_SPANS = 1024

#: An address or a network as a key: IP version and number. Hashing address objects costs more than the whole turn.
_Key = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Exchanges a second, with the burst allowed after a quiet time. ``fragile`` is the rate of an address where a
    service of a fragile family answered."""

    overall: float = 3000.0
    network: float = 750.0
    address: float = 75.0
    fragile: float = 20.0
    burst: int = 20


class _Bucket:
    """The turns of a network, or of everything: one every ``1 / rate`` seconds, and ``ahead`` more after a quiet time.

    A turn taken for later, because its address has to wait, leaves those before it to others: one busy address does
    not hold its neighbours up.
    """

    __slots__ = ("_ahead", "_due", "_free", "_width")

    def __init__(self, rate: float, ahead: float) -> None:
        self._width = 1.0 / rate
        self._ahead = ahead * self._width
        self._due = 0.0
        #: Spans before the due instant that nobody took, oldest first.
        self._free: list[tuple[float, float]] = []

    def take(self, now: float, earliest: float) -> float:
        """Take the first turn from an instant on, and return when it is."""
        oldest, free, width = now - self._ahead, self._free, self._width
        if not free and earliest <= now:
            at = self._due if self._due > oldest else oldest
            self._due = at + width
            return at if at > now else now
        start = oldest if earliest <= now else earliest
        while free and free[0][1] - width < oldest:
            free.pop(0)
        place = bisect_left(free, start + width, key=_end)
        if place < len(free):
            begin, end = free[place]
            at = max(begin, start)
            if at + width <= end:
                left = ((begin, at), (at + width, end))
                free[place : place + 1] = [span for span in left if span[1] - span[0] >= width]
                return max(now, at)
        at = max(self._due, start)
        quiet = max(self._due, oldest)
        if at - quiet >= width and len(free) < _SPANS:
            free.append((quiet, at))
        self._due = at + width
        return max(now, at)


def _end(span: tuple[float, float]) -> float:
    return span[1]


class Pace:
    """Hands out turns. ``reserve`` is thread-safe and returns seconds to wait; the clock is monotonic."""

    def __init__(self, rates: Rates, clock: Callable[[], float] = time.monotonic) -> None:
        self._rates = rates
        self._clock = clock
        self._overall = _Bucket(rates.overall, rates.burst - 1)
        self._networks: dict[_Key, _Bucket] = {}
        #: When the next turn of an address is due: an idle one costs one number.
        self._address_due: dict[_Key, float] = {}
        self._fragile: set[_Key] = set()
        #: The share of its rate an address is asked at, and since when.
        self._slowed: dict[_Key, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def reserve(self, address: IPAddress) -> float:
        """Take the next turn for an address and return how long to wait for it, in seconds."""
        version, number = address.version, int(address)
        own, network = (version, number), (version, number >> _HOST_BITS[version])
        rates = self._rates
        with self._lock:
            now = self._clock()
            rate = min(rates.fragile, rates.address) if own in self._fragile else rates.address
            if own in self._slowed:
                rate *= self._share(own, now)
            if (bucket := self._networks.get(network)) is None:
                bucket = self._networks[network] = _Bucket(rates.network, rates.burst - 1)
            # Generic cell rate: a bucket's due instant runs ahead of the clock by at most its burst.
            due = self._address_due.get(own, 0.0)
            at = self._overall.take(now, bucket.take(now, due - (rates.burst - 1) / rate))
            self._address_due[own] = (due if due > at else at) + 1.0 / rate
            return at - now

    def handle_with_care(self, address: IPAddress) -> None:
        """Ask an address at the rate of the fragile ones from now on."""
        self._fragile.add((address.version, int(address)))

    def slow_down(self, address: IPAddress) -> None:
        """Halve the rate of an address that pushes back, down to a 128th; it recovers by doubling each minute."""
        key = (address.version, int(address))
        with self._lock:
            now = self._clock()
            self._slowed[key] = max(self._share(key, now) / 2, _SLOWEST), now

    def share(self, address: IPAddress) -> float:
        """Return the share of its rate that an address is asked at: 1 unless it pushed back lately."""
        with self._lock:
            return self._share((address.version, int(address)), self._clock())

    def _share(self, key: _Key, now: float) -> float:
        share, since = self._slowed.get(key, (1.0, now))
        return float(min(share * 2 ** ((now - since) // _RECOVERY), 1.0))
