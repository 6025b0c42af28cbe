"""LDAP messages (RFC 4511): the search we write, the answers we read, bounds checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from probes.facts.ber import BerError, element, expect, header, integer, number

#: Simple paged results (RFC 2696), descriptor parts (MS-ADTS 3.1.1.3.4.1.11), deleted objects (3.1.1.3.4.1.14).
PAGED: Final = "1.2.840.113556.1.4.319"
DESCRIPTOR_FLAGS: Final = "1.2.840.113556.1.4.801"
SHOW_DELETED: Final = "1.2.840.113556.1.4.417"
#: Notice of disconnection (RFC 4511 4.4.1).
DISCONNECTION: Final = b"1.3.6.1.4.1.1466.20036"

#: Tags of the operations a server sends (RFC 4511 4.1.1).
BIND_RESPONSE, ENTRY, DONE, REFERENCE, EXTENDED_RESPONSE = 0x61, 0x64, 0x65, 0x73, 0x78
#: Those that end with an LDAPResult (RFC 4511 4.1.9).
RESULTS: Final = frozenset({BIND_RESPONSE, DONE, EXTENDED_RESPONSE})


class Scope(IntEnum):
    """How deep a search goes."""

    BASE = 0
    ONE = 1
    SUBTREE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The LDAPResult that ends an operation; ``controls`` are the values by OID, ``saslcreds`` a bind's token."""

    message_id: int
    operation: int
    code: int
    matched: bytes = b""
    diagnostic: bytes = b""
    referrals: tuple[bytes, ...] = ()
    saslcreds: bytes | None = None
    name: bytes = b""
    controls: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The server's diagnostic, one line of hostile text, at most 200 characters."""
        return " ".join(self.diagnostic.rstrip(b"\0").decode(errors="replace").split())[:200]


def control(oid: str, value: bytes = b"", *, critical: bool = True) -> bytes:
    """Return one request control."""
    return element(
        0x30,
        element(0x04, oid.encode()),
        element(0x01, b"\xff" if critical else b"\0"),
        element(0x04, value) if value else b"",
    )


def paged(size: int, cookie: bytes) -> bytes:
    """Return the control that asks for one page."""
    return control(PAGED, element(0x30, number(size), element(0x04, cookie)))


def descriptor_parts(flags: int) -> bytes:
    """Return the control that asks for some parts of the descriptors: 1 owner, 2 group, 4 DACL, 8 SACL."""
    return control(DESCRIPTOR_FLAGS, element(0x30, number(flags)))


def search(
    message_id: int,
    base: bytes,
    scope: Scope,
    attributes: Iterable[str],
    controls: Iterable[bytes] = (),
    limit: int = 0,
) -> bytes:
    """Return the search of every object under ``base``; ``limit`` in seconds on the server, 0 for its own."""
    asked = element(0x30, *(element(0x04, name.encode()) for name in attributes))
    operation = element(
        0x63,
        element(0x04, base),
        number(scope, 0x0A),
        number(0, 0x0A),
        number(0),
        number(limit),
        element(0x01, b"\0"),
        element(0x87, b"objectClass"),
        asked,
    )
    return element(0x30, number(message_id), operation, element(0xA0, *controls))


def read_operation(message: bytes) -> tuple[int, int]:
    """Return (message id, tag of the operation) of one whole message; raise ``BerError``."""
    start, stop = expect(message, 0, len(message), 0x30)
    first, past = expect(message, start, stop, 0x02)
    return integer(message, first, past), header(message, past, stop)[0]


def read_answer(message: bytes) -> Answer:
    """Read the message that ends an operation; raise ``BerError``."""
    message_id, operation = read_operation(message)
    start, stop = expect(message, 0, len(message), 0x30)
    _, past = expect(message, start, stop, 0x02)
    if operation not in RESULTS:
        raise BerError(f"operation 0x{operation:02x} where a result was expected")
    at, end = expect(message, past, stop, operation)
    first, code = expect(message, at, end, 0x0A)
    matched, past_matched = expect(message, code, end, 0x04)
    text, past_text = expect(message, past_matched, end, 0x04)
    rest = _elements(message, past_text, end)
    return Answer(
        message_id=message_id,
        operation=operation,
        code=integer(message, first, code),
        matched=message[matched:past_matched],
        diagnostic=message[text:past_text],
        referrals=tuple(value for _, value in _parts(rest.get(0xA3, b""))),
        saslcreds=rest.get(0x87),
        name=rest.get(0x8A, b""),
        controls=_controls(message, end, stop),
    )


def plain(answer: Answer) -> bytes:
    """Return the answer written anew without its controls: well formed whatever was received."""
    return element(
        0x30,
        number(answer.message_id),
        element(
            answer.operation,
            number(answer.code, 0x0A),
            element(0x04, answer.matched),
            element(0x04, answer.diagnostic),
            element(0x87, answer.saslcreds) if answer.saslcreds is not None else b"",
            element(0x8A, answer.name) if answer.name else b"",
        ),
    )


def read_cookie(answer: Answer) -> bytes:
    """Return the cookie of the next page, empty after the last; raise ``BerError``."""
    value = answer.controls.get(PAGED, b"")
    if not value:
        return b""
    start, stop = expect(value, 0, len(value), 0x30)
    _, past = expect(value, start, stop, 0x02)
    first, last = expect(value, past, stop, 0x04)
    return value[first:last]


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    at, found = 0, []
    while at < len(data):
        tag, start, at = header(data, at, len(data))
        found.append((tag, data[start:at]))
    return found


def _elements(data: bytes, at: int, end: int) -> dict[int, bytes]:
    return dict(_parts(data[at:end]))


def _controls(message: bytes, at: int, stop: int) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for _, one in _parts(_elements(message, at, stop).get(0xA0, b"")):
        parts = _parts(one)
        if not parts or parts[0][0] != 0x04:
            raise BerError("a control without name")
        found[parts[0][1].decode("ascii", errors="replace")] = parts[-1][1] if parts[-1][0] == 0x04 else b""
    return found
