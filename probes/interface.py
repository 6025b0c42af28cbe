"""What probes speak: assets, mandates, facts, observations, attempts, and the Line."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, ClassVar, Generic, Protocol, TypeVar

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

#: Lower-case hexadecimal SHA-256 of the stored form of a capture.
Digest = str


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
    DIRECTORY = "directory"
    NAMING_CONTEXT = "naming-context"
    FOREST = "forest"
    AD_DOMAIN = "ad-domain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A thing that is looked at, named by a canonical text that DNS cannot change.

    ``name`` is, by kind: a lower-case A-label name without final dot (domain, host), a numeric address,
    ``tcp/443@www.x.fr`` or ``tcp/3389@192.0.2.1`` (service; the name wherever a name was used), the name
    the configuration gives a directory, a distinguished name (naming context), a DNS name (forest, AD domain).
    ``addresses`` are the numeric addresses it was reached at; they are no part of its identity.
    """

    kind: AssetKind
    name: str
    addresses: tuple[str, ...] = ()
    #: Id of the asset this one was found through, or "" when a person declared it.
    found_by: str = ""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A span of local time in which scanning is allowed: weekdays (Monday is 0), start and end."""

    days: frozenset[int]
    start: time
    end: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """A name served by a provider, with the ports and the provider's authorisation."""

    name: str
    provider: str
    ports: frozenset[int]
    authorisation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a mandate lets Hygie look at; exclusions always win.

    ``directories`` are the ``ldap(s)://host[:port]`` addresses of the directories; ``exclusions`` are names
    (with everything beneath them) and networks.
    """

    domains: tuple[str, ...] = ()
    networks: tuple[IPNetwork, ...] = ()
    hosted: tuple[Hosted, ...] = ()
    directories: tuple[str, ...] = ()
    excluded_names: tuple[str, ...] = ()
    excluded_networks: tuple[IPNetwork, ...] = ()

    def holds_name(self, name: str) -> bool:
        """Tell whether a name is one of the domains, or beneath one, and not excluded."""
        return _beneath(name, self.domains) and not self.excludes_name(name)

    def excludes_name(self, name: str) -> bool:
        """Tell whether a name is excluded, or beneath an excluded name."""
        return _beneath(name, self.excluded_names)

    def hosted_name(self, name: str) -> Hosted | None:
        """Return the hosting declared for exactly this name."""
        wanted = canonical_name(name)
        return next((h for h in self.hosted if canonical_name(h.name) == wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """The authorisation to scan: who signed what, until when, how deep, and on what scope.

    ``document_sha256`` is empty when no document was declared. Dates are inclusive, read in UTC.
    """

    reference: str
    signatory: str
    document_sha256: str
    valid_from: date
    valid_until: date
    level: int
    scope: Scope
    windows: tuple[Window, ...] = ()


def canonical_name(name: str) -> str:
    """Return a DNS name in lower case, without final dot."""
    return name.rstrip(".").lower()


def _beneath(name: str, parents: Iterable[str]) -> bool:
    wanted = canonical_name(name)
    return any(wanted == p or wanted.endswith("." + p) for p in map(canonical_name, parents))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What was seen, typed and without opinion. Subclasses set the four class variables.

    A released field is only ever added, with a default; a changed meaning is a new ``kind``.
    """

    #: Name of the fact in the store, for example ``tls.certificate``.
    kind: ClassVar[str]
    #: Name of the probe that yields it.
    seen_by: ClassVar[str]
    #: Part of a scan it belongs to.
    part: ClassVar[Part]
    #: The kinds of assets it can be about.
    about: ClassVar[frozenset[AssetKind]]


