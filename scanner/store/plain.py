"""Domain values to canonical text and back: ASCII JSON with sorted keys, so no byte of a stranger stops a database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


#: One adapter a type, made when first needed; those of types with a set somewhere within.
_ADAPTERS: dict[object, TypeAdapter[Any]] = {}
_WITH_SETS: set[object] = set()


def _adapter(of: type[T]) -> TypeAdapter[T]:
    if of not in _ADAPTERS:
        made = _ADAPTERS[of] = TypeAdapter(of)
        if "'frozenset'" in str(made.core_schema):
            _WITH_SETS.add(of)
    return _ADAPTERS[of]


def canonical(data: object) -> str:
    """Return plain data as the one text that stands for it."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def data_of(value: object) -> object:
    """Return a domain value as plain data."""
    kind = type(value)
    data: object = _adapter(kind).dump_python(value, mode="json")
    return _ordered(value, data) if kind in _WITH_SETS else data


def _ordered(value: object, data: Any) -> Any:  # noqa: ANN401 - plain data of any shape
    """The plain data of a value, with its sets in order: their own changes from one process to the next."""
    if isinstance(value, frozenset):
        return sorted(data, key=canonical)
    if isinstance(value, Mapping):
        return {key: _ordered(one, told) for one, (key, told) in zip(value.values(), data.items(), strict=True)}
    if isinstance(value, tuple):
        return [_ordered(one, told) for one, told in zip(value, data, strict=True)]
    if is_dataclass(value):
        return {field.name: _ordered(getattr(value, field.name), data[field.name]) for field in fields(value)}
    return data


def write(value: object) -> str:
    """Return a domain value as canonical text."""
    return canonical(data_of(value))


def read(text: str, of: type[T]) -> T:
    """Return the domain value that a text stands for."""
    return _adapter(of).validate_json(text)


def value_of(data: object, of: type[T]) -> T:
    """Return the domain value that plain data stands for."""
    return _adapter(of).validate_python(data)


def digest(text: str) -> str:
    """Return the SHA-256 of a text, in lower-case hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def column(text: str) -> str:
    """Return a text as a column can hold it, for queries only: PostgreSQL takes neither NUL nor lone surrogates."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
