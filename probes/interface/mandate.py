"""The mandate: who authorised what, until when, how deep, and on what scope."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A span of local time in which scanning is allowed: weekdays (Monday is 0), start and end.

    One that ends before it starts passes midnight, and belongs to the day on which it starts.
    """

    days: frozenset[int]
    start: time
    end: time

    def holds(self, local: datetime) -> bool:
        """Tell whether a local instant lies within."""
        at, day = local.time(), local.weekday()
        if self.start < self.end:
            return day in self.days and self.start <= at < self.end
        return (day in self.days and at >= self.start) or ((day - 1) % 7 in self.days and at < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """A name served by a provider, with the ports and the provider's authorisation."""

    name: str
    provider: str
    ports: frozenset[int]
    authorisation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a mandate lets Hygie look at; exclusions always win.

    ``directories`` are the ``ldap(s)://host[:port]`` addresses of the directories; ``exclusions`` are names
    (with everything beneath them) and networks.
    """

    domains: tuple[str, ...] = ()
    networks: tuple[IPNetwork, ...] = ()
    hosted: tuple[Hosted, ...] = ()
    directories: tuple[str, ...] = ()
    excluded_names: tuple[str, ...] = ()
    excluded_networks: tuple[IPNetwork, ...] = ()

    def own_networks(self) -> Iterator[IPNetwork]:
        """Yield the networks without what is excluded, cut into smaller ones where needed."""
        for network in self.networks:
            pieces: list[IPNetwork] = [network]
            for excluded in self.excluded_networks:
                pieces = [left for piece in pieces for left in _without(piece, excluded)]
            yield from pieces

    def holds_name(self, name: str) -> bool:
        """Tell whether a name is one of the domains, or beneath one, and not excluded."""
        return _beneath(name, self.domains) and not self.excludes_name(name)

    def excludes_name(self, name: str) -> bool:
        """Tell whether a name is excluded, or beneath an excluded name."""
        return _beneath(name, self.excluded_names)

    def hosted_name(self, name: str) -> Hosted | None:
        """Return the hosting declared for exactly this name."""
        wanted = canonical_name(name)
        return next((h for h in self.hosted if canonical_name(h.name) == wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """The authorisation to scan: who signed what, until when, how deep, and on what scope.

    ``document_sha256`` is empty when no document was declared. Dates are inclusive, read in UTC. ``identify_devices``
    lets industrial and building devices be asked for their name at level 3; else they are only connected to.
    """

    reference: str
    signatory: str
    document_sha256: str
    valid_from: date
    valid_until: date
    level: int
    scope: Scope
    windows: tuple[Window, ...] = ()
    identify_devices: bool = False


def canonical_name(name: str) -> str:
    """Return a DNS name in lower case, without final dot."""
    return name.rstrip(".").lower()


def _beneath(name: str, parents: Iterable[str]) -> bool:
    wanted = canonical_name(name)
    return any(wanted == p or wanted.endswith("." + p) for p in map(canonical_name, parents))


def _without(network: IPNetwork, excluded: IPNetwork) -> Iterable[IPNetwork]:
    if network.version != excluded.version or not network.overlaps(excluded):
        return (network,)
    if excluded.prefixlen <= network.prefixlen:
        return ()
    return sorted(network.address_exclude(excluded))  # type: ignore[arg-type]
