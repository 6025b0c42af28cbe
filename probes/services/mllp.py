"""HL7 over MLLP: connect and wait; at level 3 an empty frame, which is no message (HL7 MLLP release 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from probes.facts.services.answered import Talk
from probes.facts.services.health import MllpAnswered
from probes.services.conversation import Call, UnspokenError
from probes.services.service import ServiceProbe, ServiceSettings

#: Start of block, end of block, carriage return: a frame around nothing. Sent at level 3 only.
EMPTY_FRAME, FRAME_LEVEL = b"\x0b\x1c\x0d", 3


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpSettings(ServiceSettings):
    """Where HL7 is looked for, and how long its silence is listened to, in seconds."""

    ports: tuple[int, ...] = (2575, 6661, 6662)
    patience: float = 3.0


class MllpProbe(ServiceProbe[MllpSettings]):
    """Sees an interface of the hospital's information system wait for messages; none is ever sent."""

    name: ClassVar[str] = "mllp"
    Settings: ClassVar[type[MllpSettings]] = MllpSettings

    async def converse(self, call: Call) -> MllpAnswered:
        """Listen; at level 3 send an empty frame first."""
        level = FRAME_LEVEL if call.line.level >= FRAME_LEVEL else 2
        async with call.open(level=level) as conversation:
            if level == FRAME_LEVEL:
                await conversation.say(EMPTY_FRAME)
            if not (await conversation.hear_some(64)).startswith(b"\x0b"):
                raise UnspokenError(Talk.OTHER)
        return MllpAnswered(address=str(call.address), protocol="hl7-mllp", talk=Talk.SPOKEN, encryption=False)

    def unspoken(self, call: Call, talk: Talk) -> MllpAnswered:
        """Silence is what such a port usually keeps."""
        return MllpAnswered(address=str(call.address), protocol="hl7-mllp", talk=talk)
