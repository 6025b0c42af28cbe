"""Directory entries on the wire: what is written is read back, and nothing broken is read."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.facts.entries import Entry, EntryError, decode_entries, encode_entry

names = st.from_regex(r"[a-z][a-z0-9-]{0,20}(;range=[0-9]{1,4}-([0-9]{1,4}|\*))?", fullmatch=True)
entries = st.tuples(st.text(max_size=60), st.dictionaries(names, st.lists(st.binary(max_size=300)).map(tuple)))


@given(st.lists(entries, max_size=4))
def test_what_is_written_is_read_back(several: list[tuple[str, dict[str, tuple[bytes, ...]]]]) -> None:
    several = [(dn.encode(errors="replace").decode(), attributes) for dn, attributes in several]
    chunk = b"".join(encode_entry(dn, attributes, message_id=7) for dn, attributes in several)
    assert [(entry.dn, entry.attributes) for entry in decode_entries(chunk)] == several


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_read_never_a_crash(data: bytes) -> None:
    with contextlib.suppress(EntryError):
        list(decode_entries(data))


@given(entries, st.data())
def test_a_cut_entry_is_never_read(one: tuple[str, dict[str, tuple[bytes, ...]]], data: st.DataObject) -> None:
    whole = encode_entry(one[0].encode(errors="replace").decode(), one[1])
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(EntryError):
        list(decode_entries(whole[:cut]))


def test_active_directory_writes_four_byte_lengths() -> None:
    wide = (
        b"\x30\x84\x00\x00\x00\x26\x02\x01\x02"
        b"\x64\x84\x00\x00\x00\x1d\x04\x05CN=\xc3\xa9\x30\x84\x00\x00\x00\x10"
        b"\x30\x84\x00\x00\x00\x0a\x04\x02cN\x31\x84\x00\x00\x00\x00"
    )
    assert list(decode_entries(wide)) == [Entry("CN=é", {"cn": ()})]


def test_a_message_that_is_no_entry_is_refused() -> None:
    done = bytes.fromhex("300c02010165070a010004000400")
    with pytest.raises(EntryError, match="0x65"):
        list(decode_entries(done))


def test_a_hundred_thousand_nested_elements_do_not_recurse() -> None:
    with pytest.raises(EntryError):
        list(decode_entries(b"\x30\x80" * 100_000))


def test_entries_are_read_by_the_thousand_each_second() -> None:
    attributes = {f"attribute{i}": (b"x" * 40,) for i in range(17)} | {"ntsecuritydescriptor": (b"d" * 3000,)}
    chunk = encode_entry("CN=Hélène Garçon,OU=Médecins,DC=chu,DC=example", attributes) * 4000
    began = time.process_time()
    assert sum(1 for _ in decode_entries(chunk)) == 4000
    spent = time.process_time() - began
    print(f"{4000 / spent:.0f} entries/s")
    assert spent < 2
