"""What a TLS endpoint accepts, and the certificates it shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar

from probes.interface import AssetKind, Fact, FoundIn, Lead, Part


class Version(StrEnum):
    """Protocol versions, by the names the field uses."""

    SSL2 = "SSLv2"
    SSL3 = "SSLv3"
    TLS10 = "TLS 1.0"
    TLS11 = "TLS 1.1"
    TLS12 = "TLS 1.2"
    TLS13 = "TLS 1.3"


class Acceptance(StrEnum):
    """Whether a version was accepted, surely refused, or could not be told."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSeen:
    """One version: its state and the suites accepted (IANA numbers), in the server's order when it imposes one.

    ``complete`` is False when the enumeration was cut: suites not listed are then unknown.
    """

    version: Version
    state: Acceptance
    suites: tuple[int, ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsProfile(Fact):
    """What one address of an endpoint accepts.

    ``server_order`` and ``compression`` are None when they could not be told. ``dh_bits`` is the smallest prime seen in
    a DHE exchange, 0 when none was seen. ``secure_renegotiation`` is about RFC 5746, None when no version that needs it
    answered.
    ``groups`` are the key exchange groups accepted with the newest version, in the server's order; None when they could
    not all be told. ``signatures`` are the schemes seen in signed key exchanges (IANA numbers, TLS 1.2).
    ``extended_master_secret`` (RFC 7627), ``fallback_signalled`` (RFC 7507) and ``stapled`` (a certificate status came
    with the certificate, RFC 6066) are None when nothing that could tell was accepted.
    """

    kind: ClassVar[str] = "tls.profile"
    seen_by: ClassVar[str] = "tls"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})

    address: str
    spoken: bool
    versions: tuple[VersionSeen, ...]
    server_order: bool | None = None
    dh_bits: int = 0
    compression: bool | None = False
    secure_renegotiation: bool | None = None
    connections: int = 0
    groups: tuple[int, ...] | None = None
    signatures: tuple[int, ...] = ()
    extended_master_secret: bool | None = None
    fallback_signalled: bool | None = None
    stapled: bool | None = None

    def state(self, version: Version) -> Acceptance:
        """Return the state of a version; one not asked is unknown."""
        return next((v.state for v in self.versions if v.version is version), Acceptance.UNKNOWN)

    @property
    def suites(self) -> frozenset[int]:
        """Every suite accepted, whatever the version."""
        return frozenset(s for v in self.versions for s in v.suites)

    @property
    def complete(self) -> bool:
        """Tell whether nothing of the suites is unknown."""
        return all(v.complete and v.state is not Acceptance.UNKNOWN for v in self.versions)


#: Key exchange groups by IANA number, with their strength as the size of an equivalent elliptic curve, in bits.
GROUPS: Mapping[int, tuple[str, int]] = MappingProxyType(
    {
        0x001D: ("x25519", 253), 0x0017: ("secp256r1", 256), 0x0018: ("secp384r1", 384), 0x0019: ("secp521r1", 521),
        0x001E: ("x448", 446), 0x001A: ("brainpoolP256r1", 256), 0x001B: ("brainpoolP384r1", 384),
        0x001C: ("brainpoolP512r1", 512), 0x0015: ("secp224r1", 224), 0x0013: ("secp192r1", 192),
        0x0012: ("secp192k1", 192), 0x0010: ("secp160r2", 160), 0x0016: ("secp256k1", 256), 0x0100: ("ffdhe2048", 224),
        0x0101: ("ffdhe3072", 256), 0x0102: ("ffdhe4096", 300), 0x11EC: ("X25519MLKEM768", 256),
    }
)  # fmt: skip


class PathState(StrEnum):
    """Whether a path leads from the leaf to a trusted root."""

    FOUND = "found"
    NOT_FOUND = "not-found"
    NOT_CHECKED = "not-checked"


class StapleStatus(StrEnum):
    """What a staple says of the certificate it comes with."""

    GOOD = "good"
    REVOKED = "revoked"
    #: The authority does not know the certificate.
    UNKNOWN = "unknown"
    #: It is about another certificate.
    FOREIGN = "foreign"
    #: The authority gave an error in place of a status.
    REFUSED = "refused"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staple:
    """The status that came with a certificate (RFC 6960); ``next_update`` is None when newer news is always to be had.

    ``signed`` tells whether the issuer, or whom it delegated, signed it; None when the issuer was not to be found, or
    the signature is of a kind that we do not know.
    ``refusal`` is the authority's own word of error.
    """

    status: StapleStatus
    signed: bool | None = None
    this_update: datetime | None = None
    next_update: datetime | None = None
    revoked_at: datetime | None = None
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateChain(Fact):
    """The chain one address showed for one name; the DER certificates are the observation's captures, leaf first.

    ``name_matches`` is None when the endpoint was not reached by a DNS name. ``key_bits`` is the size of the modulus,
    or of the curve. ``weak_signatures`` are the hashes below SHA-256 in the path that was found, or else in
    the whole chain, roots left out.
    ``store`` names the trust store the path was looked for in, with its date; ``private_path`` and ``private_store``
    are those of the store of a private authority (IGC-Santé, RGS), when one is configured. ``incomplete`` tells that
    the issuer of the last certificate is neither shown nor trusted although that certificate says where to fetch it.
    ``timestamps`` counts the signed certificate timestamps in the leaf (RFC 6962). ``stapled`` tells whether its status
    came with it, None when it was shown within TLS 1.3 alone, where it was not looked for; ``must_staple`` that it
    requires it (RFC 7633). The staple is then the last of the captures. ``handed_timestamps`` counts the timestamps
    that came beside the certificate (RFC 6962 3.3), in the handshake or in the staple; None where the handshake's were
    not looked for.
    """

    kind: ClassVar[str] = "tls.certificate"
    seen_by: ClassVar[str] = "tls"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})

    address: str
    sni: str
    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    key_type: str
    key_bits: int
    signature: str
    self_signed: bool
    length: int
    sha256: str
    spki_sha256: str
    serial: str
    name_matches: bool | None
    path: PathState
    store: str
    weak_signatures: tuple[str, ...] = ()
    #: A public authority issued it (its root is in the public store).
    public: bool = False
    private_path: PathState = PathState.NOT_CHECKED
    private_store: str = ""
    incomplete: bool = False
    timestamps: int = 0
    must_staple: bool = False
    stapled: bool | None = None
    staple: Staple | None = None
    handed_timestamps: int | None = None

    def leads(self) -> Iterable[Lead]:
        """Return the names it was issued for."""
        return tuple(Lead(text=name, found_in=FoundIn.CERTIFICATE) for name in self.names)
