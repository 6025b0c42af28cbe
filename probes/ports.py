"""The ports probe: a connect sweep of the short list over every address of a host, or of a declared network."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar

from probes.facts.ports import AddressSwept, Canary, OpenToAll, PortsSwept, RangeSwept
from probes.interface import (
    Asset,
    AssetKind,
    Fact,
    FoundIn,
    IPAddress,
    Line,
    Part,
    PortAnswer,
    PortState,
    Probe,
    ProbeError,
    Reason,
    Shortfall,
    Sight,
    Yield,
    service,
)

# Web, mail, files, remote access, directories, databases, administration, health, printing; one line a family.
SHORT_LIST = (
    *(80, 443, 8000, 8006, 8008, 8080, 8081, 8088, 8443, 8888, 9443, 10443, 4443, 5000, 5001, 10000),
    *(25, 110, 143, 465, 587, 993, 995),
    *(20, 21, 69, 111, 139, 445, 548, 873, 990, 2049),
    *(22, 23, 2222, 2323, 3389, 5900, 5901, 5902, 5938, 5985, 5986, 7070, 8040, 5631, 6000),
    *(53, 88, 135, 389, 464, 636, 3268, 3269),
    *(1433, 1521, 3050, 3306, 5432, 5984, 6379, 9042, 9200, 11211, 27017, 50000),
    *(2375, 2376, 2379, 6443, 10250, 8009, 1099, 2181, 5672, 1883, 8883, 9090, 3000, 5601, 8161, 7001),
    *(104, 2575, 2761, 2762, 4242, 6661, 8042, 8104, 11112, 11113, 1972, 52773),
    *(515, 631, 9100, 554, 1720, 5060, 5061, 102, 502, 1911, 2404, 4840, 4911, 20000, 44818),
)


#: Ports whose services speak first, so that a mere connection tells whether somebody is there; and those of the web,
#: behind which the web's own probes tell.
_SPEAK_FIRST = (22, 21, 25, 110, 143, 3306, 5900, 587, 2222, 23, 873)
_WEB = frozenset({80, 443})
#: Level from which the full range may be asked.
_FULL_LEVEL = 3
#: Most answers of a sweep that are kept for other names.
_SHARED = 4096
#: What a sweep asks.
Targets = tuple[tuple[IPAddress, int], ...]
_ANSWERS = frozenset({PortState.OPEN, PortState.CLOSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class PortsSettings:
    """The ports asked, the patience of a connection (seconds) and the tries on silence.

    ``full_range`` asks all 65 535 at level 3, hours at the default pace. From ``all_open`` open ports on, when they are
    more than ``all_open_share`` of those asked, an address is taken for a proxy or a tarpit until somebody speaks.
    """

    short: tuple[int, ...] = SHORT_LIST
    full_range: bool = False
    patience: float = 2.0
    tries: int = 2
    #: Addresses swept of one host, and of one network, at the most.
    most_addresses: int = 8
    most_of_network: int = 1024
    all_open: int = 20
    all_open_share: float = 0.6


class PortsProbe(Probe[PortsSettings]):
    """Sees which ports of a host accept a connection, refuse it, or stay silent."""

    name: ClassVar[str] = "ports"
    version: ClassVar[str] = "2"
    level: ClassVar[int] = 2
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.HOST, AssetKind.ADDRESS, AssetKind.NETWORK})
    Settings: ClassVar[type[PortsSettings]] = PortsSettings
    #: A silent network of 1024 addresses takes 20 minutes at the default pace, the full range of one address hours.
    deadline: ClassVar[float] = 8 * 3600.0

    def __init__(self, settings: PortsSettings) -> None:
        super().__init__(settings)
        # Several names of the same addresses are one question: the first that comes asks, the others wait for it.
        self._turns: dict[Targets, asyncio.Lock] = {}
        self._shared: dict[Targets, tuple[tuple[PortAnswer, ...], set[str]]] = {}

    def wants(self, asset: Asset) -> bool:
        """A host is swept once its addresses are known, a network once it is known which of its have no name."""
        if asset.kind is AssetKind.ADDRESS:
            return asset.found_in is not FoundIn.RANGE
        return bool(asset.addresses)

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Sweep the granted addresses; yield the open services, named by the host."""
        seen = self._network(asset, line) if asset.kind is AssetKind.NETWORK else self._host(asset, line)
        async for one in seen:
            yield one

    async def look_again(self, asset: Asset, line: Line, seen: Sequence[Fact]) -> AsyncIterator[Yield]:
        """Ask the open ports again; the states of the others are the first look's."""
        first = next((fact for fact in seen if isinstance(fact, PortsSwept) and not fact.open_to_all), None)
        if first is None:
            async for one in self.look(asset, line):
                yield one
            return
        name = asset.name if asset.kind is AssetKind.HOST else ""
        opened = [(ip_address(a.address), a.port) for a in first.answers if a.state is PortState.OPEN]
        answers = [a for a in first.answers if a.state is not PortState.OPEN]
        again = line.sweep(opened, name=name, patience=self.settings.patience, tries=self.settings.tries)
        answers += [answer async for answer in again]
        async for one in self._told(asset, line, answers, name):
            yield one

    async def _network(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Sweep the addresses that no name leads to; those with an open port are told as addresses of their own."""
        texts = asset.addresses[: self.settings.most_of_network]
        if len(texts) < len(asset.addresses):
            yield Shortfall(reason=Reason.BUDGET, detail=f"{len(texts)} of {len(asset.addresses)} addresses swept")
        targets = [(ip_address(text), port) for port in self.settings.short for text in texts]
        answers: dict[str, list[PortAnswer]] = defaultdict(list)
        async for answer in line.sweep(targets, patience=self.settings.patience, tries=self.settings.tries):
            answers[answer.address].append(answer)
        canaries = dict(zip(texts, await asyncio.gather(*(self._canary(line, answers[t], "") for t in texts)),
                            strict=True))  # fmt: skip
        fact = RangeSwept(
            ports=tuple(sorted(self.settings.short)),
            addresses=tuple(_swept(text, answers[text], canaries[text]) for text in texts),
        )
        yield Sight(fact=fact)
        for swept in fact.addresses:
            if swept.canary is Canary.LOST:
                line.slow_down(ip_address(swept.address))
                detail = f"{swept.address} answered, then fell silent during the sweep"
                yield Shortfall(reason=Reason.BLOCKED, detail=detail)
            if swept.open:
                async for found in self._address(asset, line, answers[swept.address], swept):
                    yield found

    async def _address(
        self, network: Asset, line: Line, own: list[PortAnswer], swept: AddressSwept
    ) -> AsyncIterator[Yield]:
        """An address with open ports: its own asset, its sweep and its services, as if it had been asked alone."""
        address = Asset(kind=AssetKind.ADDRESS, name=swept.address, found_by=network.id, found_in=FoundIn.RANGE)
        proxies = await self._open_to_all(line, own, "")
        own.sort(key=lambda a: a.port)
        yield address
        yield Sight(
            fact=PortsSwept(answers=tuple(own), canaries=((swept.address, swept.canary),), open_to_all=tuple(proxies)),
            asset=address,
        )
        for found in self._services(address, own, proxies):
            yield found

    async def _host(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        name = asset.name if asset.kind is AssetKind.HOST else ""
        granted, refusals = self._targets(asset, line, name)
        for refusal in refusals:
            yield Shortfall(reason=refusal.reason, detail=refusal.detail)
        if not granted and refusals:
            raise refusals[-1]
        answers = await self._asked(asset, line, tuple(granted), name)
        async for one in self._told(asset, line, answers, name):
            yield one

    async def _told(self, asset: Asset, line: Line, answers: list[PortAnswer], name: str) -> AsyncIterator[Yield]:
        """The sweep of a host with its canaries, and the services that it leads to."""
        canaries, proxies = [], []
        for address in sorted({answer.address for answer in answers}):
            own = [a for a in answers if a.address == address]
            canary = await self._canary(line, own, name)
            canaries.append((address, canary))
            if canary is Canary.LOST:
                line.slow_down(ip_address(address))
                yield Shortfall(reason=Reason.BLOCKED, detail=f"{address} answered, then fell silent during the sweep")
            proxies += await self._open_to_all(line, own, name)
        answers.sort(key=lambda a: (a.address, a.port))
        yield Sight(
            fact=PortsSwept(answers=tuple(answers), canaries=tuple(sorted(canaries)), open_to_all=tuple(proxies))
        )
        for found in self._services(asset, answers, proxies):
            yield found

    async def _asked(self, asset: Asset, line: Line, granted: Targets, name: str) -> list[PortAnswer]:
        """Sweep, or share the sweep that another name of the same addresses had; who comes again asks anew."""
        async with self._turns.setdefault(granted, asyncio.Lock()):
            answers, names = self._shared.get(granted, ((), {asset.id}))
            if asset.id in names:
                swept = line.sweep(granted, name=name, patience=self.settings.patience, tries=self.settings.tries)
                answers, names = tuple([answer async for answer in swept]), set()
            names.add(asset.id)
            if len(granted) <= _SHARED:
                self._shared[granted] = (answers, names)
            return list(answers)

    def _targets(self, asset: Asset, line: Line, name: str) -> tuple[list[tuple[IPAddress, int]], list[ProbeError]]:
        """What the mandate grants, the likeliest ports first, and a refusal for each address without any."""
        texts = asset.addresses[: self.settings.most_addresses] if name else (asset.name,)
        ports = self.settings.short
        if self.settings.full_range and line.level >= _FULL_LEVEL:
            ports = (*ports, *sorted(set(range(1, 65536)) - set(ports)))
        granted: list[tuple[IPAddress, int]] = []
        refusals: dict[IPAddress, ProbeError] = {}
        addresses = [ip_address(text) for text in texts]
        for port in ports:
            for address in addresses:
                try:
                    line.grant(address, port, name=name)
                    granted.append((address, port))
                except ProbeError as error:
                    refusals[address] = error
        reached = {address for address, _ in granted}
        return granted, [error for address, error in refusals.items() if address not in reached]

    async def _canary(self, line: Line, own: list[PortAnswer], name: str) -> Canary:
        """Ask again the first port that answered; when it still does, the silence of the others is theirs."""
        answered = [a for a in own if a.state in _ANSWERS]
        if not answered:
            return Canary.NONE
        targets = [(ip_address(answered[0].address), answered[0].port)]
        async for again in line.sweep(targets, name=name, patience=self.settings.patience, tries=2):
            if again.state in _ANSWERS:
                return Canary.ANSWERED
        return Canary.LOST

    async def _open_to_all(self, line: Line, own: list[PortAnswer], name: str) -> list[OpenToAll]:
        """Tell an address that accepts everything, and listen at the ports whose services speak first."""
        opened = {a.port for a in own if a.state is PortState.OPEN}
        if len(opened) < self.settings.all_open or len(opened) <= self.settings.all_open_share * len(own):
            return []
        address = ip_address(own[0].address)
        candidates = [port for port in _SPEAK_FIRST if port in opened]
        heard = await asyncio.gather(*(self._speaks(line, address, port, name) for port in candidates))
        spoke = tuple(port for port, said in zip(candidates, heard, strict=True) if said)
        return [OpenToAll(address=str(address), open=len(opened), asked=len(own), spoke=spoke)]

    async def _speaks(self, line: Line, address: IPAddress, port: int, name: str) -> bool:
        try:
            stream = await line.connect(address, port, name=name, deadline=self.settings.patience * 2, cap=4096)
            try:
                return bool(await stream.receive(1))
            finally:
                await stream.close()
        except ProbeError as error:
            if error.reason is Reason.INTERRUPTED:
                raise
            return False

    def _services(self, asset: Asset, answers: list[PortAnswer], proxies: list[OpenToAll]) -> Iterator[Asset]:
        """The open services; behind a proxy only those that spoke, and the web's, which its own probes confirm."""
        told = {p.address: {*p.spoke, *_WEB} for p in proxies}
        for port in sorted({a.port for a in answers if a.state is PortState.OPEN}):
            at = [
                a.address
                for a in answers
                if a.port == port and a.state is PortState.OPEN and port in told.get(a.address, {port})
            ]
            if at:
                yield service("tcp", port, asset.name, addresses=at, found_by=asset.id)


def _swept(address: str, own: list[PortAnswer], canary: Canary) -> AddressSwept:
    counts = Counter(answer.state for answer in own)
    return AddressSwept(
        address=address,
        open=tuple(sorted(answer.port for answer in own if answer.state is PortState.OPEN)),
        closed=counts[PortState.CLOSED],
        silent=counts[PortState.FILTERED],
        unreachable=counts[PortState.UNREACHABLE],
        canary=canary,
    )
