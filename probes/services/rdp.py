"""RDP before the TLS handshake: which security protocols a server takes (MS-RDPBCGR 2.2.1.1, 2.2.1.2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from probes.facts.services.answered import Access, Talk
from probes.facts.services.remote import RdpAnswered
from probes.services.conversation import Call, UnspokenError
from probes.services.service import ServiceProbe, ServiceSettings

#: requestedProtocols: none (old RDP encryption), TLS, CredSSP and its newer form.
OLD, TLS, CREDSSP = 0x0, 0x1, 0x1 | 0x2 | 0x8
_RESPONSE, _FAILURE = 0x02, 0x03


@dataclass(frozen=True, slots=True, kw_only=True)
class RdpSettings(ServiceSettings):
    """Where RDP is looked for."""

    ports: tuple[int, ...] = (3389, 3388, 33890)


def request(protocols: int) -> bytes:
    """Return the X.224 connection request that offers ``protocols``, within its TPKT header."""
    negotiation = struct.pack("<BBHI", 0x01, 0, 8, protocols)
    connection = bytes((6 + len(negotiation), 0xE0, 0, 0, 0, 0, 0)) + negotiation
    return struct.pack("!BBH", 3, 0, 4 + len(connection)) + connection


def read_answer(data: bytes) -> tuple[bool, int] | None:
    """Return (accepted, protocol or failure code) of an X.224 connection confirm; None when it is none."""
    if len(data) < 11 or data[0] != 3 or data[5] & 0xF0 != 0xD0:
        return None
    if len(data) < 19:
        # A confirm without negotiation: a server older than the negotiation, that only has the old encryption.
        return True, OLD
    kind, _, _, value = struct.unpack("<BBHI", data[11:19])
    return (kind == _RESPONSE, value) if kind in {_RESPONSE, _FAILURE} else None


class RdpProbe(ServiceProbe[RdpSettings]):
    """Sees whether a remote desktop asks who one is before it shows its log-on screen (NLA)."""

    name: ClassVar[str] = "rdp"
    Settings: ClassVar[type[RdpSettings]] = RdpSettings

    async def converse(self, call: Call) -> RdpAnswered:
        """Offer CredSSP, then TLS alone, then the old encryption, on a connection each."""
        credssp = await _offer(call, CREDSSP)
        if credssp is None:
            raise UnspokenError(Talk.OTHER)
        answers: list[bool | None] = []
        for protocols in (TLS, OLD):
            try:
                answer = await _offer(call, protocols)
            except UnspokenError:
                # Closing on an offer it does not want is how some servers say no.
                answer = (False, 0)
            answers.append(None if answer is None else answer == (True, protocols))
        return RdpAnswered(
            address=str(call.address),
            protocol="rdp",
            talk=Talk.SPOKEN,
            access=Access.UNKNOWN,
            credssp=credssp[0] and credssp[1] & 0xA != 0,
            tls_alone=answers[0],
            old_security=answers[1],
            encryption=credssp[0] and credssp[1] != OLD,
        )

    def unspoken(self, call: Call, talk: Talk) -> RdpAnswered:
        """Something else, or nothing, was heard."""
        return RdpAnswered(address=str(call.address), protocol="rdp", talk=talk)


async def _offer(call: Call, protocols: int) -> tuple[bool, int] | None:
    async with call.open() as conversation:
        await conversation.say(request(protocols))
        head = await conversation.hear(4)
        length = int.from_bytes(head[2:4], "big")
        if head[0] != 3 or not 11 <= length <= 512:
            raise UnspokenError(Talk.OTHER)
        return read_answer(head + await conversation.hear(length - 4))
