"""Facts to plain data and back, keyed by ``kind``; every fact module found beside this one is known."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from pydantic import TypeAdapter

import probes.facts
from probes.interface import Fact


class UnknownFactError(LookupError):
    """A stored fact is of a kind that this version does not know."""


@cache
def known_facts() -> dict[str, type[Fact]]:
    """Return every fact class by its kind."""
    found: dict[str, type[Fact]] = {}
    for name in sorted(m.name for m in pkgutil.walk_packages(probes.facts.__path__, "probes.facts.")):
        for value in vars(importlib.import_module(name)).values():
            is_fact = isinstance(value, type) and issubclass(value, Fact) and "kind" in vars(value)
            if is_fact and found.setdefault(value.kind, value) is not value:
                raise TypeError(f"two facts are of kind {value.kind}")
    return found


@cache
def _adapter(kind: str) -> TypeAdapter[Fact]:
    try:
        return TypeAdapter(known_facts()[kind])
    except KeyError:
        raise UnknownFactError(f"unknown kind of fact: {kind}") from None


def encode(fact: Fact) -> dict[str, Any]:
    """Return a fact as plain JSON data, with its ``kind``."""
    plain: dict[str, Any] = _adapter(fact.kind).dump_python(fact, mode="json")
    return {"kind": fact.kind, **plain}


def decode(plain: dict[str, Any]) -> Fact:
    """Return the fact that plain data stands for."""
    values = dict(plain)
    kind = str(values.pop("kind"))
    return _adapter(kind).validate_python(values)
