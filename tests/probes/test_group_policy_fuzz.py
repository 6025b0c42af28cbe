"""The files of group policies are hostile text: any bytes give values or a typed refusal, in bounded time."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.directory.redaction import redacted
from probes.directory.sysvol import WANTED
from probes.facts.group_policy import PolicyError, preferences, read_inf, read_preg, scripts, text_of, write_preg
from rules.views.gpo_links import applied, links_of

BYTES = st.one_of(st.binary(max_size=400), st.binary(max_size=200).map(lambda b: b"PReg\1\0\0\0[\0" + b))


@given(BYTES)
def test_any_bytes_are_values_or_a_refusal(data: bytes) -> None:
    assert isinstance(text_of(data), str)
    assert all(isinstance(section, dict) for section in read_inf(data).values())
    assert all(isinstance(element, dict) for element in preferences(data))
    assert all(isinstance(command, str) for command in scripts(data))
    try:
        values = list(read_preg(data))
    except PolicyError:
        return
    assert list(read_preg(write_preg(values))) == values


@given(data=BYTES, name=st.sampled_from(sorted(WANTED)))
def test_what_is_redacted_is_redacted_once_and_for_all(data: bytes, name: str) -> None:
    try:
        once, _ = redacted(name, data)
    except PolicyError:
        return
    assert redacted(name, once)[0] == once


MEGA = 1 << 20
BOMBS: dict[str, bytes] = {
    "blank lines": b"\n" * (4 * MEGA),
    "spaces": b"[x]\n0Parameters=" + b" " * (4 * MEGA),
    "properties": b"<Properties " * (4 * MEGA // 12),
    "attributes": b"<Properties " + b"a" * 19_000 + b">" + (b"<Properties " + b"a " * 9_000 + b">") * 200,
    "passwords": b'cpassword="' * (4 * MEGA // 11),
    "sections": b"[" * (2 * MEGA),
}


READERS: list[Callable[[bytes], object]] = [
    read_inf,
    lambda data: list(preferences(data)),
    lambda data: redacted("groups.xml", data),
    lambda data: redacted("scripts.ini", data),
]


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("read", READERS, ids=["inf", "preferences", "xml", "ini"])
def test_a_file_made_to_slow_us_down_does_not(name: str, read: Callable[[bytes], object]) -> None:
    began = time.process_time()
    read(BOMBS[name])
    assert time.process_time() - began < 5


def test_links_and_names_without_end_take_bounded_time() -> None:
    began = time.process_time()
    assert links_of("[LDAP://" * (MEGA // 8)) == ()
    assert applied("cn=x," * (MEGA // 5), {}) == ()
    assert time.process_time() - began < 5
