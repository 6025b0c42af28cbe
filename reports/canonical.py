"""Domain values written as canonical JSON in one pass: sorted keys, an indent of one, nothing escaped but what must be.

The bytes are those of ``json.dumps`` over plain data with the same options, which the standard library indents in
Python, value by value; a region's timelines are hundreds of megabytes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from json.encoder import encode_basestring
from math import isfinite
from typing import Any

_Put = Callable[[str], None]
_Writer = Callable[[Any, str, _Put], None]
#: How the values of each type met so far are written.
_WRITERS: dict[type[Any], _Writer] = {}


def write(value: object) -> str:
    """Return the text of a value."""
    parts: list[str] = []
    _any(value, "\n", parts.append)
    return "".join(parts)


def _any(value: Any, line: str, put: _Put) -> None:  # noqa: ANN401 - any domain value
    kind = type(value)
    writer = _WRITERS.get(kind)
    if writer is None:
        writer = _WRITERS[kind] = _writer(kind)
    writer(value, line, put)


def _writer(kind: type[Any]) -> _Writer:
    """How values of a type are written; tables and lists know the line break and indent that they stand at."""
    if issubclass(kind, Enum):
        return lambda value, line, put: _any(value.value, line, put)
    if is_dataclass(kind):
        return _table_of(kind)
    if issubclass(kind, Mapping):
        return _table
    if issubclass(kind, (frozenset, set)):
        return lambda value, line, put: _list(sorted(map(_simple, value)), line, put)
    if issubclass(kind, (list, tuple)):
        return _list
    if issubclass(kind, str):
        return lambda value, line, put: put(encode_basestring(value))
    if issubclass(kind, bool) or kind is type(None):
        return lambda value, line, put: put({True: "true", False: "false", None: "null"}[value])
    if issubclass(kind, int):
        return lambda value, line, put: put(int.__repr__(value))
    if issubclass(kind, float):
        return lambda value, line, put: put(_number(value))
    return lambda value, line, put: put(encode_basestring(_simple(value)))


def _simple(value: object) -> Any:  # noqa: ANN401 - texts and numbers, as they sort
    """A value without parts as plain data."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date) or hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (IPv4Network, IPv6Network)):
        return str(value)
    if isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"a {type(value).__name__} is no plain data")


def _number(value: float) -> str:
    if not isfinite(value):
        raise ValueError(f"{value} is no number of JSON")
    return float.__repr__(value)


def _table_of(kind: type[Any]) -> _Writer:
    """The writer of a dataclass, whose keys are known beforehand."""
    keys = [(name, encode_basestring(name) + ": ") for name in sorted(f.name for f in fields(kind))]
    if not keys:
        return lambda value, line, put: put("{}")

    def table(value: object, line: str, put: _Put) -> None:
        inner, start = line + " ", "{"
        for name, key in keys:
            put(f"{start}{inner}{key}")
            _any(getattr(value, name), inner, put)
            start = ","
        put(line + "}")

    return table


def _table(value: Mapping[Any, Any], line: str, put: _Put) -> None:
    if not value:
        put("{}")
        return
    inner, start = line + " ", "{"
    named = {str(_simple(key)): item for key, item in value.items()}
    for key in sorted(named):
        put(f"{start}{inner}{encode_basestring(key)}: ")
        _any(named[key], inner, put)
        start = ","
    put(line + "}")


def _list(value: list[Any] | tuple[Any, ...], line: str, put: _Put) -> None:
    if not value:
        put("[]")
        return
    inner, start = line + " ", "["
    for item in value:
        put(start + inner)
        _any(item, inner, put)
        start = ","
    put(line + "]")
