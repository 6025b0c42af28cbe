"""Industrial and building devices asked for their name and nothing else, where the mandate says so itself.

Sources: Modbus application protocol 1.1b3 section 6.21, CIP volume 2 section 2-4.2 (EtherNet/IP ListIdentity),
ASHRAE 135 clause 15.5 and annex J (BACnet), ISO 22510 (KNXnet/IP description).
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Mapping
from typing import ClassVar

from probes.facts.services.answered import Talk, clipped
from probes.facts.services.industrial import IndustrialAnswered
from probes.interface import Asset, Line, ProbeError, Reason, Yield
from probes.services.conversation import Call, UnspokenError
from probes.services.family import Dialogue, FamilyProbe, FamilySettings, Said, answered
from probes.services.fox import fox
from probes.services.opcua import opcua
from probes.services.s7 import s7

#: Modbus: read device identification (function 43, type 14), the basic objects, of the device itself (unit 255).
MODBUS_IDENTITY = struct.pack("!HHHB", 0x4879, 0, 5, 255) + b"\x2b\x0e\x01\x00"
#: EtherNet/IP: ListIdentity, for which no session is registered.
ENIP_IDENTITY = struct.pack("<HHII8sI", 0x63, 0, 0, 0, b"hygie\0\0\0", 0)
#: BACnet/IP: a confirmed ReadProperty of the device's object-name, whatever its instance.
BACNET_NAME = bytes.fromhex("810a001101040005010c0c023fffff194d")
#: KNXnet/IP: a description request whose answer comes back to where it was asked from.
KNX_DESCRIPTION = bytes.fromhex("06100203000e0801" + "00" * 6)
_LARGEST = 4096


async def modbus(call: Call) -> Said:
    """Read vendor, product and revision; an exception is an answer too."""
    async with call.open(level=3) as conversation:
        await conversation.say(MODBUS_IDENTITY)
        transaction, protocol, length, _ = struct.unpack("!HHHB", await conversation.hear(7))
        if (transaction, protocol) != (0x4879, 0) or not 3 <= length <= 254:
            raise UnspokenError(Talk.OTHER)
        answer = await conversation.hear(length - 1)
    if answer[0] == 0xAB:
        return Said(encryption=False)
    if answer[:2] != b"\x2b\x0e" or len(answer) < 7:
        raise UnspokenError(Talk.OTHER)
    texts: dict[int, str] = {}
    at = 7
    while at + 2 <= len(answer) and len(texts) < answer[6]:
        kind, size = answer[at], answer[at + 1]
        texts[kind] = clipped(answer[at + 2 : at + 2 + size])
        at += 2 + size
    product = " ".join(text for text in (texts.get(0), texts.get(1)) if text)
    return Said(product=clipped(product), version=texts.get(2, ""), encryption=False)


async def ethernet_ip(call: Call) -> Said:
    """Read the identity object: the device's own name and its revision."""
    async with call.open(level=3) as conversation:
        await conversation.say(ENIP_IDENTITY)
        head = await conversation.hear(24)
        command, length = struct.unpack("<HH", head[:4])
        if command != 0x63 or head[12:20] != ENIP_IDENTITY[12:20] or not 2 <= length <= _LARGEST:
            raise UnspokenError(Talk.OTHER)
        body = await conversation.hear(length)
    # item count, item type and length, protocol version, socket address, then the identity object
    if len(body) < 41 or body[2:4] != b"\x0c\0":
        return Said(encryption=False)
    major, minor = body[30], body[31]
    name = body[39 : 39 + body[38]]
    return Said(product=clipped(name), version=f"{major}.{minor}", encryption=False)


def is_bacnet(answer: bytes) -> bool:
    """Tell whether an answer is a result, an error, a rejection or an abort of our request."""
    if answer[:2] != b"\x81\x0a" or len(answer) < 9 or answer[4] != 1:
        return False
    return answer[6] >> 4 in {3, 5, 6, 7} and answer[7] == 1


def bacnet_name(answer: bytes) -> str:
    """Return the object-name of a result: a character string within an opening and a closing tag."""
    at = answer.find(b"\x19\x4d\x3e\x75")
    if at < 0 or at + 6 > len(answer):
        return ""
    return clipped(answer[at + 6 : at + 5 + answer[at + 4]])


def is_knx(answer: bytes) -> bool:
    """Tell whether an answer is a description response."""
    return answer[:4] == b"\x06\x10\x02\x04" and len(answer) >= 8


def knx_name(answer: bytes) -> str:
    """Return the friendly name of the device information block."""
    return clipped(answer[30:60].split(b"\0")[0]) if answer[6:8] == b"\x36\x01" else ""


class IndustrialProbe(FamilyProbe[FamilySettings]):
    """Reads the name plate of a device; without the mandate's word it is not even connected to again."""

    name: ClassVar[str] = "industrial"
    level: ClassVar[int] = 3
    Settings: ClassVar[type[FamilySettings]] = FamilySettings
    table: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "modbus": (502,),
        "ethernet-ip": (44818,),
        "s7": (102,),
        "opc-ua": (4840,),
        "fox": (1911, 4911),
    }
    dialogues: ClassVar[Mapping[str, Dialogue]] = {
        "modbus": modbus,
        "ethernet-ip": ethernet_ip,
        "s7": s7,
        "opc-ua": opcua,
        "fox": fox,
    }

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Ask each address, once."""
        if not line.identifies_devices:
            raise ProbeError(Reason.LEVEL, "the mandate does not let industrial and building devices be identified")
        async for seen in super().look(asset, line):
            yield seen

    def fact(self, call: Call, protocol: str, talk: Talk, said: Said) -> IndustrialAnswered:
        """Return what a device answered."""
        return IndustrialAnswered(**answered(call, protocol, talk, said), endpoints=said.endpoints)