F = TypeVar("F", bound=Fact, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation(Generic[F]):
    """A fact about an asset, with the instant, the probe (``name@version``), the vantage and the captures.

    ``id`` is a digest of the content, so the same observation always has the same id.
    """

    id: str
    asset: Asset
    fact: F
    seen_at: datetime
    probe: str
    vantage: Vantage
    captures: tuple[Digest, ...] = ()
    #: 1, or 2 for the second look at what was judged high or critical.
    look: int = 1


class Status(StrEnum):
    """How an attempt ended. ``fault`` is our own error, never the target's."""

    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    FAULT = "fault"


class Reason(StrEnum):
    """Why an attempt did not complete."""

    NONE = "none"
    # the network
    UNKNOWN_HOST = "unknown-host"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    TIMED_OUT = "timed-out"
    CONNECTION_LOST = "connection-lost"
    BLOCKED = "blocked"
    RATE_LIMITED = "rate-limited"
    # the answer
    MALFORMED = "malformed-answer"
    TRUNCATED = "truncated-answer"
    TOO_LARGE = "too-large"
    SERVER_FAILURE = "server-failure"
    NOT_SPOKEN = "protocol-not-spoken"
    # identity and rights
    CERTIFICATE = "certificate-refused"
    CREDENTIALS = "credentials-refused"
    ACCOUNT_EXPIRED = "account-expired"
    ACCOUNT_DISABLED = "account-disabled"
    ACCOUNT_LOCKED = "account-locked"
    PASSWORD_EXPIRED = "password-expired"
    SIGNING_REQUIRED = "signing-required"
    CHANNEL_BINDING_REQUIRED = "channel-binding-required"
    DENIED = "denied"
    # limits of the server
    REFERRAL = "referral"
    SIZE_LIMIT = "size-limit"
    TIME_LIMIT = "time-limit"
    # ours, decided
    OUT_OF_SCOPE = "out-of-scope"
    EXCLUDED = "excluded"
    LEVEL = "level"
    WINDOW = "window"
    BUDGET = "budget"
    INTERRUPTED = "interrupted"
    MISSING_TOOL = "missing-tool"
    # ours, a fault
    BUG = "our-fault"


#: Reasons decided by the mandate: listed, never counted as failure (exit code 4).
MANDATED = frozenset({Reason.OUT_OF_SCOPE, Reason.EXCLUDED, Reason.LEVEL, Reason.WINDOW})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a probe on an asset; ``detail`` is one line of text, possibly hostile."""

    probe: str
    asset: str
    status: Status
    reason: Reason
    started_at: datetime
    ended_at: datetime
    detail: str = ""
    look: int = 1


class ProbeError(Exception):
    """A step, or an exchange of it, that could not be completed, with its typed reason."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A fact as a probe yields it: about the asset looked at, or about ``asset`` when given."""

    fact: Fact
    asset: Asset | None = None
    captures: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """A piece of a step that could not be seen, while the rest goes on; it becomes a failed attempt."""

    reason: Reason
    detail: str = ""
    asset: Asset | None = None


#: What a probe yields: facts, assets it met (looked at if in scope), and what it missed.
Yield = Sight | Asset | Shortfall


class Stream(Protocol):
    """A granted TCP connection with a hard deadline and a byte cap over its whole life.

    Every method raises ``ProbeError`` (timed-out, connection-lost, too-large).
    """

    @property
    def peer(self) -> tuple[IPAddress, int]:
        """The numeric address and port reached."""
        ...

    async def send(self, data: bytes) -> None:
        """Send all of ``data``."""
        ...

    async def receive(self, most: int = 65536) -> bytes:
        """Return the next bytes, at most ``most``; ``b""`` at the end of the stream."""
        ...

    async def receive_exactly(self, count: int) -> bytes:
        """Return exactly ``count`` bytes; a shorter stream is ``truncated-answer``."""
        ...

    async def close(self) -> None:
        """Close; never raises."""
        ...


class DnsQuestion(StrEnum):
    """The classes of DNS exchanges, which are granted differently (design, section 4)."""

    #: To the configured resolver: any name.
    RESOLVER = "resolver"
    #: To a server met while walking the delegation of ``walking``: one plain question.
    DELEGATION = "delegation"
    #: AXFR, CHAOS, recursion: only to in-scope or hosted name servers.
    INTRUSIVE = "intrusive"


class PortState(StrEnum):
    """What a connection attempt to a TCP port showed."""

    OPEN = "open"
    CLOSED = "closed"
    FILTERED = "filtered"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortAnswer:
    """One port's state, with the connection tries made and the patience of each, in seconds."""

    address: str
    port: int
    state: PortState
    tries: int
    patience: float


class Line(Protocol):
    """The only road to the network: it checks scope, paces, bounds and keeps proofs.

    Refusals are ``ProbeError`` with out-of-scope, excluded, level, window or budget.
    """

    @property
    def level(self) -> int:
        """The level of intrusiveness this scan runs at: the lower of the mandate's and the asked one."""
        ...

    def grant(self, address: IPAddress, port: int, *, name: str = "", level: int = 2) -> None:
        """Raise unless this connection may be opened; for libraries that open their own sockets.

        ``name`` is the DNS name the caller follows; an address in no declared network is granted only when the
        Line itself just resolved it from a hosted name.
        """
        ...

    async def resolve(self, name: str) -> tuple[IPAddress, ...]:
        """Return the addresses of a name by the configured resolver; empty when it surely has none.

        Raises unknown-host when the name surely does not exist, timed-out or server-failure when it cannot tell.
        """
        ...

    async def connect(
        self,
        address: IPAddress,
        port: int,
        *,
        name: str = "",
        level: int = 2,
        deadline: float = 10.0,
        cap: int = 1 << 20,
    ) -> Stream:
        """Open a paced TCP connection, bounded over its whole life by ``deadline`` seconds and ``cap`` bytes read."""
        ...

    async def ask(
        self,
        query: bytes,
        server: IPAddress,
        *,
        question: DnsQuestion,
        walking: str = "",
        tcp: bool = False,
        deadline: float = 5.0,
        port: int | None = None,
    ) -> bytes:
        """Send one DNS message and return the answer with the same id; retries are the caller's.

        ``walking`` is the in-scope name whose delegation, or CNAME, MX or SPF target's delegation, is followed.
        ``port`` defaults to the configured DNS port.
        """
        ...

    def sweep(
        self,
        targets: Iterable[tuple[IPAddress, int]],
        *,
        name: str = "",
        patience: float = 2.0,
        tries: int = 2,
    ) -> AsyncIterator[PortAnswer]:
        """Connect to each granted target and yield its state, in the order answers come; refused ones raise."""
        ...

    async def pace(self, address: IPAddress) -> None:
        """Wait for a turn in the buckets (global, address, network); for libraries that send by themselves."""
        ...

    def keep(self, data: bytes) -> Digest:
        """Keep a capture (at most 4 MiB, already redacted by the probe) and return its digest."""
        ...


S = TypeVar("S")


class Probe(ABC, Generic[S]):
    """One way of looking. A subclass in ``probes/`` is registered by its place.

    ``Settings`` is a frozen dataclass whose defaults are the product's; the configuration overrides its fields
    in ``[probes.<name>]`` where ``configurable`` lists them.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    #: Lowest level of intrusiveness at which it may run.
    level: ClassVar[int]
    part: ClassVar[Part]
    looks_at: ClassVar[frozenset[AssetKind]]
    Settings: ClassVar[type[Any]]

    def __init__(self, settings: S) -> None:
        self.settings = settings

    def wants(self, asset: Asset) -> bool:
        """Tell whether this asset is worth a step, by what is known of it without looking."""
        return True

    @abstractmethod
    def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Look at the asset; raise ``ProbeError`` when nothing of it could be seen."""


#: Reads the bytes of a capture by its digest.
CaptureReader = Callable[[Digest], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSettings:
    """The settings of a probe that has none."""
