"""The virtual hosts probe: sites that a server serves under names that the DNS does not lead to it."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar

from probes.discovery.led import Led
from probes.discovery.site import is_site, without_name
from probes.facts.discovery import VirtualHost, VirtualHosts
from probes.interface import (
    MANDATED,
    Asset,
    AssetKind,
    FoundIn,
    Line,
    Part,
    Probe,
    ProbeError,
    Reason,
    Scope,
    Shortfall,
    Sight,
    Yield,
    service,
)
from probes.tls.chain import names_in
from probes.web import pages
from probes.web.fetch import Answer
from probes.web.missing import Missing
from probes.web.origin import Origin, Patience

#: Answers that never ended after which a server is asked for no more names; one that hangs up at once is asked on.
_LATE = 3
_TOO_MANY = 429
#: Names that the DNS leads to a server, asked so that another name of the same site is no new site.
_OWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class VhostSettings:
    """Ports spoken to as by the web probe, and at its pace; names tried (declared and imported), and how many,
    at how many addresses of a service.

    Names met anywhere in the scan, and those of a server's own certificate, are tried too where the mandate's
    ``scope`` holds them.
    """

    clear_ports: tuple[int, ...] = (80, 8080)
    tls_ports: tuple[int, ...] = (443, 8443)
    names: tuple[str, ...] = ()
    scope: Scope = field(default_factory=Scope)
    most_names: int = 40
    most_addresses: int = 4
    pause: float = 0.05
    longest_pause: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Door:
    """One port of one address, and how it answered so far."""

    line: Line
    address: str
    port: int
    patience: Patience = field(default_factory=Patience)


class VhostProbe(Probe[VhostSettings]):
    """Asks an address for each name that the DNS does not lead to it, beside names that cannot be."""

    name: ClassVar[str] = "vhosts"
    version: ClassVar[str] = "2"
    level: ClassVar[int] = 2
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})
    Settings: ClassVar[type[VhostSettings]] = VhostSettings
    comes_last: ClassVar[bool] = True

    def __init__(self, settings: VhostSettings) -> None:
        super().__init__(settings)
        # Several names of one server are one question: the first that comes asks, the others wait for it.
        self._turns: dict[tuple[str, int], asyncio.Lock] = {}
        self._seen: dict[tuple[str, int], VirtualHosts | None] = {}
        self._led = Led(settings.names, settings.scope)
        self._late: Counter[tuple[str, int]] = Counter()
        self._slowed: set[tuple[str, int]] = set()

    def wants(self, asset: Asset) -> bool:
        """Web ports of an address that answered, but for the sites found here; when there may be names to try."""
        ports = (*self.settings.clear_ports, *self.settings.tls_ports)
        web = asset.transport == "tcp" and asset.port in ports and asset.found_in is not FoundIn.VIRTUAL_HOST
        return web and bool(asset.addresses and (self.settings.names or self.settings.scope.domains))

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield the sites that each address still serves, if it can be asked; an address that failed is missed, unless
        all did."""
        failures: list[ProbeError] = []
        addresses = asset.addresses[: self.settings.most_addresses]
        for address in addresses:
            try:
                fact = await self._once(line, address, asset.port or 0)
            except ProbeError as error:
                if error.reason is Reason.INTERRUPTED:
                    raise
                failures.append(error)
                if len(addresses) > 1:
                    yield Shortfall(reason=error.reason, detail=f"{address}: {error.detail}")
                continue
            if fact is not None:
                yield Sight(fact=fact)
                for place in self._places(asset, fact):
                    yield place
        if failures and len(failures) == len(addresses):
            raise failures[0]

    def _places(self, asset: Asset, fact: VirtualHosts) -> Iterator[Asset]:
        """The sites to look at in turn: where a name leads elsewhere, that place is what the name's asset is about, and
        a relay there may add what this server leaves to it."""
        known = {met.id for met in self.met}
        for site in fact.answered:
            found = service("tcp", fact.port, site.name, addresses=(fact.address,), found_by=asset.id)
            if not site.led and found.id not in known:
                yield replace(found, found_in=FoundIn.VIRTUAL_HOST)

    async def _once(self, line: Line, address: str, port: int) -> VirtualHosts | None:
        """What one address serves under which names, asked by the first that comes."""
        key = address, port
        async with self._turns.setdefault(key, asyncio.Lock()):
            if key not in self._seen:
                self._seen[key] = await self._ask(_Door(line=line, address=address, port=port))
        return self._seen[key]

    async def _ask(self, door: _Door) -> VirtualHosts | None:
        """What one address serves under which names; None where the mandate grants it under one name only."""
        try:
            parent = self._parent()
            strangers = [await self._answer(door, _stranger(parent)) for _ in range(2)]
            own = {name for answer in strangers if answer is not None for name in names_in(answer.certificate)}
            await self._led.learn(door.line, self.met)
            names = (await self._led.elsewhere(door.line, door.address, own))[: self.settings.most_names]
            if not names:
                return None
            stable = _alike(strangers)
            sites = await self._sites(door, names, strangers, {parent}) if stable else ()
        except ProbeError as error:
            if error.reason in MANDATED:
                return None
            raise
        return VirtualHosts(
            address=door.address,
            port=door.port,
            tried=len(names),
            reliable=stable,
            answered=tuple(sites),
            rate_limited=(door.address, door.port) in self._slowed,
        )

    def _parent(self) -> str:
        """The name under which strangers are made up."""
        names = (*self.settings.scope.domains, *(name.partition(".")[2] or name for name in self.settings.names))
        return names[0]

    async def _sites(
        self, door: _Door, names: Iterable[str], strangers: Iterable[Answer | None], asked: set[str]
    ) -> list[VirtualHost]:
        """The names answered as no stranger and no site that the DNS leads to is."""
        nobody = Missing(answers=tuple(filter(None, strangers)))
        found: dict[str, Answer] = {}
        titles: dict[str, str] = {}
        for name in names:
            answer = await self._raw(door, name)
            bare = without_name(answer, name) if answer else None
            if answer and bare and is_site(bare) and not nobody.like(bare):
                found[name], titles[name] = bare, pages.title(answer.text)
        if not found:
            return []
        # A server may answer any name under one domain: a stranger beside each tells.
        beside = [_stranger(parent) for parent in sorted({n.partition(".")[2] for n in found} - asked)]
        usual = [await self._answer(door, name) for name in (*beside, *self._led.here(door.address)[:_OWN])]
        known = Missing(answers=tuple(filter(None, usual)))
        return [
            VirtualHost(name=name, title=titles[name], led=self._led.to(name))
            for name, answer in found.items()
            if not known.like(answer) and not await self._alike_there(door, name, answer)
        ]

    async def _alike_there(self, door: _Door, name: str, answer: Answer) -> bool:
        """Whether the place that the DNS leads to, where it may be asked, shows the same site: one server has both."""
        for address in self._led.to(name)[:1]:
            try:
                there = await self._answer(replace(door, address=address, patience=Patience()), name)
            except ProbeError as error:
                if error.reason is Reason.INTERRUPTED:
                    raise
                return False
            return there is not None and Missing(answers=(there,)).like(answer)
        return False

    async def _answer(self, door: _Door, name: str) -> Answer | None:
        """What a name is answered, without the name itself: a server that repeats any name tells nothing new."""
        answer = await self._raw(door, name)
        return None if answer is None else without_name(answer, name)

    async def _raw(self, door: _Door, name: str) -> Answer | None:
        """What a name is answered, if anything."""
        origin = Origin(
            line=door.line,
            asset=service("tcp", door.port, name),
            address=door.address,
            scheme="https" if door.port in self.settings.tls_ports else "http",
            pause=self.settings.pause,
            longest_pause=self.settings.longest_pause,
            patience=door.patience,
        )
        try:
            answer = await origin.ask("/")
            if answer.status == _TOO_MANY:
                self._slowed.add((door.address, door.port))
            return answer
        except ProbeError as error:
            # A server may hang up on every name but its own: no more than an answer of its kind.
            door.patience.lost += error.reason is Reason.TIMED_OUT
            key = door.address, door.port
            self._late[key] += error.reason is Reason.TIMED_OUT
            if self._late[key] >= _LATE or error.reason in MANDATED or error.reason is Reason.INTERRUPTED:
                raise
            return None


def _alike(strangers: list[Answer | None]) -> bool:
    """Tell whether names that cannot be are answered the same each time."""
    first, second = strangers
    if first is None or second is None:
        return first is second
    return Missing(answers=(first,)).like(second)


def _stranger(parent: str) -> str:
    """A name under another, that nobody can have configured."""
    return f"{secrets.token_hex(8)}.{parent}"
