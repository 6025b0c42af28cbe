"""Directory entries on the wire: SearchResultEntry messages (RFC 4511 4.5.2) to names and values, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from probes.facts.ber import BerError, element, expect, number

SEQUENCE, SET, INTEGER, OCTETS, SEARCH_ENTRY = 0x30, 0x31, 0x02, 0x04, 0x64


class EntryError(ValueError):
    """Bytes that are not a run of whole SearchResultEntry messages."""


@dataclass(slots=True, frozen=True)
class Entry:
    """One entry: its distinguished name, and its values by lower-case attribute description.

    Options stay in the name (``member;range=0-1499``); the further ranges of an attribute are separate entries of
    the same name. A byte of a name that is no UTF-8 is shown as ``\\xNN``.
    """

    dn: str
    attributes: dict[str, tuple[bytes, ...]]


def decode_entries(chunk: bytes) -> Iterator[Entry]:
    """Yield the entries of concatenated messages, in order; raise ``EntryError`` at the first that is not whole."""
    at, end = 0, len(chunk)
    names: dict[bytes, str] = {}
    try:
        while at < end:
            start, stop = expect(chunk, at, end, SEQUENCE)
            _, past_id = expect(chunk, start, stop, INTEGER)
            yield _entry(chunk, *expect(chunk, past_id, stop, SEARCH_ENTRY), names)
            at = stop
    except BerError as error:
        raise EntryError(str(error)) from None


def encode_entry(dn: str, attributes: Mapping[str, Iterable[bytes]], *, message_id: int = 1) -> bytes:
    """Return one SearchResultEntry message, as a server would send it."""
    return element(
        SEQUENCE,
        number(message_id),
        element(
            SEARCH_ENTRY,
            element(OCTETS, dn.encode()),
            element(SEQUENCE, *(_attribute(name, values) for name, values in attributes.items())),
        ),
    )


def _attribute(name: str, values: Iterable[bytes]) -> bytes:
    return element(
        SEQUENCE, element(OCTETS, name.encode()), element(SET, *(element(OCTETS, value) for value in values))
    )


def _entry(data: bytes, at: int, end: int, names: dict[bytes, str]) -> Entry:
    start, past_name = expect(data, at, end, OCTETS)
    dn = data[start:past_name].decode(errors="backslashreplace")
    attributes: dict[str, tuple[bytes, ...]] = {}
    at, stop = expect(data, past_name, end, SEQUENCE)
    while at < stop:
        inner, at = expect(data, at, stop, SEQUENCE)
        first, past_type = expect(data, inner, at, OCTETS)
        description = data[first:past_type]
        name = names.get(description)
        if name is None:
            name = names[description] = description.decode(errors="backslashreplace").lower()
        values = tuple(_values(data, *expect(data, past_type, at, SET)))
        attributes[name] = attributes[name] + values if name in attributes else values
    return Entry(dn, attributes)


def _values(data: bytes, at: int, end: int) -> list[bytes]:
    values = []
    while at < end:
        start, at = expect(data, at, end, OCTETS)
        values.append(data[start:at])
    return values
