"""IKE's first message in its three forms, and what an answer of a gateway looks like; nothing is ever agreed on.

Sources: RFC 7296 3.1-3.4 and 3.9 (IKEv2), RFC 2408 3.1-3.13 and RFC 2409 5.1, 5.4 and appendix A (IKEv1).
"""

from __future__ import annotations

import struct
from collections.abc import Callable

_COOKIE, _NONCE = b"Hygie/01", b"hygie-nonce-of-an-audit-without-"
_SA, _KE, _ID, _NONCE_ONE, _SA_TWO, _KE_TWO, _NONCE_TWO = 1, 4, 5, 10, 33, 34, 40
_MAIN, _AGGRESSIVE, _INFORMATIONAL, _INIT = 2, 4, 5, 34


def _message(version: int, exchange: int, flags: int, *payloads: tuple[int, bytes]) -> bytes:
    body = b""
    following = (*(kind for kind, _ in payloads[1:]), 0)
    for (_, data), upcoming in zip(payloads, following, strict=True):
        body += struct.pack("!BBH", upcoming, 0, 4 + len(data)) + data
    head = _COOKIE + bytes(8) + struct.pack("!BBBBII", payloads[0][0], version, exchange, flags, 0, 28 + len(body))
    return head + body


def _transforms_two() -> bytes:
    """AES-CBC of 256 bits, HMAC-SHA-256 as PRF and for integrity, groups 14, 19 and 31."""
    wanted = [(1, 12, struct.pack("!HH", 0x800E, 256)), (2, 5, b""), (3, 12, b""), (4, 14, b""), (4, 19, b"")]
    wanted.append((4, 31, b""))
    packed = b""
    for rank, (kind, number, attributes) in enumerate(wanted, 1):
        last = 0 if rank == len(wanted) else 3
        packed += struct.pack("!BBHBBH", last, 0, 8 + len(attributes), kind, 0, number) + attributes
    return struct.pack("!BBHBBBB", 0, 0, 8 + len(packed), 1, 1, 0, len(wanted)) + packed


def _transforms_one(*wanted: tuple[int, int, int, int]) -> bytes:
    """IKEv1 transforms: (encryption, key length or 0, hash, group), each with a pre-shared key and a day of life."""
    packed = b""
    for rank, (encryption, length, digest, group) in enumerate(wanted, 1):
        values = [(1, encryption), (2, digest), (3, 1), (4, group), (11, 1), (12, 28800)]
        values += [(14, length)] if length else []
        attributes = b"".join(struct.pack("!HH", 0x8000 | kind, value) for kind, value in values)
        last = 0 if rank == len(wanted) else 3
        packed += struct.pack("!BBHBBH", last, 0, 8 + len(attributes), rank, 1, 0) + attributes
    proposal = struct.pack("!BBHBBBB", 0, 0, 8 + len(packed), 1, 1, 0, len(wanted)) + packed
    return struct.pack("!II", 1, 1) + proposal


#: IKE_SA_INIT with a share of Curve25519 (its base point: the secret is nobody's).
INIT = _message(
    0x20, _INIT, 0x08, (_SA_TWO, _transforms_two()),
    (_KE_TWO, struct.pack("!HH", 31, 0) + b"\x09" + bytes(31)), (_NONCE_TWO, _NONCE),
)  # fmt: skip
#: Main mode: AES-256 with SHA-256 in group 14, AES-128 with SHA-1 in group 2, 3DES with SHA-1 in group 2.
MAIN_MODE = _message(
    0x10, _MAIN, 0, (_SA, _transforms_one((7, 256, 4, 14), (7, 128, 2, 2), (5, 0, 2, 2)))
)  # fmt: skip
#: Aggressive mode in group 2 (its share is a power of the generator), as nobody that exists.
AGGRESSIVE_MODE = _message(
    0x10, _AGGRESSIVE, 0, (_SA, _transforms_one((7, 128, 2, 2), (5, 0, 2, 2))), (_KE, (1 << 1000).to_bytes(128, "big")),
    (_NONCE_ONE, _NONCE), (_ID, struct.pack("!BBH", 2, 0, 0) + b"hygie.invalid"),
)  # fmt: skip


def _answers(version: int, *exchanges: int) -> Callable[[bytes], bool]:
    def spoken(answer: bytes) -> bool:
        if len(answer) < 28 or answer[:8] != _COOKIE:
            return False
        return answer[17] >> 4 == version and answer[18] in exchanges

    return spoken


answers_init = _answers(2, _INIT)
#: A gateway that takes none of the proposals says so in an informational message.
answers_main_mode = _answers(1, _MAIN, _INFORMATIONAL)
#: Here a refusal is the good answer: only the mode itself, with the gateway's share and hash, is agreement.
answers_aggressive_mode = _answers(1, _AGGRESSIVE)
