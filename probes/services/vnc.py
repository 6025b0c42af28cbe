"""VNC before the authentication: the protocol version and the security types (RFC 6143 7.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from probes.facts.services.answered import Access, Talk, clipped
from probes.facts.services.remote import VncAnswered
from probes.services.conversation import Call, UnspokenError
from probes.services.service import ServiceProbe, ServiceSettings

#: Security types: none at all, and those that encrypt (TLS, VeNCrypt, RSA-AES and its 256-bit form).
NONE, ENCRYPTED = 1, frozenset({5, 18, 19, 129, 130, 133, 134})
_VERSION = re.compile(rb"RFB (\d{3})\.(\d{3})\n")
OLD_VERSION, VERSION = b"RFB 003.003\n", b"RFB 003.008\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class VncSettings(ServiceSettings):
    """Where VNC is looked for."""

    ports: tuple[int, ...] = (5900, 5901, 5902, 5903)


class VncProbe(ServiceProbe[VncSettings]):
    """Sees whether a shared screen asks for anything before it is shown; the choice itself is never made."""

    name: ClassVar[str] = "vnc"
    Settings: ClassVar[type[VncSettings]] = VncSettings

    async def converse(self, call: Call) -> VncAnswered:
        """Agree on a version, read the list of security types, leave."""
        async with call.open() as conversation:
            version = await conversation.hear(12)
            spoken = _VERSION.fullmatch(version)
            if spoken is None:
                raise UnspokenError(Talk.OTHER)
            if (int(spoken[1]), int(spoken[2])) < (3, 7):
                # In the first version the server decides, with four bytes.
                await conversation.say(OLD_VERSION)
                security: tuple[int, ...] = (int.from_bytes(await conversation.hear(4), "big"),)
            else:
                await conversation.say(VERSION)
                count = (await conversation.hear(1))[0]
                security = tuple(await conversation.hear(count))
        return VncAnswered(
            address=str(call.address),
            protocol="vnc",
            talk=Talk.SPOKEN,
            access=Access.OPEN if NONE in security else Access.REQUIRED if any(security) else Access.UNKNOWN,
            version=clipped(version),
            security=security,
            encryption=bool(ENCRYPTED & set(security)),
        )

    def unspoken(self, call: Call, talk: Talk) -> VncAnswered:
        """Something else, or nothing, was heard."""
        return VncAnswered(address=str(call.address), protocol="vnc", talk=talk)
