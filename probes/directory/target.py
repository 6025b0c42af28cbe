"""The directories a configuration names: where they are, who reads them, how gently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from probes.interface import ProbeError, Reason
from probes.interface.secret import Secret


class BindMethod(StrEnum):
    """How the account proves who it is: its password over TLS, or SASL GSS-SPNEGO."""

    SIMPLE = "simple"
    NTLM = "ntlm"
    KERBEROS = "kerberos"
    NEGOTIATE = "negotiate"


class Transport(StrEnum):
    """What protects every message: TLS from the first byte, TLS after StartTLS, or SASL sign and seal."""

    LDAPS = "ldaps"
    STARTTLS = "starttls"
    SEALED = "sealed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryTarget:
    """One domain controller and how to read it.

    ``url`` is ``ldap(s)://host[:port]``; ``host`` is the name its certificate must bear. ``address`` is a numeric
    address to reach it at instead of resolving the name. ``base`` is the domain naming context to read, by default
    the controller's own. ``ca_file`` is the PEM file of the authorities trusted, by default the system's.
    ``starttls`` asks TLS before a SASL bind on ``ldap://``; a simple bind always does. ``realm`` is the Kerberos realm,
    by default the upper-cased domain of ``user``.
    """

    url: str
    user: str
    password: Secret
    bind: BindMethod = BindMethod.SIMPLE
    base: str = ""
    address: str = ""
    ca_file: str = ""
    starttls: bool = False
    realm: str = ""
    #: Seconds to connect and bind, and for one page of a search.
    connect_seconds: float = 20.0
    page_seconds: float = 150.0
    #: Seconds, and bytes, for a whole naming context.
    budget_seconds: float = 6 * 3600.0
    budget_bytes: int = 16 << 30
    page_size: int = 1000
    #: Seconds of rest before each page; naming contexts are then read one by one.
    throttle: float = 0.0
    #: Most members asked of a group at a time; 0 leaves it to the server (1500 on Active Directory).
    members_at_once: int = 0
    #: Whether deleted objects are asked for too; they come to accounts that may read them.
    deleted_objects: bool = True

    @property
    def host(self) -> str:
        """The host name, or numeric address, of the URL."""
        host = urlsplit(self.url).hostname
        if urlsplit(self.url).scheme not in {"ldap", "ldaps"} or not host:
            raise ProbeError(Reason.OUT_OF_SCOPE, "the address of a directory is ldap(s)://host[:port]")
        return host

    @property
    def port(self) -> int:
        """The port of the URL, or the scheme's own."""
        return urlsplit(self.url).port or (636 if self.transport is Transport.LDAPS else 389)

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports of the controller that are used: LDAP, and the KDC's when Kerberos may be asked."""
        return (self.port, 88) if self.bind in {BindMethod.KERBEROS, BindMethod.NEGOTIATE} else (self.port,)

    @property
    def transport(self) -> Transport:
        """What will protect the messages."""
        if urlsplit(self.url).scheme == "ldaps":
            return Transport.LDAPS
        return Transport.STARTTLS if self.starttls or self.bind is BindMethod.SIMPLE else Transport.SEALED


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorySettings:
    """The directories by the name the configuration gives them, and why the others have no password on this machine."""

    targets: Mapping[str, DirectoryTarget] = field(default_factory=dict)
    locked: Mapping[str, str] = field(default_factory=dict)

    def names(self, directory: str) -> bool:
        """Tell whether the configuration names a directory, whether or not its password is there."""
        return directory in self.targets or directory in self.locked

    def target(self, directory: str) -> DirectoryTarget:
        """Return a directory that the configuration names; raise ``missing-secret`` when its password is not there."""
        if directory in self.locked:
            raise ProbeError(Reason.MISSING_SECRET, self.locked[directory])
        return self.targets[directory]
