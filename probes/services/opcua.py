"""An OPC UA server asked for the endpoints it offers, which every server tells without a session (OPC 10000-4 5.4.4).

Layouts: OPC 10000-6, 5.2 (binary encoding), 6.7 (secure conversation, here without security) and 7.1 (opc.tcp).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeVar

from probes.facts.services.answered import Access, Talk, clipped
from probes.facts.services.industrial import Endpoint
from probes.services.conversation import Call, Conversation, UnspokenError
from probes.services.family import Said

#: Numbers of the binary encodings of what is asked and answered (OPC 10000-6, annex A).
_OPEN, _OPENED, _CLOSE, _GET, _GOT = 446, 449, 452, 428, 431
_NONE = "http://opcfoundation.org/UA/SecurityPolicy#None"
_LARGEST, _MOST = 65535, 64
_MODES = {1: "None", 2: "Sign", 3: "SignAndEncrypt"}
_TOKENS = {0: "anonymous", 1: "user-name", 2: "certificate", 3: "issued"}
#: A request's head: no session, no time, handle 1, no diagnostics, no audit entry, ten seconds, nothing further.
_HEAD = b"\0\0" + bytes(8) + struct.pack("<IIiI", 1, 0, -1, 10_000) + b"\0\0\0"

T = TypeVar("T")


def hello(url: str) -> bytes:
    """The first message: the sizes taken, and the endpoint meant."""
    return _message(b"HELF", struct.pack("<IIIII", 0, _LARGEST, _LARGEST, _LARGEST, 1) + _string(url))


def open_channel() -> bytes:
    """Open a channel without security, for one minute: the one that endpoints are asked for by."""
    body = _typed(_OPEN) + _HEAD + struct.pack("<IIIiI", 0, 0, 1, -1, 60_000)
    return _message(b"OPNF", struct.pack("<I", 0) + _string(_NONE) + struct.pack("<iiII", -1, -1, 1, 1) + body)


def get_endpoints(channel: int, token: int, url: str) -> bytes:
    """Ask for every endpoint, in any language and by any transport."""
    body = _typed(_GET) + _HEAD + _string(url) + struct.pack("<ii", -1, -1)
    return _message(b"MSGF", struct.pack("<IIII", channel, token, 2, 2) + body)


def close_channel(channel: int, token: int) -> bytes:
    """Take leave."""
    return _message(b"CLOF", struct.pack("<IIII", channel, token, 3, 3) + _typed(_CLOSE) + _HEAD)


async def opcua(call: Call) -> Said:
    """Greet, open a channel without security, ask for the endpoints, close."""
    url = f"opc.tcp://{call.host}:{call.port}"
    async with call.open(level=3) as conversation:
        await conversation.say(hello(url))
        kind, _ = await _heard(conversation)
        if kind == b"ERR":
            return Said()
        if kind != b"ACK":
            raise UnspokenError(Talk.OTHER)
        try:
            product, endpoints = await _told(conversation, url)
        except (UnspokenError, UnreadableError):
            # It greeted us: what it keeps to itself afterwards does not make it another service.
            return Said()
    anonymous = any("anonymous" in e.tokens for e in endpoints)
    return Said(
        product=product,
        access=Access.UNKNOWN if not endpoints else Access.OPEN if anonymous else Access.REQUIRED,
        encryption=any(e.mode == "SignAndEncrypt" for e in endpoints) if endpoints else None,
        endpoints=endpoints,
    )


async def _told(conversation: Conversation, url: str) -> tuple[str, tuple[Endpoint, ...]]:
    await conversation.say(open_channel())
    kind, body = await _heard(conversation)
    if kind != b"OPN":
        raise UnreadableError
    channel, token = read_channel(body)
    await conversation.say(get_endpoints(channel, token, url))
    kind, body = await _heard(conversation)
    if kind != b"MSG":
        raise UnreadableError
    await conversation.say(close_channel(channel, token))
    return read_endpoints(body)


async def _heard(conversation: Conversation) -> tuple[bytes, bytes]:
    """Return the kind of a message and what follows its size; the bodies of its chunks are joined."""
    joined = b""
    while len(joined) <= _LARGEST:
        head = await conversation.hear(8)
        kind, last, (size,) = head[:3], head[3:4], struct.unpack("<I", head[4:])
        if last not in {b"F", b"C"} or not 8 <= size <= _LARGEST:
            raise UnspokenError(Talk.OTHER)
        body = await conversation.hear(size - 8)
        # every chunk bears its channel, token and numbers before its share of the body
        joined += body[16:] if joined and kind == b"MSG" else body
        if last == b"F":
            return kind, joined
    raise UnspokenError(Talk.CUT)


def read_channel(body: bytes) -> tuple[int, int]:
    """Return the channel and token that a server opened."""
    read = _Reader(body)
    read.number()
    for _ in range(3):
        read.string()
    read.skip(8)
    _answered(read, _OPENED)
    read.number()
    return read.number(), read.number()


def read_endpoints(body: bytes) -> tuple[str, tuple[Endpoint, ...]]:
    """Return the application's name and its endpoints."""
    read = _Reader(body)
    read.skip(16)
    _answered(read, _GOT)
    found: list[Endpoint] = []
    name = ""
    for _ in range(read.count()):
        described, endpoint = _endpoint(read)
        name = name or described
        found.append(endpoint)
    return name, tuple(sorted(set(found)))


def _endpoint(read: _Reader) -> tuple[str, Endpoint]:
    read.string()
    for _ in range(2):
        read.string()
    name = read.localized()
    read.number()
    for _ in range(2):
        read.string()
    read.each(read.string)
    read.string()
    mode, policy = read.number(), read.string()
    tokens = read.each(lambda: _token(read))
    read.string()
    read.skip(1)
    short = clipped(policy.rpartition("#")[2])
    return clipped(name), Endpoint(mode=_MODES.get(mode, "?"), policy=short, tokens=tuple(sorted(set(tokens))))


def _token(read: _Reader) -> str:
    read.string()
    kind = read.number()
    for _ in range(3):
        read.string()
    return _TOKENS.get(kind, "?")


def _answered(read: _Reader, kind: int) -> None:
    """Pass over an answer's type and head; raise when it is another, or a refusal."""
    if read.take(4) != _typed(kind):
        raise UnreadableError
    read.skip(12)
    if read.number() >> 30:
        raise UnreadableError
    if read.take(1) != b"\0":
        raise UnreadableError
    read.each(read.string)
    if read.take(3) != b"\0\0\0":
        raise UnreadableError


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", 8 + len(body)) + body


def _typed(number: int) -> bytes:
    return b"\1\0" + struct.pack("<H", number)


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<i", len(data)) + data


class UnreadableError(ValueError):
    """Bytes that are no such answer."""


class _Reader:
    """What is left of an answer."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        data = self._data[self._at : self._at + count]
        if len(data) != count:
            raise UnreadableError
        self._at += count
        return data

    def skip(self, count: int) -> None:
        self.take(count)

    def number(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def string(self) -> str:
        (length,) = struct.unpack("<i", self.take(4))
        return self.take(length).decode("utf-8", "replace") if length > 0 else ""

    def localized(self) -> str:
        (mask,) = self.take(1)
        if mask & 1:
            self.string()
        return self.string() if mask & 2 else ""

    def count(self) -> int:
        count = int.from_bytes(self.take(4), "little", signed=True)
        if count > _MOST:
            raise UnreadableError
        return max(count, 0)

    def each(self, one: Callable[[], T]) -> list[T]:
        return [one() for _ in range(self.count())]
