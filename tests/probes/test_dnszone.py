"""Settings of a zone kept in the directory: what they say, and any bytes at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.facts.dnszone import Updates, updates


def prop(kind: int, data: bytes, *, length: int | None = None) -> bytes:
    head = (len(data) if length is None else length, 0, 0, 1, kind)
    return b"".join(n.to_bytes(4, "little") for n in head) + data + b"\0"


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ((), Updates.NONE),
        ((prop(2, b"\0"),), Updates.NONE),
        ((prop(2, b"\1"),), Updates.UNSECURE),
        ((prop(1, b"\1\0\0\0"), prop(2, b"\2")), Updates.SECURE),
        ((prop(2, b"\2\0\0\0"),), Updates.SECURE),
        ((prop(2, b"\7"),), None),
        ((prop(2, b"", length=1)[:20],), None),
        ((prop(2, b"\1", length=9),), None),
        ((b"\1\2",), None),
    ],
)
def test_what_a_zone_takes(properties: tuple[bytes, ...], expected: Updates | None) -> None:
    assert updates(properties) is expected


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_any_bytes_say_something_or_nothing(properties: list[bytes]) -> None:
    assert updates(tuple(properties)) in {None, *Updates}
