"""The kinds of documents that a person attaches, and what is transcribed from each; data in ``attestations.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from rules.interface import RuleError
from rules.origins import Text

#: The type under which scans of this tool count among audits.
OWN = "hygie"
_TRUE, _FALSE = {"yes", "oui", "true"}, {"no", "non", "false"}
#: Longest text transcribed, in characters.
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueKind:
    """A value transcribed from a document: ``kind`` is whole, yes-no or text; bounds are inclusive."""

    kind: Literal["whole", "yes-no", "text"]
    label: Text
    min: int = 0
    max: int | None = None
    required: bool = False

    def read(self, name: str, text: str) -> str | int:
        """Return the value that a person typed; raise ``RuleError`` with what would be right."""
        if self.kind == "text":
            if len(text) > _LONGEST:
                raise RuleError(f"{name}: at most {_LONGEST} characters")
            return text
        if self.kind == "yes-no":
            if text.lower() in _TRUE | _FALSE:
                return "yes" if text.lower() in _TRUE else "no"
            raise RuleError(f"{name}: expected yes or no, not {text!r}")
        most = f" to {self.max}" if self.max is not None else " or more"
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise RuleError(f"{name}: expected a whole number, {self.min}{most}, not {text!r}")
        value = int(text)
        if value < self.min or (self.max is not None and value > self.max):
            raise RuleError(f"{name}: expected {self.min}{most}, not {value}")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationKind:
    """A kind of document, by its ``type``, and the values that are transcribed from it."""

    type: str
    label: Text
    values: Mapping[str, ValueKind]

    def read(self, pairs: Mapping[str, str]) -> dict[str, str | int]:
        """Return the values that a person typed, sorted by name; raise ``RuleError`` for the first that is wrong."""
        for name in pairs:
            if name not in self.values:
                raise RuleError(f"a document of type {self.type} has no value {name}; it has {', '.join(self.values)}")
        for name, kind in self.values.items():
            if kind.required and name not in pairs:
                raise RuleError(f"a document of type {self.type} needs the value {name} ({kind.label.en})")
        return {name: self.values[name].read(name, text) for name, text in sorted(pairs.items())}


@cache
def kinds() -> Mapping[str, AttestationKind]:
    """Return every kind of document by its type."""
    data = tomllib.loads((files("rules") / "attestations.toml").read_text())
    return {type: _kind(type, table) for type, table in data.items()}


def _kind(type: str, table: Mapping[str, Any]) -> AttestationKind:
    return AttestationKind(
        type=type,
        label=Text(fr=table["fr"], en=table["en"]),
        values={name: _value(value) for name, value in table["values"].items()},
    )


def _value(table: Mapping[str, Any]) -> ValueKind:
    rest = {key: value for key, value in table.items() if key not in {"fr", "en"}}
    return ValueKind(label=Text(fr=table["fr"], en=table["en"]), **rest)
