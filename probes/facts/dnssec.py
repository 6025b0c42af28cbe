"""What DNSSEC says of a zone: whether its chain holds from the root, with which keys, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from probes.interface import AssetKind, Fact, Part


class Security(StrEnum):
    """The four states of RFC 4033 section 5."""

    SECURE = "secure"
    INSECURE = "insecure"
    BOGUS = "bogus"
    INDETERMINATE = "indeterminate"


class Flaw(StrEnum):
    """Why a chain ends: a flaw makes it bogus, but for the ``no-ds``, ``unsupported`` and ``no-anchor`` ones."""

    NONE = ""
    #: The parent proves that there is no DS record: the zone is not signed.
    NO_DS = "no-ds"
    #: Every DS record names an algorithm or a digest that we do not know.
    UNSUPPORTED = "unsupported-algorithm"
    NO_ANCHOR = "no-anchor"
    #: The name does not exist, and that is proved.
    NO_NAME = "no-such-name"
    NO_KEYS = "no-keys"
    DS_MISMATCH = "no-key-matches-the-parent"
    NO_SIGNATURE = "no-signature"
    UNKNOWN_KEY = "signed-by-an-unknown-key"
    EXPIRED = "signature-expired"
    NOT_YET = "signature-not-yet-valid"
    WRONG = "signature-wrong"
    NO_PROOF = "absence-not-proved"
    #: No server told; the reason of the exchange is in ``detail``.
    SILENT = "no-answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneKey:
    """A DNSKEY: its tag, algorithm number (IANA), size in bits, and whether it is a secure entry point."""

    tag: int
    algorithm: int
    bits: int
    entry_point: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegationSigner:
    """A DS record of the parent: the key's tag and algorithm, and the digest type (IANA)."""

    tag: int
    algorithm: int
    digest_type: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureSeen:
    """The signature of one record set by one key, at one server."""

    owner: str
    rdtype: str
    tag: int
    algorithm: int
    inception: datetime
    expiration: datetime
    server: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSecurity:
    """What one server of the zone shows: secure, bogus with its flaw, or indeterminate when it did not tell."""

    address: str
    security: Security
    flaw: Flaw = Flaw.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneSecurity(Fact):
    """The verdict on the zone a domain lies in.

    ``ended_at`` is the zone where the chain ended or broke; ``detail`` what was checked there. ``anchors`` says which
    trust anchors were used. NSEC3 values are None when the zone does not use it or did not tell.
    """

    kind: ClassVar[str] = "dns.security"
    seen_by: ClassVar[str] = "dnssec"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.DOMAIN})

    zone: str
    security: Security
    flaw: Flaw
    ended_at: str
    detail: str
    anchors: str
    signers: tuple[DelegationSigner, ...] = ()
    keys: tuple[ZoneKey, ...] = ()
    signatures: tuple[SignatureSeen, ...] = ()
    servers: tuple[ServerSecurity, ...] = ()
    nsec3_iterations: int | None = None
    nsec3_salt_bytes: int | None = None
