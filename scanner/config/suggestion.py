"""The lines that would bring an asset under a mandate; only a signed mandate grants anything."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from probes.interface import Asset, AssetKind


def mandate_lines(asset: Asset) -> tuple[str, ...]:
    """Return what to add to the ``[[mandates]]`` table: the establishment's own, or a provider who agreed."""
    if asset.kind is AssetKind.NETWORK:
        return (f'networks = ["{ip_network(asset.name)}"]',)
    host = asset.host
    try:
        return (f'networks = ["{ip_network(ip_address(host))}"]',)
    except ValueError:
        return (
            f'domains = ["{host}"]',
            "# or, when a provider serves it and agreed in writing:",
            "[[mandates.hosted]]",
            f'name = "{host}"',
            'provider = "…"',
            "ports = [443]",
            'authorisation = "…"',
        )
