"""What was read of a directory: the rootDSE, and naming contexts whose entries lie in captures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from probes.interface import AssetKind, Fact, Part

#: Why a naming context is not known to be whole when nothing in the export it comes from says so.
UNPROVEN = "end-not-told"


class NamingContextRole(StrEnum):
    """What a naming context holds."""

    DOMAIN = "domain"
    CONFIGURATION = "configuration"
    SCHEMA = "schema"
    DOMAIN_DNS = "domain-dns"
    FOREST_DNS = "forest-dns"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class RootDse(Fact):
    """The rootDSE of one domain controller, and how it was reached (MS-ADTS 3.1.1.3.2).

    ``transport`` is ldaps, starttls or sealed; ``bind`` is simple, ntlm, kerberos or negotiate. ``account_sids`` are
    the SIDs of the account's token (tokenGroups and its own), empty when they could not be read. ``current_time`` is
    the reference of every age. Functional levels are msDS-Behavior-Version numbers.
    """

    kind: ClassVar[str] = "directory.root-dse"
    seen_by: ClassVar[str] = "directory"
    part: ClassVar[Part] = Part.DIRECTORY
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.DIRECTORY})

    server: str
    address: str
    transport: str
    bind: str
    tls_version: str
    forest: str
    domain: str
    default_naming_context: str
    root_domain_naming_context: str
    configuration_naming_context: str
    schema_naming_context: str
    naming_contexts: tuple[str, ...]
    current_time: datetime
    domain_functionality: int | None
    forest_functionality: int | None
    controller_functionality: int | None
    supported_controls: tuple[str, ...]
    account_sids: tuple[str, ...] = ()
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NamingContextRead(Fact):
    """One naming context as the server gave it; the observation's captures are its entries, in order.

    Each capture is a run of whole LDAPMessage PDUs (SearchResultEntry, RFC 4511 4.5.2) as received, at most 4 MiB.
    ``domain`` is the DNS name of the domain, empty for forest-wide contexts. ``complete`` is False when the server or
    a budget cut it short, with the reason in ``cut``. ``asked`` are the attributes requested. ``bytes_read``,
    ``queries`` and ``seconds`` are the cost on the server.
    """

    kind: ClassVar[str] = "directory.naming-context"
    seen_by: ClassVar[str] = "directory-tree"
    part: ClassVar[Part] = Part.DIRECTORY
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.NAMING_CONTEXT})

    dn: str
    role: NamingContextRole
    forest: str
    domain: str
    server: str
    current_time: datetime
    entries: int
    bytes_read: int
    queries: int
    seconds: float
    complete: bool
    cut: str = ""
    asked: tuple[str, ...] = ()
    #: Whether deleted objects came back; they are hidden from most accounts.
    deleted_objects: bool = False
