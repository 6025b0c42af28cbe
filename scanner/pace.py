"""The pace: token buckets shared by all probes, over everything, each network and each address."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_network

from probes.interface import IPAddress, IPNetwork

#: Networks share a bucket: what usually stands behind one firewall.
_NETWORK = {4: 24, 6: 48}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Exchanges a second, with the burst allowed after a quiet time; the defaults disturb nobody."""

    overall: float = 500.0
    network: float = 50.0
    address: float = 5.0
    burst: int = 20


class Pace:
    """Hands out turns. ``reserve`` is thread-safe and returns seconds to wait; the clock is monotonic.

    A bucket is kept as the instant its next turn is due, so an idle bucket costs one number.
    """

    def __init__(self, rates: Rates, clock: Callable[[], float] = time.monotonic) -> None:
        self._rates = rates
        self._clock = clock
        self._due: dict[object, float] = {}
        self._slowed: dict[IPAddress, float] = {}
        self._lock = threading.Lock()

    def reserve(self, address: IPAddress) -> float:
        """Take the next turn for an address and return how long to wait for it, in seconds."""
        network = _network(address)
        rates = self._rates
        with self._lock:
            now = self._clock()
            own = rates.address * self._slowed.get(address, 1.0)
            buckets = (("all", rates.overall), (network, rates.network), (address, own))
            # Generic cell rate: a bucket's due instant runs ahead of the clock by at most its burst.
            at = max(now, *(self._due.get(key, 0.0) - (rates.burst - 1) / rate for key, rate in buckets))
            for key, rate in buckets:
                self._due[key] = max(self._due.get(key, 0.0), at) + 1.0 / rate
            return at - now

    def slow_down(self, address: IPAddress) -> None:
        """Halve the rate of an address that pushes back, down to a sixteenth."""
        with self._lock:
            self._slowed[address] = max(self._slowed.get(address, 1.0) / 2, 1 / 16)


@lru_cache(maxsize=4096)
def _network(address: IPAddress) -> IPNetwork:
    return ip_network((address, _NETWORK[address.version]), strict=False)
