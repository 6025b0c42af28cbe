"""What a TLS endpoint accepts, and the certificates it shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
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

    ``server_order`` is None when it could not be told. ``dh_bits`` is the smallest prime seen in a DHE exchange,
    0 when none was seen. ``secure_renegotiation`` is about RFC 5746, None when no version that needs it answered.
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
    compression: bool = False
    secure_renegotiation: bool | None = None
    connections: int = 0

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


class PathState(StrEnum):
    """Whether a path leads from the leaf to a trusted root."""

    FOUND = "found"
    NOT_FOUND = "not-found"
    NOT_CHECKED = "not-checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateChain(Fact):
    """The chain one address showed for one name; the DER certificates are the observation's captures, leaf first.

    ``name_matches`` is None when the endpoint was not reached by a DNS name. ``key_bits`` is the size of the modulus,
    or of the curve. ``weak_signatures`` are the hashes below SHA-256 in the leaf or an intermediate, roots left out.
    ``store`` names the trust store the path was looked for in, with its date.
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

    def leads(self) -> Iterable[Lead]:
        """Return the names it was issued for."""
        return tuple(Lead(text=name, found_in=FoundIn.CERTIFICATE) for name in self.names)
