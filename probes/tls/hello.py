"""ClientHello out, ServerHello in: pure, bounds-checked (RFC 5246, RFC 8446, RFC 6101, the SSL 2.0 draft)."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from probes.facts.tls import Version

NUMBER = {
    Version.SSL3: 0x0300,
    Version.TLS10: 0x0301,
    Version.TLS11: 0x0302,
    Version.TLS12: 0x0303,
    Version.TLS13: 0x0304,
}
#: What is offered when groups are not the question: x25519, P-256, P-384, P-521, x448. In TLS 1.3 three groups of
#: RFC 7919 too; before, they would hide the prime that clients which do not know them are given.
_CURVES = (0x001D, 0x0017, 0x0018, 0x0019, 0x001E)
_GROUPS = (*_CURVES, 0x0100, 0x0101, 0x0102)
_SIGNATURES = (
    0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B, 0x0807, 0x0808,
    0x0401, 0x0501, 0x0601, 0x0203, 0x0201, 0x0402, 0x0202,
)  # fmt: skip
#: The random value by which a ServerHello says HelloRetryRequest (RFC 8446 4.1.3).
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
#: The extension of signed certificate timestamps.
_TIMESTAMPS = 18
#: Signalling suite value: secure renegotiation is understood (RFC 5746).
SCSV = 0x00FF
#: Signalling suite value: the client came down to this version (RFC 7507).
FALLBACK = 0x5600
#: The alert by which a server refuses such a descent.
INAPPROPRIATE_FALLBACK = 86


class HelloError(ValueError):
    """Bytes that are no TLS answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHello:
    """What a server chose. ``retry`` marks a HelloRetryRequest; ``group`` is the one it asks a key share of."""

    version: int
    suite: int
    compression: int
    retry: bool
    secure_renegotiation: bool
    extended_master_secret: bool = False
    group: int | None = None
    heartbeat: bool = False
    #: The signed certificate timestamps that came with it (RFC 6962 3.3), each whole.
    timestamps: int = 0


def client_hello(
    version: Version,
    suites: Iterable[int],
    *,
    name: str = "",
    compress: bool = False,
    groups: Iterable[int] | None = None,
    heartbeat: bool = False,
    session: bytes | None = None,
    ticket: bytes | None = None,
) -> bytes:
    """Return the record of a ClientHello that offers one version, these suites and these groups, in this order.

    The session id is 32 random bytes unless ``session`` gives another; ``ticket`` is a session ticket (RFC 5077).
    """
    offered = b"".join(struct.pack("!H", s) for s in suites)
    legacy = min(NUMBER[version], 0x0303)
    identifier = os.urandom(32) if session is None else session
    body = struct.pack("!H", legacy) + os.urandom(32) + bytes([len(identifier)]) + identifier
    body += struct.pack("!H", len(offered)) + offered
    body += b"\x02\x01\x00" if compress else b"\x01\x00"
    if version is not Version.SSL3:
        usual = _GROUPS if version is Version.TLS13 else _CURVES
        extensions = _extensions(version, name, usual if groups is None else groups, heartbeat=heartbeat)
        extensions += b"" if ticket is None else struct.pack("!HH", 35, len(ticket)) + ticket
        body += struct.pack("!H", len(extensions)) + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return (
        struct.pack("!BHH", 22, min(legacy, 0x0301) if version is not Version.SSL3 else 0x0300, len(message)) + message
    )


def _extensions(version: Version, name: str, offered: Iterable[int], *, heartbeat: bool) -> bytes:
    parts = []
    if name:
        host = name.encode("ascii", "ignore")
        entry = b"\x00" + struct.pack("!H", len(host)) + host
        parts.append((0, struct.pack("!H", len(entry)) + entry))
    groups = b"".join(struct.pack("!H", g) for g in offered)
    parts.append((10, struct.pack("!H", len(groups)) + groups))
    parts.append((11, b"\x01\x00"))
    signatures = b"".join(struct.pack("!H", s) for s in _SIGNATURES)
    parts.append((13, struct.pack("!H", len(signatures)) + signatures))
    # A certificate status is asked for (OCSP, RFC 6066 section 8).
    parts.append((5, b"\x01\x00\x00\x00\x00"))
    # And the timestamps of certificate logs (RFC 6962 3.3.1).
    parts.append((_TIMESTAMPS, b""))
    if heartbeat:
        parts.append((15, b"\x01"))
    parts.append((23, b""))
    parts.append((0xFF01, b"\x00"))
    if version is Version.TLS13:
        parts.append((43, b"\x02\x03\x04"))
        # No key share: a server that speaks TLS 1.3 answers with HelloRetryRequest, which names version and suite.
        parts.append((51, b"\x00\x00"))
    return b"".join(struct.pack("!HH", kind, len(data)) + data for kind, data in parts)


