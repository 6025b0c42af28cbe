"""The configuration of a scene on loopback, and its zones: its own resolver, no pace to speak of, one mandate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import dns.name
import dns.zone

#: Where the name servers of a scene answer.
DNS = 53053


def configuration(
    *,
    resolver: str,
    domains: Sequence[str],
    networks: Sequence[str],
    hosts: Sequence[str],
    more: str = "",
    mandate: str = "",
    perimeter: str = "ch",
    authoritative: bool = True,
    per_address: float = 5000.0,
    burst: int = 500,
    step_seconds: float = 900.0,
) -> str:
    """Return the text of a configuration; ``more`` is further tables, ``mandate`` further lines of the mandate."""
    today = datetime.now(UTC).date()
    return f"""
[box]
vantage = "internet"
[dns]
resolver = "{resolver}"
resolver_port = {DNS}
port = {DNS}
authoritative = {json.dumps(authoritative)}
[pace]
connections = 5000.0
connections_per_network = 5000.0
connections_per_address = {per_address}
connections_per_fragile_address = {per_address}
questions = 9000.0
questions_per_server = 9000.0
burst = {burst}
[run]
second_look_seconds = 0.1
step_seconds = {step_seconds}
[store]
url = "hygie.sqlite"
{more}
[[mandates]]
reference = "M"
signatory = "S"
valid_from = {today - timedelta(days=1)}
valid_until = {today + timedelta(days=1)}
domains = {json.dumps(list(domains))}
networks = {json.dumps(list(networks))}
{mandate}
[[perimeters]]
id = "{perimeter}"
name = "Scène"
mandate = "M"
hosts = {json.dumps(list(hosts))}
"""


def zone(origin: str, text: str) -> dns.zone.Zone:
    """Return a zone of its master file's text."""
    return dns.zone.from_text(text, dns.name.from_text(origin), relativize=False)


def zones(texts: Mapping[str, str]) -> dict[str, dns.zone.Zone]:
    """Return zones by their origin."""
    return {origin: zone(origin, text) for origin, text in texts.items()}
