"""The addresses of a declared network to which no name leads: what a list of names alone would never show."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from ipaddress import ip_network

from probes.interface import Asset
from scanner.journal import StepResult

#: Shortest prefix of an IPv6 network whose addresses are gone through (nobody goes through a /64), and most addresses
#: of one network.
_SIX, _MOST = 120, 65_536


def named(declared: Iterable[Asset], told: Iterable[StepResult]) -> set[str]:
    """Return the addresses of the hosts that steps of the DNS alone lead to from what was declared.

    Hosts that other steps met meanwhile do not count, so that two scans tell the same.
    """
    led: dict[str, list[Asset]] = {}
    for result in told:
        led.setdefault(result.step.asset.id, []).extend(result.found)
    todo = [asset.id for asset in declared]
    reached, addresses = set(todo), set[str]()
    while todo:
        for found in led.get(todo.pop(), ()):
            addresses.update(found.addresses)
            if found.id not in reached:
                reached.add(found.id)
                todo.append(found.id)
    return addresses


def without_names(networks: Iterable[Asset], taken: Set[str]) -> Iterator[Asset]:
    """Yield each network with its addresses that are not taken, none of them twice."""
    seen = set(taken)
    for network in networks:
        own = ip_network(network.name)
        # The first and the last too: a declared block may be a slice of a larger network.
        every = own if own.version == 4 or own.prefixlen >= _SIX else ()
        addresses = tuple(a for a in map(str, itertools.islice(every, _MOST)) if a not in seen)
        seen.update(addresses)
        yield replace(network, addresses=addresses)
