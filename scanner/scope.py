"""The pure decisions what a mandate covers, and whether it lets one connection, or one DNS question, be made."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from probes.interface import (
    Asset,
    AssetKind,
    DnsQuestion,
    IPAddress,
    Mandate,
    ProbeError,
    Reason,
    Scope,
    canonical_name,
)

#: The well-known prefix behind which an IPv4 address may hide (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")
#: Highest level at which a provider's address may be looked at.
_HOSTED_LEVEL = 2
#: Level from which industrial and building devices are asked for their name.
_DEVICE_LEVEL = 3
#: What a mandate on a directory also covers on the same controller: Kerberos tickets, and SYSVOL by SMB.
_CONTROLLER = (88, 445)
_DEFAULT_PORT = {"ldap": 389, "ldaps": 636}


def in_scope(asset: Asset, scope: Scope) -> bool:
    """Tell whether an asset may be looked at: names by the mandate's domains and hosted names, addresses by its
    networks, directories as declared."""
    if asset.kind is AssetKind.NETWORK:
        return _holds_network(asset.name, scope)
    if asset.kind not in {AssetKind.DOMAIN, AssetKind.HOST, AssetKind.SERVICE, AssetKind.ADDRESS}:
        return True
    try:
        address = ip_address(asset.host)
    except ValueError:
        return scope.holds_name(asset.host) or (
            scope.hosted_name(asset.host) is not None and not scope.excludes_name(asset.host)
        )
    excluded = any(address in network for network in scope.excluded_networks)
    return not excluded and any(address in network for network in scope.networks)


def _holds_network(text: str, scope: Scope) -> bool:
    network = ip_network(text)
    excluded = any(network.version == n.version and network.overlaps(n) for n in scope.excluded_networks)
    own = any(network[0] in n and network[-1] in n for n in scope.networks)
    return own and not excluded


class Grants:
    """What a mandate allows at a level. The one check of the product, on the final numeric address.

    ``resolver`` is the configured resolver; ``authoritative`` lets delegations be walked.
    """

    def __init__(
        self, mandate: Mandate, level: int, *, resolver: tuple[IPAddress, int] | None, authoritative: bool
    ) -> None:
        self._scope = mandate.scope
        self._level = min(level, mandate.level)
        self._identify_devices = mandate.identify_devices
        self._resolver = resolver
        self._authoritative = authoritative
        self._resolved: dict[str, set[IPAddress]] = defaultdict(set)
        endpoints = {_endpoint(url) for url in mandate.scope.directories}
        self._directories = endpoints | {(host, port) for host, _ in endpoints for port in _CONTROLLER}

    @property
    def level(self) -> int:
        """The lower of the mandate's level and the asked one."""
        return self._level

    @property
    def identifies_devices(self) -> bool:
        """Whether industrial and building devices may be spoken to: the mandate says so, and the level is the third."""
        return self._identify_devices and self._level >= _DEVICE_LEVEL

    def learn(self, name: str, addresses: Iterable[IPAddress]) -> None:
        """Remember what the Line itself just resolved a name to; earlier answers no longer count."""
        self._resolved[canonical_name(name)] = set(addresses)

    def connection(self, address: IPAddress, port: int, *, name: str = "", level: int = 2) -> None:
        """Raise ``ProbeError`` unless this connection is granted."""
        faces = _faces(address)
        self._not_excluded(faces, name)
        if level > self._level:
            raise ProbeError(Reason.LEVEL, f"level {level} asked, {self._level} granted")
        if self._listed(faces):
            return
        if any(_special(face) for face in faces) and not self._numeric_directory(address, port):
            raise ProbeError(Reason.OUT_OF_SCOPE, f"{address} is a special address and no network lists it")
        if not (self._numeric_directory(address, port) or self._by_name(address, port, name, level)):
            raise ProbeError(Reason.OUT_OF_SCOPE, f"{address} port {port}")

    def question(self, server: IPAddress, port: int, question: DnsQuestion, walking: str) -> None:
        """Raise ``ProbeError`` unless this DNS exchange is granted."""
        if question is DnsQuestion.RESOLVER:
            if (server, port) != self._resolver:
                raise ProbeError(Reason.OUT_OF_SCOPE, f"{server} is not the configured resolver")
            return
        if question is DnsQuestion.INTRUSIVE:
            self.connection(server, port, name=walking)
            return
        faces = _faces(server)
        self._not_excluded(faces, walking)
        named = self._scope.holds_name(walking) or self._scope.hosted_name(walking) is not None
        special = any(_special(face) for face in faces) and not self._listed(faces)
        if not self._authoritative or not named or special:
            raise ProbeError(Reason.OUT_OF_SCOPE, f"name server {server} for {walking[:100]}")

    def _not_excluded(self, faces: tuple[IPAddress, ...], name: str) -> None:
        excluded = any(face in network for face in faces for network in self._scope.excluded_networks)
        if excluded or (name and self._scope.excludes_name(name)):
            raise ProbeError(Reason.EXCLUDED, f"{faces[0]} {name[:100]}".strip())

    def _listed(self, faces: tuple[IPAddress, ...]) -> bool:
        return any(face in network for face in faces for network in self._scope.networks)

    def _numeric_directory(self, address: IPAddress, port: int) -> bool:
        return (str(address), port) in self._directories

    def _by_name(self, address: IPAddress, port: int, name: str, level: int) -> bool:
        """A hosted name or a declared directory, at an address that the Line itself resolved."""
        wanted = canonical_name(name)
        if not wanted or address not in self._resolved[wanted]:
            return False
        if (wanted, port) in self._directories:
            return True
        hosted = self._scope.hosted_name(wanted)
        return hosted is not None and port in hosted.ports and level <= _HOSTED_LEVEL


def _endpoint(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    host = canonical_name(parts.hostname or "")
    with contextlib.suppress(ValueError):
        host = str(ip_address(host))
    return host, parts.port or _DEFAULT_PORT.get(parts.scheme, 0)


def _faces(address: IPAddress) -> tuple[IPAddress, ...]:
    """The address, and the IPv4 address it stands for (mapped, NAT64, 6to4)."""
    if isinstance(address, IPv4Address):
        return (address,)
    inner = [address.ipv4_mapped, address.sixtofour]
    if address in _NAT64:
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return (address, *(face for face in inner if face is not None))


def _special(address: IPv4Address | IPv6Address) -> bool:
    """Private, loopback, link-local, metadata, multicast, reserved: nothing the Internet routes."""
    return not address.is_global or address.is_multicast
