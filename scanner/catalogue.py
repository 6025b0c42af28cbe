"""Every probe, found by its place under `probes/`, and built with the settings of the configuration."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import probes
from probes.interface import Probe


@cache
def known_probes() -> Mapping[str, type[Probe[Any]]]:
    """Return every probe class by its name."""
    found: dict[str, type[Probe[Any]]] = {}
    for name in sorted(m.name for m in pkgutil.walk_packages(probes.__path__, "probes.")):
        if name.startswith(("probes.facts", "probes.interface")):
            continue
        for value in vars(importlib.import_module(name)).values():
            is_probe = isinstance(value, type) and issubclass(value, Probe) and "name" in vars(value)
            if is_probe and found.setdefault(value.name, value) is not value:
                raise TypeError(f"two probes are called {value.name}")
    return MappingProxyType(found)


def build_probes(settings: Mapping[str, Any]) -> tuple[Probe[Any], ...]:
    """Return every probe, with its settings from ``settings`` (by probe name) or its defaults."""
    return tuple(cls(settings.get(name, cls.Settings())) for name, cls in known_probes().items())
