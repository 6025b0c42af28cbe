"""Message brokers: which one it is, and whether it takes a caller without identity (MQTT 3.1.1, AMQP 0-9-1)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import ClassVar

from probes.facts.services.answered import Access, BrokerAnswered, Talk, clipped
from probes.services.conversation import Call, UnspokenError
from probes.services.family import Dialogue, FamilyProbe, FamilySettings, Said, answered

#: A clean session for a client called hygie, without user or password, and the good-bye.
_CLIENT = b"\x00\x04MQTT\x04\x02\x00\x0a\x00\x05hygie"
MQTT_CONNECT = bytes((0x10, len(_CLIENT))) + _CLIENT
MQTT_DISCONNECT = b"\xe0\x00"
AMQP_HEADER = b"AMQP\x00\x00\x09\x01"
_LARGEST = 16384


async def mqtt(call: Call) -> Said:
    """Connect without a name; nothing is subscribed to."""
    encrypted = call.port == 8883
    async with call.open(encrypted=encrypted) as conversation:
        await conversation.say(MQTT_CONNECT)
        kind, length, _, code = await conversation.hear(4)
        if (kind, length) != (0x20, 2):
            raise UnspokenError(Talk.OTHER)
        if code == 0:
            await conversation.say(MQTT_DISCONNECT)
    access = {0: Access.OPEN, 4: Access.REQUIRED, 5: Access.REQUIRED}.get(code, Access.UNKNOWN)
    return Said(access=access, product="MQTT", encryption=encrypted)


async def amqp(call: Call) -> Said:
    """Read the broker's first frame: its name, its version, and how one would have to log in."""
    async with call.open() as conversation:
        await conversation.say(AMQP_HEADER)
        head = await conversation.hear(7)
        if head[:4] == b"AMQP":
            return Said(product="AMQP", encryption=False)
        kind, channel, size = struct.unpack("!BHI", head)
        if kind != 1 or channel or not 12 <= size <= _LARGEST:
            raise UnspokenError(Talk.OTHER)
        frame = await conversation.hear(size)
    if frame[:4] != b"\x00\x0a\x00\x0a":
        raise UnspokenError(Talk.OTHER)
    table, rest = _long(frame[6:])
    mechanisms, _ = _long(rest)
    return Said(
        access=Access.OPEN if b"ANONYMOUS" in mechanisms.split() else Access.REQUIRED,
        product=_text(table, b"product"),
        version=_text(table, b"version"),
        encryption=False,
        mechanisms=tuple(clipped(name) for name in mechanisms.split()[:20]),
    )


def _long(data: bytes) -> tuple[bytes, bytes]:
    length = int.from_bytes(data[:4], "big")
    return data[4 : 4 + length], data[4 + length :]


def _text(table: bytes, name: bytes) -> str:
    """A long string of a field table (AMQP 0-9-1, 4.2.5.5), found by its name."""
    key = bytes((len(name),)) + name + b"S"
    at = table.find(key)
    return clipped(_long(table[at + len(key) :])[0]) if at >= 0 else ""


class BrokerProbe(FamilyProbe[FamilySettings]):
    """Sees who lets anybody listen; no topic or queue is touched."""

    name: ClassVar[str] = "broker"
    Settings: ClassVar[type[FamilySettings]] = FamilySettings
    table: ClassVar[Mapping[str, tuple[int, ...]]] = {"mqtt": (1883, 8883), "amqp": (5672,)}
    dialogues: ClassVar[Mapping[str, Dialogue]] = {"mqtt": mqtt, "amqp": amqp}

    def fact(self, call: Call, protocol: str, talk: Talk, said: Said) -> BrokerAnswered:
        """Return what a broker answered."""
        return BrokerAnswered(**answered(call, protocol, talk, said), mechanisms=said.mechanisms)
