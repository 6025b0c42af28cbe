"""Profiles that rules compare with: dated data, each list with the status of its reading."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteList:
    """The suites of one list of a profile, with the status of each line (design, section 6) and its source."""

    suites: frozenset[str]
    status: str
    source: str


@cache
def tls_profile(name: str = "anssi-tls") -> Mapping[str, SuiteList]:
    """Return the lists of a TLS profile by their name: ``recommended`` and ``degraded``."""
    data = tomllib.loads((files("rules.profiles") / f"{name}.toml").read_text())
    return MappingProxyType(
        {
            key: SuiteList(suites=frozenset(table["suites"]), status=table["status"], source=table["source"])
            for key, table in data.items()
            if isinstance(table, dict)
        }
    )


@cache
def caa_domains(name: str = "caa-issuers") -> Mapping[str, frozenset[str]]:
    """Return the CAA domain names that an authority answers to, by the organisation of its intermediates."""
    data = tomllib.loads((files("rules.profiles") / f"{name}.toml").read_text())
    tables = [table for table in data.values() if isinstance(table, dict)]
    return MappingProxyType({o: frozenset(table["domains"]) for table in tables for o in table["organisations"]})
