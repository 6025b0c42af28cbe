"""How the Line reaches the world, as the configuration says: resolver, pace, identity."""

from __future__ import annotations

from probes.interface import Identity
from scanner.config.load import Settings
from scanner.line import LineSettings
from scanner.pace import Rates


def line_settings(settings: Settings) -> LineSettings:
    """Return how the Line reaches the world, as the configuration says."""
    pace, dns = settings.file.pace, settings.file.dns
    return LineSettings(
        resolver=dns.resolver,
        resolver_port=dns.resolver_port,
        dns_port=dns.port,
        dns_authoritative=dns.authoritative,
        connections=Rates(
            overall=pace.connections,
            network=pace.connections_per_network,
            address=pace.connections_per_address,
            fragile=pace.connections_per_fragile_address,
            burst=pace.burst,
        ),
        questions=Rates(
            overall=pace.questions,
            network=pace.questions_per_server * 2,
            address=pace.questions_per_server,
            burst=pace.burst * 2,
        ),
        in_flight=pace.in_flight,
        identity=Identity(**settings.file.identity.model_dump()),
    )
