"""Every rule, card and view, found by its place; a rule without card, or a card without rule, is refused."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import rules.catalogue
import rules.views
from rules.interface import (
    Card,
    Confidence,
    Effort,
    Maturity,
    Rule,
    RuleError,
    Severity,
    View,
    ViewBuilder,
    Words,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The rules by id, their cards, the view builders, and the digest of cards, profiles and source."""

    rules: Mapping[str, Rule]
    cards: Mapping[str, Card]
    views: Mapping[type[View], ViewBuilder]
    digest: str


@cache
def load() -> Registry:
    """Walk ``rules/catalogue`` and ``rules/views`` and return what they hold."""
    found: dict[str, Rule] = {}
    cards: dict[str, Card] = {}
    for module in _modules(rules.catalogue):
        for value in vars(module).values():
            if isinstance(value, Rule) and found.setdefault(value.id, value) is not value:
                raise RuleError(f"two rules are called {value.id}")
        family = module.__name__.rpartition(".")[2]
        cards.update(_cards(family, _text(module, f"{family}.toml")))
    builders = {}
    for module in _modules(rules.views):
        builders.update({v.of: v for v in vars(module).values() if isinstance(v, ViewBuilder)})
    if found.keys() != cards.keys():
        raise RuleError(f"rules without card or cards without rule: {sorted(found.keys() ^ cards.keys())}")
    return Registry(rules=found, cards=cards, views=builders, digest=_digest())


def _digest() -> str:
    """Return the digest of everything that can change a finding: cards, profiles and source; sets have their own."""
    digest = hashlib.sha256()
    root = Path(str(files("rules")))
    for path in sorted(p for p in root.rglob("*") if p.suffix in {".py", ".toml"} and p.parent.name != "sets"):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _modules(package: ModuleType) -> list[ModuleType]:
    names = sorted(m.name for m in pkgutil.iter_modules(package.__path__, package.__name__ + ".") if not m.ispkg)
    return [importlib.import_module(name) for name in names]


def _text(module: ModuleType, name: str) -> bytes:
    return (files(module.__name__.rpartition(".")[0]) / name).read_bytes()


def _cards(family: str, text: bytes) -> dict[str, Card]:
    return {rule: _card(f"{family}.toml", rule, table) for rule, table in tomllib.loads(text.decode()).items()}


def _card(file: str, rule: str, table: dict[str, Any]) -> Card:
    values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}
    try:
        return Card(
            rule=rule,
            severity=Severity(values.pop("severity")),
            confidence=Confidence(values.pop("confidence", "confirmed")),
            maturity=Maturity(values.pop("maturity", "stable")),
            effort=Effort(values.pop("effort")),
            fr=Words(**values.pop("fr")),
            en=Words(**values.pop("en")),
            **values,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RuleError(f"{file}, card {rule}: {error}") from error
