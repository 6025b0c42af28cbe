"""Security descriptors: what is written is read, what is cut is a typed error, and nothing else ever comes out."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.facts.descriptor import Ace, DescriptorError, parse_descriptor
from probes.facts.identifiers import sid_bytes
from tests.lab.descriptors import FULL, ONLY_CHILDREN, ace, descriptor

ADMINS, USER = "S-1-5-32-544", "S-1-5-21-1-2-3-1104"
RESET, USERS = "00299570-246d-11d0-a768-00aa006e0529", "bf967aba-0de6-11d0-a285-00aa003049e2"


def test_owner_and_entries_of_every_kind() -> None:
    data = descriptor(
        USER,
        [
            ace(USER, 0x100, RESET, deny=True),
            ace(ADMINS, FULL),
            ace(USER, 0x100, RESET, flags=ONLY_CHILDREN, inherited_type=USERS),
            ace(ADMINS, 0x20, inherited_type=USERS),
        ],
        protected=True,
    )
    seen = parse_descriptor(data)
    assert (seen.owner, seen.group, seen.protected) == (USER, "S-1-5-18", True)
    assert seen.dacl == (
        Ace(True, 0, 0x100, USER, RESET),
        Ace(False, 0, FULL, ADMINS),
        Ace(False, 0x0A, 0x100, USER, RESET, USERS),
        Ace(False, 0, 0x20, ADMINS, "", USERS),
    )
    assert [a.inherit_only for a in seen.dacl] == [False, False, True, False]


def test_no_dacl_is_not_an_empty_dacl() -> None:
    assert parse_descriptor(descriptor(ADMINS, [])).dacl == ()
    assert parse_descriptor(descriptor(ADMINS, None)).dacl is None
    assert parse_descriptor(descriptor(ADMINS, None, present=False)).dacl is None


def test_conditions_are_told_and_audit_entries_left_out() -> None:
    callback = ace(USER, FULL) + b"artx...."
    callback = b"\x09\x00" + struct.pack("<H", len(callback)) + callback[4:]
    audit = b"\x02" + ace(USER, FULL)[1:]
    assert parse_descriptor(descriptor(ADMINS, [audit, callback])).dacl == (
        Ace(False, 0, FULL, USER, conditional=True),
    )


@pytest.mark.parametrize("cut", range(0, 100, 3))
def test_a_cut_descriptor_is_a_typed_error(cut: int) -> None:
    data = descriptor(USER, [ace(ADMINS, FULL), ace(USER, 0x100, RESET)])
    if cut < len(data):
        with pytest.raises(DescriptorError):
            parse_descriptor(data[:cut])


@pytest.mark.parametrize(
    "data",
    [
        b"\x02" + descriptor(ADMINS, [])[1:],
        descriptor(ADMINS, [])[:2] + b"\x04\x00" + descriptor(ADMINS, [])[4:],
        descriptor(ADMINS, [b"\x00\x00\x00\x00" + b"." * 20]),
        descriptor(ADMINS, [b"\x00\x00\x08\x00" + b"." * 4]),
        descriptor(ADMINS, [b"\x05\x00\x14\x00" + struct.pack("<II", 1, 3) + b"." * 8]),
        descriptor(ADMINS, [b"\x00\x00\x10\x00" + struct.pack("<I", 1) + b"\x01\x0f" + b"." * 6]),
    ],
    ids=["revision", "absolute", "entry without length", "entry without SID", "type cut", "SID cut"],
)
def test_what_is_not_well_formed_is_a_typed_error(data: bytes) -> None:
    with pytest.raises(DescriptorError):
        parse_descriptor(data)


WHOLE = descriptor(USER, [ace(ADMINS, FULL), ace(USER, 0x100, RESET, inherited_type=USERS, flags=2)], protected=True)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200) | st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=12))
def test_any_bytes_are_a_descriptor_or_a_typed_error(noise: bytes | list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE)
    if isinstance(noise, bytes):
        data = bytearray(WHOLE[:20] + noise)
    else:
        for at, value in noise:
            data[at] = value
    try:
        seen = parse_descriptor(bytes(data))
    except DescriptorError:
        return
    for sid in (seen.owner, seen.group, *(a.sid for a in seen.dacl or ())):
        assert sid == "" or sid_bytes(sid)
