"""The security descriptors of the fictitious domains: who owns an object, and who may do what (MS-DTYP 2.4.6)."""

from __future__ import annotations

import struct

from probes.facts.identifiers import sid_bytes

#: Everything, and reading (MS-ADTS 5.1.3.2).
_FULL, _READ = 0xF01FF, 0x20094
_SYSTEM, _ADMINISTRATORS, _EVERYBODY_INSIDE = "S-1-5-18", "S-1-5-32-544", "S-1-5-11"


def descriptor(domain: str, *, protected: bool) -> bytes:
    """Return a sound self-relative descriptor: administrators own and control, whoever is authenticated reads.

    ``protected`` takes nothing from the parent, as AdminSDHolder stamps it on privileged accounts.
    """
    rights = [(f"{domain}-512", _FULL), (_SYSTEM, _FULL), (_ADMINISTRATORS, _FULL), (_EVERYBODY_INSIDE, _READ)]
    entries = b"".join(_allowed(sid, mask) for sid, mask in rights)
    owner, group = sid_bytes(f"{domain}-512"), sid_bytes(_SYSTEM)
    acl = struct.pack("<BBHHH", 4, 0, len(entries) + 8, len(rights), 0) + entries
    control = 0x8004 | (0x1000 if protected else 0)
    places = (20, 20 + len(owner), 0, 20 + len(owner) + len(group))
    return struct.pack("<BBHIIII", 1, 0, control, *places) + owner + group + acl


def _allowed(sid: str, mask: int) -> bytes:
    body = struct.pack("<I", mask) + sid_bytes(sid)
    return struct.pack("<BBH", 0, 0, len(body) + 4) + body
