"""A Siemens controller asked for its order number and firmware; nothing else is read, and nothing is written.

Sources: RFC 1006 and ISO 8073 (the transport behind TCP 102), and the public description of S7 communication: a job
that opens the conversation, then a reading of the system status list 0x0011, module identification.
"""

from __future__ import annotations

import contextlib
import struct

from probes.facts.services.answered import Talk, clipped
from probes.services.conversation import Call, Conversation, UnspokenError
from probes.services.family import Said

#: A connection request from a programming device to the processor, by its rack and slot: (0, 2) in the S7-300 and 400,
#: (0, 1) in the S7-1200 and 1500.
CONNECTS = tuple(bytes.fromhex(f"0300001611e00000000100c1020100c202{slot:04x}c0010a") for slot in (0x0102, 0x0101))
#: What opens the conversation: one job at a time, 480 bytes at the most.
SETUP = bytes.fromhex("0300001902f08032010000000100080000f0000001000101e0")
#: Read the system status list 0x0011, whole.
IDENTIFICATION = bytes.fromhex("0300002102f080320700000002000800080001120411440100ff09000400110000")
_CONFIRM, _DATA, _LARGEST = 0xD0, 0xF0, 2048
#: Records of the list, by index: the module's order number, and the firmware with its version.
_MODULE, _FIRMWARE, _RECORD = 1, 7, 28


async def s7(call: Call) -> Said:
    """Connect, by the one slot or else the other, and read the name plate."""
    for connect in CONNECTS:
        async with call.open(level=3) as conversation:
            await conversation.say(connect)
            if await _connected(conversation):
                return await _identified(conversation)
    raise UnspokenError(Talk.CUT)


async def _connected(conversation: Conversation) -> bool:
    """Whether the slot is there; a processor refuses another's connection, or just hangs up."""
    try:
        return (await _packet(conversation))[1] & 0xF0 == _CONFIRM
    except UnspokenError as end:
        if end.talk is Talk.CLOSED:
            return False
        raise


async def _identified(conversation: Conversation) -> Said:
    answer = b""
    try:
        await conversation.say(SETUP)
        if (await _packet(conversation))[3:5] != b"\x32\x03":
            raise UnspokenError(Talk.OTHER)
    except UnspokenError:
        # The transport was spoken: something industrial is there that is no S7, or breaks off.
        raise UnspokenError(Talk.CUT) from None
    # A processor that keeps its name to itself has still spoken.
    with contextlib.suppress(UnspokenError):
        await conversation.say(IDENTIFICATION)
        answer = await _packet(conversation)
    product, version = name_plate(answer)
    return Said(product=product, version=version, encryption=False)


async def _packet(conversation: Conversation) -> bytes:
    """One transport packet without its TPKT header."""
    version, _, length = struct.unpack("!BBH", await conversation.hear(4))
    if version != 3 or not 7 <= length <= _LARGEST:
        raise UnspokenError(Talk.OTHER)
    return await conversation.hear(length - 4)


def name_plate(answer: bytes) -> tuple[str, str]:
    """Return the order number and the firmware's version of a status list 0x0011; "" for what it does not tell."""
    # transport (3), header (10), parameters (12), then return code, kind and size of what follows
    if len(answer) < 37 or answer[1] != _DATA or answer[3:5] != b"\x32\x07" or answer[25] != 0xFF:
        return "", ""
    listed, _, size, count = struct.unpack_from("!HHHH", answer, 29)
    records = answer[37:]
    if listed != 0x0011 or size != _RECORD:
        return "", ""
    product = version = ""
    for at in range(0, min(count * size, len(records) - size + 1), size):
        (index,) = struct.unpack_from("!H", records, at)
        if index == _MODULE:
            product = clipped(records[at + 2 : at + 22].rstrip(b"\0"))
        if index == _FIRMWARE and records[at + 24 : at + 25] == b"V":
            version = ".".join(str(number) for number in records[at + 25 : at + 28])
    return product, version
