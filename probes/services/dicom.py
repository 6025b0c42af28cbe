"""DICOM up to the association: asked for Verification only, and aborted as soon as it is answered (PS3.8 9.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from probes.facts.services.answered import Access, Talk, clipped
from probes.facts.services.health import DicomAnswered
from probes.services.conversation import Call, UnspokenError
from probes.services.service import ServiceProbe, ServiceSettings

_APPLICATION, _VERIFICATION, _IMPLICIT = b"1.2.840.10008.3.1.1.1", b"1.2.840.10008.1.1", b"1.2.840.10008.1.2"
#: A class UID of the root derived from a UUID (PS3.5 B.2) and a name that say who implemented this.
_CLASS, _VERSION = b"2.25.149416316013462498613046240586297218402", b"HYGIE"
_ACCEPT, _REJECT, _ABORT = 2, 3, 7
ABORT = b"\x07\0\0\0\0\x04\0\0\0\0"
_LARGEST = 16384
#: (source, reason) of rejections that are about a title (PS3.8 table 9-21): who calls, or who is called, which says
#: nothing of the callers that the one who is there would take.
_CALLER = (1, 3)
_TITLES = {_CALLER: "calling AE title not recognised", (1, 7): "called AE title not recognised"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomSettings(ServiceSettings):
    """Where DICOM is looked for, which ports lie within TLS, and the AE title called."""

    ports: tuple[int, ...] = (104, 2345, 2761, 2762, 4242, 8104, 11112, 11113)
    encrypted: tuple[int, ...] = (2762,)
    called: str = "ANY-SCP"


def _item(kind: int, data: bytes) -> bytes:
    return struct.pack("!BBH", kind, 0, len(data)) + data


def associate(calling: str, called: str) -> bytes:
    """Return an A-ASSOCIATE-RQ with one presentation context, for Verification in implicit little endian."""
    context = _item(0x20, b"\1\0\0\0" + _item(0x30, _VERIFICATION) + _item(0x40, _IMPLICIT))
    user = _item(0x50, _item(0x51, struct.pack("!I", _LARGEST)) + _item(0x52, _CLASS) + _item(0x55, _VERSION))
    titles = called.encode("ascii", "replace")[:16].ljust(16) + calling.encode("ascii", "replace")[:16].ljust(16)
    body = b"\0\1\0\0" + titles + bytes(32) + _item(0x10, _APPLICATION) + context + user
    return struct.pack("!BBI", 1, 0, len(body)) + body


def implementation(body: bytes) -> str:
    """Return the acceptor's implementation version name (PS3.7 D.3.3.2.3), or ""."""
    at = 68
    while at + 4 <= len(body):
        kind, _, length = struct.unpack("!BBH", body[at : at + 4])
        if kind == 0x55:
            return clipped(body[at + 4 : at + 4 + length])
        # The user information holds the name: step into it, over anything else.
        at += 4 if kind == 0x50 else 4 + length
    return ""


class DicomProbe(ServiceProbe[DicomSettings]):
    """Sees whether an imaging server talks to callers it does not know; nothing is echoed, sought or moved."""

    name: ClassVar[str] = "dicom"
    Settings: ClassVar[type[DicomSettings]] = DicomSettings

    async def converse(self, call: Call) -> DicomAnswered:
        """Ask for an association as ourselves, read the answer, abort."""
        encrypted = call.port in self.settings.encrypted
        async with call.open(encrypted=encrypted) as conversation:
            await conversation.say(associate(call.line.identity.ae_title, self.settings.called))
            kind, _, length = struct.unpack("!BBI", await conversation.hear(6))
            if kind not in {_ACCEPT, _REJECT, _ABORT} or length > _LARGEST:
                raise UnspokenError(Talk.OTHER)
            body = await conversation.hear(length)
            if kind == _ACCEPT:
                await conversation.say(ABORT)
        access, reason = Access.OPEN, ""
        if kind == _REJECT and len(body) == 4:
            reason = _TITLES.get((body[2], body[3]), f"source {body[2]}, reason {body[3]}")
            access = Access.REQUIRED if (body[2], body[3]) == _CALLER else Access.UNKNOWN
        elif kind != _ACCEPT:
            access, reason = Access.UNKNOWN, "aborted"
        return DicomAnswered(
            address=str(call.address),
            protocol="dicom",
            talk=Talk.SPOKEN,
            access=access,
            encryption=encrypted,
            reason=reason,
            implementation=implementation(body) if kind == _ACCEPT else "",
        )

    def unspoken(self, call: Call, talk: Talk) -> DicomAnswered:
        """Something else, or nothing, was heard."""
        return DicomAnswered(address=str(call.address), protocol="dicom", talk=talk)
