"""The few pieces of BER that LDAP needs (X.690 8.1, RFC 4511 5.1): definite lengths, one-byte tags, bounds checked."""

from __future__ import annotations


class BerError(ValueError):
    """Bytes that are not the BER expected, or that end too early."""


def header(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Return (tag, start of the content, end of the content) of the element at ``at``, which must fit before ``end``.

    Lengths longer than needed are read, because Active Directory writes them; indefinite lengths are refused.
    """
    if at + 2 > end:
        raise BerError(f"no element at byte {at}")
    length = data[at + 1]
    start = at + 2
    if length >= 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4 or start + count > end:
            raise BerError(f"length not readable at byte {at}")
        length = int.from_bytes(data[start : start + count], "big")
        start += count
    stop = start + length
    if stop > end:
        raise BerError(f"element at byte {at} passes the end")
    return data[at], start, stop


def expect(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Return the content's bounds of the element at ``at``, which must bear ``tag``."""
    if at + 2 <= end and data[at] == tag and data[at + 1] < 0x80 and at + 2 + data[at + 1] <= end:
        return at + 2, at + 2 + data[at + 1]  # nearly all elements: one byte of length
    found, start, stop = header(data, at, end)
    if found != tag:
        raise BerError(f"tag 0x{found:02x} where 0x{tag:02x} was expected, at byte {at}")
    return start, stop


def integer(data: bytes, start: int, stop: int) -> int:
    """Return the two's complement integer, at most 8 bytes, between two bounds."""
    if not 1 <= stop - start <= 8:
        raise BerError(f"integer of {stop - start} bytes at byte {start}")
    return int.from_bytes(data[start:stop], "big", signed=True)


def element(tag: int, *contents: bytes) -> bytes:
    """Return one element with the shortest length."""
    body = b"".join(contents)
    length = len(body)
    if length < 0x80:
        return bytes((tag, length)) + body
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + body


def number(value: int, tag: int = 0x02) -> bytes:
    """Return an INTEGER, or another tag of the same form such as ENUMERATED."""
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
