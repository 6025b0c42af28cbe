"""Domain values to canonical text and back: ASCII JSON with sorted keys, so no byte of a stranger stops a database."""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


#: One adapter a type, made when first needed.
_ADAPTERS: dict[object, TypeAdapter[Any]] = {}


def _adapter(of: type[T]) -> TypeAdapter[T]:
    if of not in _ADAPTERS:
        _ADAPTERS[of] = TypeAdapter(of)
    return _ADAPTERS[of]


def canonical(data: object) -> str:
    """Return plain data as the one text that stands for it."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def data_of(value: object) -> object:
    """Return a domain value as plain data."""
    data: object = _adapter(type(value)).dump_python(value, mode="json")
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
