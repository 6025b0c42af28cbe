"""A Line for tests: the product's own, over loopback networks, with the pace lifted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime
from ipaddress import ip_address, ip_network

from probes.interface import Hosted, Mandate, Scope, Window
from scanner.line import GuardedLine, LineSettings
from scanner.pace import Rates

FAST = Rates(overall=1e6, network=1e6, address=1e6, burst=1000)


class Kept(dict[str, bytes]):
    """Captures by digest, in memory."""

    def keep(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self[digest] = data
        return digest


def mandate(
    *,
    domains: Iterable[str] = (),
    networks: Iterable[str] = ("127.0.0.0/8", "::1/128"),
    hosted: Iterable[Hosted] = (),
    directories: Iterable[str] = (),
    excluded_names: Iterable[str] = (),
    excluded_networks: Iterable[str] = (),
    level: int = 3,
    identify_devices: bool = False,
    windows: tuple[Window, ...] = (),
) -> Mandate:
    return Mandate(
        reference="LAB-1",
        signatory="Direction du laboratoire",
        document_sha256="",
        valid_from=date(2026, 1, 1),
        valid_until=date(2099, 12, 31),
        level=level,
        identify_devices=identify_devices,
        windows=windows,
        scope=Scope(
            domains=tuple(domains),
            networks=tuple(ip_network(n) for n in networks),
            hosted=tuple(hosted),
            directories=tuple(directories),
            excluded_names=tuple(excluded_names),
            excluded_networks=tuple(ip_network(n) for n in excluded_networks),
        ),
    )


def open_line(
    *,
    domains: Iterable[str] = (),
    networks: Iterable[str] = ("127.0.0.0/8", "::1/128"),
    level: int = 2,
    resolver: str = "",
    resolver_port: int = 53,
    dns_port: int = 53,
    granted: Mandate | None = None,
    captures: Kept | None = None,
    pace: Rates = FAST,
) -> GuardedLine:
    """Return a Line over ``networks``; with ``resolver`` it also walks delegations on ``dns_port``."""
    kept = captures if captures is not None else Kept()
    settings = LineSettings(
        resolver=ip_address(resolver) if resolver else None,
        resolver_port=resolver_port,
        dns_port=dns_port,
        dns_authoritative=True,
        connections=pace,
        questions=pace,
    )
    return GuardedLine(
        granted or mandate(domains=domains, networks=networks),
        level,
        settings,
        keep=kept.keep,
        clock=lambda: datetime.now(UTC),
    )
