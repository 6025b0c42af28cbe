"""The reverse probe: the names that PTR records give to the addresses of a declared network."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from itertools import islice
from typing import ClassVar

import dns.exception
import dns.message
import dns.rdatatype

from probes.facts.discovery import ReverseNames
from probes.interface import (
    Asset,
    AssetKind,
    DnsQuestion,
    Existence,
    Line,
    NameAnswer,
    Part,
    Probe,
    ProbeError,
    Reason,
    Shortfall,
    Sight,
    Yield,
    host_name,
)

#: Shortest prefix of an IPv6 network gone through.
_SIX = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseSettings:
    """The configured resolver (numeric), and the most addresses asked about in one network."""

    resolver: str = ""
    most_addresses: int = 65_536


class ReverseProbe(Probe[ReverseSettings]):
    """Asks the resolver for the name of each address; a network too large to ask about is cut short, and said so."""

    name: ClassVar[str] = "reverse"
    version: ClassVar[str] = "1"
    level: ClassVar[int] = 1
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.NETWORK})
    Settings: ClassVar[type[ReverseSettings]] = ReverseSettings

    def wants(self, asset: Asset) -> bool:
        """IPv4 networks, and IPv6 ones that can be gone through: nobody names the addresses of a whole /64."""
        network = ip_network(asset.name)
        return network.version == 4 or network.prefixlen >= _SIX

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield the names of the network's addresses."""
        if not self.settings.resolver:
            raise ProbeError(Reason.UNREACHABLE, "no resolver is configured")
        network = ip_network(asset.name)
        wanted = {a.reverse_pointer: str(a) for a in islice(network, self.settings.most_addresses)}
        names: set[tuple[str, str]] = set()
        unanswered: Counter[Reason] = Counter()
        servers = (ip_address(self.settings.resolver),)
        async for answer in line.ask_names(
            wanted, servers, rdtype=dns.rdatatype.PTR, question=DnsQuestion.RESOLVER, walking=""
        ):
            if answer.existence is Existence.EXISTS:
                names |= {(wanted[answer.name], name) for name in _names(answer)}
            elif answer.existence is Existence.UNKNOWN:
                unanswered[answer.reason] += 1
        count = sum(unanswered.values())
        yield Sight(fact=ReverseNames(asked=len(wanted), unanswered=count, names=tuple(sorted(names))))
        if network.num_addresses > len(wanted):
            yield Shortfall(reason=Reason.BUDGET, detail=f"{len(wanted)} of {network.num_addresses} addresses asked")
        if count:
            yield Shortfall(
                reason=unanswered.most_common(1)[0][0], detail=f"{count} of {len(wanted)} addresses could not be told"
            )


def _names(answer: NameAnswer) -> list[str]:
    try:
        message = dns.message.from_wire(answer.wire, ignore_trailing=True)
    except dns.exception.DNSException:
        return []
    targets = [str(r.target) for rrset in message.answer if rrset.rdtype == dns.rdatatype.PTR for r in rrset]
    return [name for name in map(host_name, targets) if name]
