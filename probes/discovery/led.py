"""Where the DNS leads the names of the mandate, so that each is tried where it does not lead."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from probes.interface import Asset, AssetKind, Line, ProbeError, Reason, Scope, host_name

#: Most names of a scan that the resolver is asked about.
_ASKED = 1000


class Led:
    """The names of a mandate with the addresses that the DNS gives them, asked once.

    ``names`` are those that a person declared or imported. A name of which the DNS did not tell is not tried.
    """

    def __init__(self, names: Iterable[str], scope: Scope) -> None:
        self._names = tuple(names)
        self._scope = scope
        self._led: dict[str, tuple[str, ...] | None] = {}
        self._turn = asyncio.Lock()
        self._learnt = False

    async def learn(self, line: Line, met: Iterable[Asset]) -> None:
        """Take note of the names met; ask about those whose addresses nobody asked for yet."""
        async with self._turn:
            if self._learnt:
                return
            hosts = [a for a in met if a.kind in {AssetKind.HOST, AssetKind.DOMAIN} and self._held(a.name)]
            self._led |= {host.name: host.addresses for host in hosts if host.addresses}
            wanted = dict.fromkeys((*self._names, *sorted(host.name for host in hosts)))
            for name in [name for name in wanted if name not in self._led][:_ASKED]:
                await self._addresses(line, name)
            self._learnt = True

    async def elsewhere(self, line: Line, address: str, own: Iterable[str]) -> list[str]:
        """Return the names to try at an address, the most telling first.

        First those that its certificate names (``own``), which a long list must not crowd out; then those that lead
        nowhere any more; then the others.
        """
        first = [name for name in sorted(set(own)) if name in self._names or self._held(name)]
        for name in first:
            await self._addresses(line, name)
        led = {name: addresses for name, addresses in self._led.items() if addresses is not None}
        others = sorted(led, key=lambda name: (bool(led[name]), name not in self._names, name))
        return [name for name in dict.fromkeys((*first, *others)) if name in led and address not in led[name]]

    def here(self, address: str) -> list[str]:
        """Return the names that the DNS leads to an address."""
        return sorted(name for name, addresses in self._led.items() if addresses and address in addresses)

    def to(self, name: str) -> tuple[str, ...]:
        """Return the addresses that the DNS leads a name to."""
        return self._led.get(name) or ()

    def _held(self, name: str) -> bool:
        """A host of the mandate; keys of services are none."""
        return host_name(name) == name and "_" not in name and self._scope.holds_name(name)

    async def _addresses(self, line: Line, name: str) -> None:
        """Ask for the addresses of a name, unless it is known."""
        if name in self._led:
            return
        try:
            self._led[name] = tuple(map(str, await line.resolve(name)))
        except ProbeError as error:
            if error.reason is Reason.INTERRUPTED:
                raise
            self._led[name] = () if error.reason is Reason.UNKNOWN_HOST else None
