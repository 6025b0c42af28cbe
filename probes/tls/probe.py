"""The TLS probe: for each address of an endpoint, what it accepts and the certificates it shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import ClassVar

from probes.facts.tls import CertificateChain, TlsProfile
from probes.interface import (
    Asset,
    AssetKind,
    IPAddress,
    Line,
    Part,
    Probe,
    ProbeError,
    Shortfall,
    Sight,
    Yield,
)
from probes.tls.chain import TrustStore, read_chain, trust_store
from probes.tls.enumerate import Enumeration, Seen
from probes.tls.handshake import shown_chain
from probes.tls.reach import PORTS, offered, opener, server_name, spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """Ports on which TLS is spoken from the first byte; the trust stores (PEM file, words); seconds of one exchange.

    ``store`` is by default the system's, which holds Mozilla's roots; ``private_store`` that of an authority which
    browsers do not know (IGC-Santé, RGS).
    """

    ports: tuple[int, ...] = PORTS
    store: str = ""
    store_label: str = ""
    private_store: str = ""
    private_label: str = "IGC-Santé"
    patience: float = 5.0
    most_addresses: int = 4


class TlsProbe(Probe[TlsSettings]):
    """Sees versions, suites and certificates, with the DNS name as SNI."""

    name: ClassVar[str] = "tls"
    version: ClassVar[str] = "3"
    level: ClassVar[int] = 2
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})
    Settings: ClassVar[type[TlsSettings]] = TlsSettings

    def wants(self, asset: Asset) -> bool:
        """A TLS port that accepted a connection."""
        return spoken(asset, self.settings.ports)

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield a profile and a chain for each address; an address that failed is missed, unless all did."""
        name = server_name(asset)
        failures: list[ProbeError] = []
        addresses = asset.addresses[: self.settings.most_addresses]
        for text in addresses:
            try:
                for sight in await self._address(line, ip_address(text), asset.port or 0, name):
                    yield sight
            except ProbeError as error:
                failures.append(error)
                if len(addresses) > 1:
                    yield Shortfall(reason=error.reason, detail=f"{text}: {error.detail}")
        if failures and len(failures) == len(addresses):
            raise failures[0]

    async def _address(self, line: Line, address: IPAddress, port: int, name: str) -> list[Sight | Shortfall]:
        ports, patience = self.settings.ports, self.settings.patience
        connect = opener(line, address, port, name=name, ports=ports, patience=patience, level=self.level)
        if port not in ports and not await offered(connect):
            return [Sight(fact=TlsProfile(address=str(address), spoken=False, versions=()))]
        enumeration = Enumeration(connect, name)
        profile = await enumeration.run(str(address))
        found: list[Sight | Shortfall] = [Sight(fact=profile)]
        if profile.spoken:
            try:
                ders = enumeration.seen.chain or await shown_chain(await connect(), name)
                chain = self._chain(ders, str(address), name, enumeration.seen)
                if chain.must_staple and chain.stapled is False:
                    await enumeration.ask_staple()
                    chain = self._chain(ders, str(address), name, enumeration.seen)
                kept = (*ders[:20], *([enumeration.seen.staple] if enumeration.seen.staple else []))
                found.append(Sight(fact=chain, captures=tuple(line.keep(der) for der in kept)))
            except ProbeError as error:
                found.append(Shortfall(reason=error.reason, detail=f"certificate of {address}: {error.detail}"))
        return found

    def _chain(self, ders: tuple[bytes, ...], address: str, name: str, seen: Seen) -> CertificateChain:
        store = trust_store(self.settings.store, self.settings.store_label)
        return read_chain(
            ders,
            address=address,
            sni=name,
            at=datetime.now(UTC),
            store=store,
            private=self._private(),
            staple=seen.staple,
            timestamps=seen.timestamps,
        )

    def _private(self) -> TrustStore | None:
        if not self.settings.private_store:
            return None
        return trust_store(self.settings.private_store, self.settings.private_label)
