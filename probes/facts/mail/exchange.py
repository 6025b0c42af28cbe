"""How a domain's mail travels: its exchangers, DANE, MTA-STS and TLS-RPT, and what each mail server offers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from probes.facts.dns import Presence
from probes.interface import AssetKind, Fact, FoundIn, Lead, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Tlsa:
    """A TLSA record (RFC 6698): usage, selector, matching type, and the association in lower-case hexadecimal."""

    usage: int
    selector: int
    matching: int
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanger:
    """One MX host. ``addressed`` is about its A and AAAA records; ``alias`` is the target of a CNAME, or "".

    ``registered`` is about the registrable domain of a host that does not exist. ``tlsa_secure`` tells whether
    DNSSEC proves the TLSA answer (RFC 7672 2.2), None when it could not be told.
    """

    name: str
    preference: int
    addressed: Presence
    alias: str = ""
    nonexistent: bool = False
    registered: Presence = Presence.UNKNOWN
    tlsa: tuple[Tlsa, ...] = ()
    tlsa_presence: Presence = Presence.UNKNOWN
    tlsa_secure: bool | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchangers(Fact):
    """Who takes a domain's mail. ``null`` is the null MX (RFC 7505); ``address`` is about the domain's own A and AAAA
    records, which take mail when there is no MX. ``secure`` tells whether DNSSEC proves the MX records; None when that
    could not be told, or when no exchanger has TLSA records that count."""

    kind: ClassVar[str] = "mail.exchangers"
    seen_by: ClassVar[str] = "mail"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.DOMAIN})

    presence: Presence
    null: bool = False
    hosts: tuple[Exchanger, ...] = ()
    address: Presence = Presence.UNKNOWN
    reason: str = ""
    secure: bool | None = None

    def leads(self) -> Iterable[Lead]:
        """Return the exchangers."""
        return tuple(Lead(text=host.name, found_in=FoundIn.MX) for host in self.hosts)

    @property
    def receives(self) -> bool | None:
        """Whether the domain takes mail; None when it could not be told."""
        if self.presence is Presence.UNKNOWN:
            return None
        if self.presence is Presence.PRESENT:
            return not self.null
        return None if self.address is Presence.UNKNOWN else self.address is Presence.PRESENT


class PolicyState(StrEnum):
    """What became of the MTA-STS policy file; only ``read`` means that senders can use it."""

    NOT_ASKED = "not-asked"
    READ = "read"
    ABSENT = "absent"
    CERTIFICATE = "certificate"
    REDIRECTED = "redirected"
    MALFORMED = "malformed"
    OUT_OF_SCOPE = "out-of-scope"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportPolicies(Fact):
    """MTA-STS (RFC 8461) and TLS-RPT (RFC 8460). ``max_age`` is in seconds; faults say why senders ignore a record."""

    kind: ClassVar[str] = "mail.transport"
    seen_by: ClassVar[str] = "mail"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.DOMAIN})

    sts: Presence
    sts_fault: str = ""
    policy: PolicyState = PolicyState.NOT_ASKED
    policy_detail: str = ""
    mode: str = ""
    max_age: int = 0
    patterns: tuple[str, ...] = ()
    reports: Presence = Presence.UNKNOWN
    reports_fault: str = ""
    reason: str = ""


class StartTls(StrEnum):
    """How a mail server protects a session: from the first byte, on request, or not at all."""

    IMPLICIT = "implicit"
    OFFERED = "offered"
    BROKEN = "broken"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Verification(StrEnum):
    """What VRFY gave away: ``discriminates`` when a name that cannot exist is answered otherwise than postmaster."""

    NOT_ASKED = "not-asked"
    REFUSED = "refused"
    UNIFORM = "uniform"
    DISCRIMINATES = "discriminates"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateDigests:
    """Digests of one certificate of the chain, whole and of its public key, in lower-case hexadecimal.

    ``names`` are its alternative names; both instants are None when they were not kept.
    """

    sha256: str
    sha512: str
    key_sha256: str
    key_sha512: str
    names: tuple[str, ...] = ()
    not_before: datetime | None = None
    not_after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer(Fact):
    """What a mail service answers to a client that greets it: ``protocol`` is smtp, imap or pop3.

    ``banner`` is the server's greeting, its lines joined, and ``own_name`` what a SMTP server calls itself after EHLO.
    ``clear`` and ``secure`` are its capabilities before and after TLS,
    ``clear_authentication`` and ``secure_authentication`` the mechanisms offered there. ``chain`` starts with the
    server's certificate. ``spoken`` is False when what answered was not this protocol.
    """

    kind: ClassVar[str] = "mail.server"
    seen_by: ClassVar[str] = "mail-server"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})

    protocol: str
    address: str
    port: int
    spoken: bool
    banner: str = ""
    protection: StartTls = StartTls.UNKNOWN
    clear: tuple[str, ...] = ()
    secure: tuple[str, ...] = ()
    clear_authentication: tuple[str, ...] = ()
    secure_authentication: tuple[str, ...] = ()
    verification: Verification = Verification.NOT_ASKED
    chain: tuple[CertificateDigests, ...] = ()
    detail: str = ""
    own_name: str = ""
