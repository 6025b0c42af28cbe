"""The security descriptors of the fictitious domains: who owns an object, and who may do what (MS-DTYP 2.4.6)."""

from __future__ import annotations

import struct

from probes.facts.identifiers import sid_bytes

#: Everything, reading, and every extended right (MS-ADTS 5.1.3.2).
_FULL, _READ, _ENROLL = 0xF01FF, 0x20094, 0x100
_SYSTEM, _ADMINISTRATORS, _EVERYBODY_INSIDE = "S-1-5-18", "S-1-5-32-544", "S-1-5-11"


def descriptor(domain: str, *, owner: str = "", protected: bool = False, enrolled: bool = False) -> bytes:
    """Return a sound self-relative descriptor: administrators own and control, whoever is authenticated reads.

    ``owner`` is the SID of another; ``protected`` takes nothing from the parent, as AdminSDHolder stamps it on
    privileged accounts; ``enrolled`` lets whoever is authenticated have a certificate of the template.
    """
    reading = _READ | (_ENROLL if enrolled else 0)
    rights = [(f"{domain}-512", _FULL), (_SYSTEM, _FULL), (_ADMINISTRATORS, _FULL), (_EVERYBODY_INSIDE, reading)]
    entries = b"".join(_allowed(sid, mask) for sid, mask in rights)
    owned, group = sid_bytes(owner or f"{domain}-512"), sid_bytes(_SYSTEM)
    acl = struct.pack("<BBHHH", 4, 0, len(entries) + 8, len(rights), 0) + entries
    control = 0x8004 | (0x1000 if protected else 0)
    places = (20, 20 + len(owned), 0, 20 + len(owned) + len(group))
    return struct.pack("<BBHIIII", 1, 0, control, *places) + owned + group + acl


def _allowed(sid: str, mask: int) -> bytes:
    body = struct.pack("<I", mask) + sid_bytes(sid)
    return struct.pack("<BBH", 0, 0, len(body) + 4) + body
