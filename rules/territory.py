"""The official codes that establishments are grouped by: regions of departments, and FINESS categories."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any


def region_of(department: str) -> str:
    """Return the INSEE code of the region of a department ("01", "2A", "974" or "9D"), "" when it has none."""
    return _regions_of().get(department.strip().upper(), "")


def region_name(code: str) -> str:
    """Return the name of a region; its code when it is none of the eighteen."""
    known = _tables()["regions"].get(code)
    return str(known["name"]) if known else code


def regions() -> tuple[tuple[str, str], ...]:
    """Return the code and the name of each region, by name."""
    return tuple(sorted(((code, region_name(code)) for code in _tables()["regions"]), key=lambda r: r[1]))


def category_name(code: str, language: str) -> str:
    """Return the name of a FINESS category in a language; its code when it is not told here."""
    known = _tables()["categories"].get(code)
    return str(known[language]) if known else code


@cache
def _tables() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads((files("rules") / "territory.toml").read_text("utf-8"))


@cache
def _regions_of() -> Mapping[str, str]:
    regions = _tables()["regions"].items()
    return MappingProxyType({d: code for code, region in regions for d in region["departments"]})
