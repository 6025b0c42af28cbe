"""Assets: what is looked at, from where, in which part of a scan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Vantage(StrEnum):
    """The place a box looks from, as its configuration declares it."""

    INTERNET = "internet"
    INSIDE = "inside"


class Part(StrEnum):
    """The kind of a part of a scan."""

    EXPOSURE = "exposure"
    DIRECTORY = "directory"
    IMPORT = "import"


class AssetKind(StrEnum):
    """The kinds of things that are looked at."""

    DOMAIN = "domain"
    HOST = "host"
    SERVICE = "service"
    ADDRESS = "address"
    NETWORK = "network"
    DIRECTORY = "directory"
    CONTROLLER = "controller"
    NAMING_CONTEXT = "naming-context"
    FOREST = "forest"
    AD_DOMAIN = "ad-domain"
    FILE = "file"


class FoundIn(StrEnum):
    """Where a name or an address was found; ``DECLARED`` by a person, or before this was kept."""

    DECLARED = ""
    MX = "mx"
    NS = "ns"
    SOA = "soa"
    SRV = "srv"
    ALIAS = "alias"
    SPF = "spf"
    TRANSFER = "transfer"
    ZONE_WALK = "zone-walk"
    WORD_LIST = "word-list"
    MUTATION = "mutation"
    PTR = "ptr"
    CERTIFICATE = "certificate"
    REDIRECT = "redirect"
    LINK = "link"
    CSP = "csp"
    CT = "certificate-transparency"
    LIST = "list"
    NMAP = "nmap"
    RANGE = "range"
    LOOK_ALIKE = "look-alike"
    #: Served under a name that the DNS does not lead there.
    VIRTUAL_HOST = "virtual-host"


#: The kinds of what a directory is made of; they are looked at from inside.
DIRECTORY_KINDS = frozenset(
    {AssetKind.DIRECTORY, AssetKind.CONTROLLER, AssetKind.NAMING_CONTEXT, AssetKind.FOREST, AssetKind.AD_DOMAIN}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A thing that is looked at, named by a canonical text that DNS cannot change.

    ``name`` is, by kind: a lower-case A-label name without final dot (domain, host), a numeric address,
    ``192.0.2.0/24`` (network),
    ``tcp/443@www.x.fr`` or ``tcp/3389@192.0.2.1`` (service; the name wherever a name was used), the name
    the configuration gives a directory, a distinguished name (naming context), a DNS name (controller, forest,
    AD domain), the base name of an imported file.
    ``addresses`` are the numeric addresses it was reached at; they are no part of its identity.
    """

    kind: AssetKind
    name: str
    addresses: tuple[str, ...] = ()
    #: Id of the asset this one was found through, or "" when a person declared it.
    found_by: str = ""
    #: In what it was found there.
    found_in: FoundIn = FoundIn.DECLARED

    @property
    def id(self) -> str:
        """The identity used in findings, fingerprints and comparisons."""
        return f"{self.kind.value}:{self.name}"

    @property
    def port(self) -> int | None:
        """The port of a service."""
        return int(self.name.partition("@")[0].partition("/")[2]) if self.kind is AssetKind.SERVICE else None

    @property
    def transport(self) -> str | None:
        """``tcp`` or ``udp``, of a service."""
        return self.name.partition("/")[0] if self.kind is AssetKind.SERVICE else None

    @property
    def host(self) -> str:
        """The name or numeric address behind a service, or the name itself."""
        return self.name.partition("@")[2] if self.kind is AssetKind.SERVICE else self.name


def service(transport: str, port: int, host: str, *, addresses: Iterable[str] = (), found_by: str = "") -> Asset:
    """Return the asset of one service, named after the name that led to it."""
    return Asset(
        kind=AssetKind.SERVICE,
        name=f"{transport}/{port}@{host}",
        addresses=tuple(addresses),
        found_by=found_by,
    )
