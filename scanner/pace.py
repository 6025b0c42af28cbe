"""The pace: token buckets shared by all probes, over everything, each network and each address."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from probes.interface import IPAddress

#: Addresses share a network's bucket with what usually stands behind one firewall: /24 or /48, in bits left out.
_HOST_BITS = {4: 8, 6: 80}
#: The slowest an address that pushes back is asked, as a share of its rate; the share doubles after so many seconds.
_SLOWEST, _RECOVERY = 1 / 16, 60.0

#: An address or a network as a key: IP version and number. Hashing address objects costs more than the whole turn.
_Key = tuple[int, int]


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
        self._due = 0.0
        self._network_due: dict[_Key, float] = {}
        self._address_due: dict[_Key, float] = {}
        #: The share of its rate an address is asked at, and since when.
        self._slowed: dict[_Key, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def reserve(self, address: IPAddress) -> float:
        """Take the next turn for an address and return how long to wait for it, in seconds."""
        version, number = address.version, int(address)
        own, network = (version, number), (version, number >> _HOST_BITS[version])
        rates = self._rates
        ahead = rates.burst - 1
        with self._lock:
            now = self._clock()
            rate = rates.address * self._share(own, now) if own in self._slowed else rates.address
            # Generic cell rate: a bucket's due instant runs ahead of the clock by at most its burst.
            at_own, at_network = self._address_due.get(own, 0.0), self._network_due.get(network, 0.0)
            at = max(now, self._due - ahead / rates.overall, at_network - ahead / rates.network, at_own - ahead / rate)
            self._due = max(self._due, at) + 1.0 / rates.overall
            self._network_due[network] = max(at_network, at) + 1.0 / rates.network
            self._address_due[own] = max(at_own, at) + 1.0 / rate
            return at - now

    def slow_down(self, address: IPAddress) -> None:
        """Halve the rate of an address that pushes back, down to a sixteenth; it recovers by doubling each minute."""
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
