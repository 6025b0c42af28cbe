"""The ports probe: a connect sweep of the short list over every address of a host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar

from probes.facts.ports import Canary, PortsSwept
from probes.interface import (
    Asset,
    AssetKind,
    IPAddress,
    Line,
    Part,
    PortAnswer,
    PortState,
    Probe,
    ProbeError,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PortsSettings:
    """The ports asked, the patience of a connection (seconds) and the tries on silence."""

    short: tuple[int, ...] = SHORT_LIST
    patience: float = 2.0
    tries: int = 2
    #: Addresses swept of one host at the most.
    most_addresses: int = 8


class PortsProbe(Probe[PortsSettings]):
    """Sees which ports of a host accept a connection, refuse it, or stay silent."""

    name: ClassVar[str] = "ports"
    version: ClassVar[str] = "1"
    level: ClassVar[int] = 2
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.HOST, AssetKind.ADDRESS})
    Settings: ClassVar[type[PortsSettings]] = PortsSettings

    def wants(self, asset: Asset) -> bool:
        """A host is swept once its addresses are known."""
        return asset.kind is AssetKind.ADDRESS or bool(asset.addresses)

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Sweep the granted addresses; yield the open services, named by the host."""
        name = asset.name if asset.kind is AssetKind.HOST else ""
        granted, refusal = [], None
        texts = asset.addresses if name else (asset.name,)
        for address in [ip_address(text) for text in texts[: self.settings.most_addresses]]:
            ports, refused = self._granted(line, address, name)
            refusal = refused or refusal
            if refused:
                yield Shortfall(reason=refused.reason, detail=refused.detail)
            granted += [(address, port) for port in ports]
        if not granted and refusal:
            raise refusal
        swept = line.sweep(
            sorted(granted, key=lambda t: self.settings.short.index(t[1])),
            name=name,
            patience=self.settings.patience,
            tries=self.settings.tries,
        )
        answers = [answer async for answer in swept]
        answers.sort(key=lambda a: (a.address, a.port))
        canaries = [await self._canary(line, answers, str(address), name) for address in {a for a, _ in granted}]
        yield Sight(fact=PortsSwept(answers=tuple(answers), canaries=tuple(sorted(canaries))))
        for port in sorted({a.port for a in answers if a.state is PortState.OPEN}):
            at = [a.address for a in answers if a.port == port and a.state is PortState.OPEN]
            yield service("tcp", port, asset.name, addresses=at, found_by=asset.id)

    def _granted(self, line: Line, address: IPAddress, name: str) -> tuple[list[int], ProbeError | None]:
        """The ports of the list that the mandate grants at an address, and the refusal when there is none."""
        ports, refusal = [], None
        for port in self.settings.short:
            try:
                line.grant(address, port, name=name)
                ports.append(port)
            except ProbeError as error:
                refusal = error
        return ports, None if ports else refusal

    async def _canary(self, line: Line, answers: list[PortAnswer], address: str, name: str) -> tuple[str, Canary]:
        """Ask again a port that answered; when it still does, the silence of the others is theirs."""
        own = [a for a in answers if a.address == address and a.state in {PortState.OPEN, PortState.CLOSED}]
        if not own:
            return address, Canary.NONE
        first = own[0]
        targets = [(ip_address(address), first.port)]
        async for again in line.sweep(targets, name=name, patience=self.settings.patience, tries=2):
            if again.state in {PortState.OPEN, PortState.CLOSED}:
                return address, Canary.ANSWERED
        return address, Canary.LOST
