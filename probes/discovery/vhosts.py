"""The virtual hosts probe: sites that a server serves under names that the DNS does not lead to it."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from probes.facts.discovery import VirtualHost, VirtualHosts
from probes.interface import (
    MANDATED,
    Asset,
    AssetKind,
    Line,
    Part,
    Probe,
    ProbeError,
    Reason,
    Scope,
    Sight,
    Yield,
    host_name,
)
from probes.tls.chain import names_in
from probes.web import pages
from probes.web.fetch import Answer, fetch

#: What a name was answered: the status and the title; None when nothing was.
Page = tuple[int, str]
#: Answers that never ended after which a server is asked for no more names; one that hangs up at once is asked on.
_LATE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class VhostSettings:
    """Ports spoken to as by the web probe, names tried (declared and imported), how many, and the pause (seconds).

    Names of a server's own certificate are tried too, where the mandate's ``scope`` holds them.
    """

    clear_ports: tuple[int, ...] = (80, 8080)
    tls_ports: tuple[int, ...] = (443, 8443)
    names: tuple[str, ...] = ()
    scope: Scope = field(default_factory=Scope)
    most_names: int = 25
    pause: float = 1.0


class VhostProbe(Probe[VhostSettings]):
    """Asks an address for each name that the DNS does not lead to it, beside two names that cannot be."""

    name: ClassVar[str] = "vhosts"
    version: ClassVar[str] = "1"
    level: ClassVar[int] = 2
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})
    Settings: ClassVar[type[VhostSettings]] = VhostSettings

    def __init__(self, settings: VhostSettings) -> None:
        super().__init__(settings)
        # Several names of one server are one question: the first that comes asks, the others wait for it.
        self._turns: dict[tuple[str, int], asyncio.Lock] = {}
        self._seen: dict[tuple[str, int], VirtualHosts | None] = {}
        self._led: dict[str, tuple[str, ...] | None] = {}
        self._late: Counter[tuple[str, int]] = Counter()

    def wants(self, asset: Asset) -> bool:
        """Web ports of an address that answered, when there are names to try."""
        ports = (*self.settings.clear_ports, *self.settings.tls_ports)
        return asset.transport == "tcp" and asset.port in ports and bool(asset.addresses and self.settings.names)

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield the sites that the first address still serves, if it can be asked at all."""
        key = (asset.addresses[0], asset.port or 0)
        async with self._turns.setdefault(key, asyncio.Lock()):
            if key not in self._seen:
                self._seen[key] = await self._ask(line, *key)
        fact = self._seen[key]
        if fact is not None:
            yield Sight(fact=fact)

    async def _ask(self, line: Line, address: str, port: int) -> VirtualHosts | None:
        """What one address serves under which names; None where the mandate grants it under one name only."""
        known = self.settings.names
        try:
            strangers = [await self._answer(line, address, port, _stranger(known[0])) for _ in range(2)]
            nobody = {_page(answer) for answer in strangers}
            own = {name for answer in strangers if answer is not None for name in names_in(answer.certificate)}
            # What the server itself names comes first: a long list of declared hosts must not crowd it out.
            names = await self._led_elsewhere(line, address, dict.fromkeys((*sorted(own), *known)))
            if not names:
                return None
            answered = []
            for name in names:
                page = _page(await self._answer(line, address, port, name))
                if page is not None and page[0] == 200 and page[1] and page not in nobody:
                    answered.append(VirtualHost(name=name, title=page[1]))
        except ProbeError as error:
            if error.reason in MANDATED:
                return None
            raise
        stable = len(nobody) == 1
        return VirtualHosts(
            address=address, port=port, tried=len(names), reliable=stable, answered=tuple(answered) if stable else ()
        )

    async def _led_elsewhere(self, line: Line, address: str, names: Iterable[str]) -> list[str]:
        """The names to try: hosts of the mandate that the DNS leads elsewhere, or nowhere."""
        led: list[str] = []
        for name in names:
            held = name in self.settings.names or (host_name(name) == name and self.settings.scope.holds_name(name))
            known = await self._addresses(line, name) if held and len(led) < self.settings.most_names else None
            if known is not None and address not in known:
                led.append(name)
        return led

    async def _addresses(self, line: Line, name: str) -> tuple[str, ...] | None:
        """The addresses that the DNS gives for a name; None when it did not tell: such a name is not tried."""
        if name not in self._led:
            try:
                self._led[name] = tuple(map(str, await line.resolve(name)))
            except ProbeError as error:
                if error.reason is Reason.INTERRUPTED:
                    raise
                self._led[name] = () if error.reason is Reason.UNKNOWN_HOST else None
        return self._led[name]

    async def _answer(self, line: Line, address: str, port: int, name: str) -> Answer | None:
        await asyncio.sleep(self.settings.pause)
        scheme = "https" if port in self.settings.tls_ports else "http"
        try:
            return await fetch(line, address, f"{scheme}://{name}:{port}/")
        except ProbeError as error:
            self._late[address, port] += error.reason is Reason.TIMED_OUT
            given_up = self._late[address, port] >= _LATE
            if given_up or error.reason in MANDATED or error.reason is Reason.INTERRUPTED:
                raise
            return None


def _page(answer: Answer | None) -> Page | None:
    return None if answer is None else (answer.status, pages.title(answer.text))


def _stranger(name: str) -> str:
    """A name beside another, that nobody can have configured."""
    return f"{secrets.token_hex(8)}.{name.partition('.')[2] or name}"
