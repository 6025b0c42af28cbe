"""The ports behind which machines are easily disturbed, by family: the table that the Line and nmap go by."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files


class Fragility(StrEnum):
    """Why a machine is handled with care."""

    HEALTH = "health"
    BUILDING = "building"
    INDUSTRIAL = "industrial"
    PRINTER = "printer"


@cache
def fragile_ports(transport: str = "tcp") -> Mapping[int, Fragility]:
    """Return the fragile ports of a transport (``tcp`` or ``udp``) with their family, from ``fragile.toml``."""
    tables = tomllib.loads((files("probes.interface") / "fragile.toml").read_text())
    return {port: Fragility(family) for family, table in tables.items() for port in table.get(transport, ())}


def is_device(port: int, transport: str = "tcp") -> bool:
    """Tell whether industrial or building devices answer there: nothing is said unless the mandate says so itself."""
    return fragile_ports(transport).get(port) in {Fragility.BUILDING, Fragility.INDUSTRIAL}


def is_fragile(port: int, transport: str = "tcp") -> bool:
    """Tell whether a port belongs to a fragile family."""
    return port in fragile_ports(transport)