def ssl2_hello() -> bytes:
    """Return a SSL 2.0 CLIENT-HELLO offering its seven ciphers."""
    ciphers = bytes.fromhex("0100800200800300800400800500800600400700c0")
    body = b"\x01\x00\x02" + struct.pack("!HHH", len(ciphers), 0, 16) + ciphers + os.urandom(16)
    return struct.pack("!H", 0x8000 | len(body)) + body


def is_ssl2_server_hello(data: bytes) -> bool:
    """Tell whether bytes begin a SSL 2.0 SERVER-HELLO with at least one cipher."""
    if len(data) < 13 or not data[0] & 0x80 or data[2] != 4:
        return False
    version, _, ciphers = struct.unpack_from("!HHH", data, 5)
    return bool(version == 2 and ciphers >= 3)


def server_hello(message: bytes) -> ServerHello:
    """Return what a ServerHello handshake message says."""
    try:
        kind, length = message[0], int.from_bytes(message[1:4], "big")
        body = message[4 : 4 + length]
        if kind != 2 or len(body) != length:
            raise HelloError("not a whole ServerHello")
        (version,) = struct.unpack_from("!H", body)
        at = 35 + body[34]
        suite, compression = struct.unpack_from("!HB", body, at)
        extensions = _read_extensions(body[at + 3 :])
    except (IndexError, struct.error) as error:
        raise HelloError("a truncated ServerHello") from error
    if 43 in extensions and len(extensions[43]) == 2:
        (version,) = struct.unpack("!H", extensions[43])
    return ServerHello(
        version=version,
        suite=suite,
        compression=compression,
        retry=body[2:34] == _RETRY,
        secure_renegotiation=0xFF01 in extensions,
        extended_master_secret=23 in extensions,
        heartbeat=15 in extensions,
        group=struct.unpack("!H", extensions[51])[0] if len(extensions.get(51, b"")) == 2 else None,
        timestamps=_timestamps(extensions.get(_TIMESTAMPS, b"")),
    )


def _timestamps(data: bytes) -> int:
    """The entries of a SignedCertificateTimestampList, as long as they are whole and hold something."""
    left, found = data[2:], 0
    while len(left) >= 2:
        length = int.from_bytes(left[:2], "big")
        if not length or len(left) < 2 + length:
            break
        found += 1
        left = left[2 + length :]
    return found


def _read_extensions(data: bytes) -> dict[int, bytes]:
    if not data:
        return {}
    (total,) = struct.unpack_from("!H", data)
    data, found = data[2 : 2 + total], {}
    while len(data) >= 4:
        kind, length = struct.unpack_from("!HH", data)
        found[kind] = data[4 : 4 + length]
        data = data[4 + length :]
    return found


def certificates(message: bytes) -> tuple[bytes, ...]:
    """Return the DER certificates of a Certificate handshake message of TLS 1.2 or older, leaf first."""
    body = message[4:]
    if len(body) < 3:
        raise HelloError("a truncated Certificate")
    data, found = body[3 : 3 + int.from_bytes(body[:3], "big")], []
    while data:
        length = int.from_bytes(data[:3], "big")
        if len(data) < 3 + length or not length:
            raise HelloError("a truncated Certificate")
        found.append(data[3 : 3 + length])
        data = data[3 + length :]
    return tuple(found)


def certificate_status(message: bytes) -> bytes:
    """Return the OCSP response of a CertificateStatus handshake message; b"" when it holds none."""
    if message[4:5] != b"\x01":
        return b""
    return message[8 : 8 + int.from_bytes(message[5:8], "big")]


def dh_prime_bits(message: bytes) -> int:
    """Return the size of the prime in a ServerKeyExchange of a DHE suite."""
    if len(message) < 6:
        raise HelloError("a truncated ServerKeyExchange")
    (length,) = struct.unpack_from("!H", message, 4)
    prime = message[6 : 6 + length]
    if len(prime) != length:
        raise HelloError("a truncated ServerKeyExchange")
    return int.from_bytes(prime, "big").bit_length()


def signed_curve(message: bytes) -> tuple[int, int | None]:
    """Return the named curve of a ServerKeyExchange of an ECDHE suite, and its signature scheme (TLS 1.2) or None."""
    body = message[4:]
    if len(body) < 4 or body[0] != 3:
        raise HelloError("no named curve in a ServerKeyExchange")
    (curve,) = struct.unpack_from("!H", body, 1)
    at = 4 + body[3]
    scheme = struct.unpack_from("!H", body, at)[0] if len(body) >= at + 4 else None
    return curve, scheme
