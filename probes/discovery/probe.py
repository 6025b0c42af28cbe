"""The discovery probe: which names exist under a domain, asked of its own servers at their pace."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar

import dns.exception
import dns.message
import dns.name
import dns.rdatatype

from probes.discovery.guess import mutations, words
from probes.discovery.search import Search
from probes.discovery.zone_walk import Walked, walk
from probes.dns.probe import ROOTS
from probes.dns.walk import Walker, Zone
from probes.facts.discovery import FoundName, NamesFound, ZoneWalk
from probes.interface import (
    Asset,
    AssetKind,
    DnsQuestion,
    FoundIn,
    IPAddress,
    Line,
    NameAnswer,
    Part,
    Probe,
    ProbeError,
    Reason,
    Shortfall,
    Sight,
    Yield,
)

#: Level at which names are guessed.
_GUESSING = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverySettings:
    """The resolver and roots as for the DNS probe; ``words`` is a file of labels in place of the list shipped.

    ``names`` are (name, where found) pairs imported earlier. ``most_mutations`` and ``most_walked`` bound what is
    asked; ``patience`` (seconds) and ``tries`` are those of a question.
    """

    resolver: str = ""
    roots: tuple[str, ...] = ROOTS
    words: str = ""
    names: tuple[tuple[str, FoundIn], ...] = ()
    most_mutations: int = 1000
    most_walked: int = 10_000
    patience: float = 1.0
    tries: int = 6


class DiscoveryProbe(Probe[DiscoverySettings]):
    """Finds names by the zone's own chain, by a list, by mutation, and confirms imported ones."""

    name: ClassVar[str] = "discovery"
    version: ClassVar[str] = "2"
    level: ClassVar[int] = 1
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.DOMAIN})
    Settings: ClassVar[type[DiscoverySettings]] = DiscoverySettings

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield the names found, the zones cut beneath the domain, and how many names could not be told."""
        walker = Walker(line, self.settings.roots, asset.name)
        zone, servers, question = await self._whom(walker, asset)
        walked = Walked(state=ZoneWalk.UNKNOWN)
        if zone is not None and zone.apex == dns.name.from_text(asset.name):
            walked = await walk(walker, zone, most=self.settings.most_walked)

        def ask(names: Iterable[str], rdtype: int = dns.rdatatype.A) -> AsyncIterator[NameAnswer]:
            return line.ask_names(
                names,
                servers,
                rdtype=rdtype,
                question=question,
                walking=asset.name,
                patience=self.settings.patience,
                tries=self.settings.tries,
            )

        search = Search(asset.name, ask)
        await self._search(search, walked, line.level)
        yield Sight(fact=_fact(search, walked, question))
        for cut in sorted(search.cuts):
            yield Asset(kind=AssetKind.DOMAIN, name=cut, found_by=asset.id, found_in=FoundIn.NS)
        if search.unanswered:
            (reason, _), *_ = Counter(search.unanswered).most_common(1)
            count = sum(search.unanswered.values())
            yield Shortfall(reason=reason, detail=f"{count} of {search.asked} names could not be told")

    async def _whom(self, walker: Walker, asset: Asset) -> tuple[Zone | None, tuple[IPAddress, ...], DnsQuestion]:
        """The zone's own servers, or the resolver where the mandate keeps to it."""
        try:
            zone = await walker.zone_of(dns.name.from_text(asset.name))
            if zone.addresses:
                return zone, zone.addresses, DnsQuestion.DELEGATION
            raise ProbeError(Reason.UNREACHABLE, f"no server of {zone.apex} has an address")
        except dns.exception.DNSException as error:
            raise ProbeError(Reason.UNKNOWN_HOST, f"not a name: {asset.name[:100]}") from error
        except ProbeError as error:
            if error.reason is Reason.INTERRUPTED or not self.settings.resolver:
                raise
        return None, (ip_address(self.settings.resolver),), DnsQuestion.RESOLVER

    async def _search(self, search: Search, walked: Walked, level: int) -> None:
        await search.model(search.domain)
        search.take(walked.hosts, FoundIn.ZONE_WALK)
        imported = [(n, f) for n, f in self.settings.names if n.endswith("." + search.domain)]
        for found_in in sorted({f for _, f in imported}):
            await search.look_for([n for n, f in imported if f is found_in], found_in)
        if level < _GUESSING:
            return
        if walked.state is not ZoneWalk.WALKED or walked.cut:
            await search.look_for((f"{word}.{search.domain}" for word in words(self.settings.words)), FoundIn.WORD_LIST)
            await search.look_for(self._mutated(search), FoundIn.MUTATION)

    def _mutated(self, search: Search) -> list[str]:
        """Neighbours of every name found, under the same parent."""
        by_parent: dict[str, set[str]] = {}
        for name in search.found:
            label, _, parent = name.partition(".")
            by_parent.setdefault(parent, set()).add(label)
        return [f"{label}.{parent}" for parent, labels in sorted(by_parent.items()) for label in mutations(labels)][
            : self.settings.most_mutations
        ]


def _fact(search: Search, walked: Walked, question: DnsQuestion) -> NamesFound:
    return NamesFound(
        asked_of="resolver" if question is DnsQuestion.RESOLVER else "authoritative",
        asked=search.asked,
        unanswered=sum(search.unanswered.values()),
        hidden=search.hidden,
        found=tuple(FoundName(name=name, found_in=found_in) for name, found_in in sorted(search.found.items())),
        wildcards=tuple(search.wildcards[parent] for parent in sorted(search.wildcards)),
        walk=walked.state,
        walked=len(walked.names),
        walk_cut=walked.cut,
    )
