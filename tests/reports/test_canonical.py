"""Canonical JSON is what the standard library writes, for any value and for whole dossiers."""

from __future__ import annotations

import json
from datetime import date, time
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.interface import Part
from reports.json import canonical, plain, tree
from rules.subject import Timeline
from tests.reports.dossiers import NOW, small

_LEAF = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(),
    st.sampled_from([NOW, date(2026, 11, 24), time(4, 30), ip_network("192.0.2.0/24"), Part.EXPOSURE]),
    st.frozensets(st.text(), max_size=3),
)  # fmt: skip
VALUES = st.recursive(
    _LEAF,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(st.text(), st.integers(), st.sampled_from(Part)), inner, max_size=4),
    ),
    max_leaves=20,
)


def by_the_library(value: object) -> bytes:
    text = json.dumps(plain(value), sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


@given(VALUES)
def test_any_value(value: object) -> None:
    assert canonical(value) == by_the_library(value)


def test_a_dossier_and_a_timeline() -> None:
    told = tree(small())
    assert canonical(told) == by_the_library(told)
    assert canonical(Timeline()) == by_the_library(Timeline())
    assert canonical("\ud800\x00é</script>") == by_the_library("\ud800\x00é</script>")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [-float("inf")]}])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="number"):
        canonical(value)


@pytest.mark.parametrize("value", [object(), [b"bytes"]])
def test_what_is_no_data_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical(value)
