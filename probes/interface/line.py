"""The Line as probes see it: the only road to the network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from probes.interface.identity import Identity
from probes.interface.mandate import IPAddress
from probes.interface.observation import Digest, Reason


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


class Existence(StrEnum):
    """What an answer says of a name; silence and refusal say nothing, so they are ``unknown``."""

    EXISTS = "exists"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class NameAnswer:
    """What was answered about one name: the whole message when it exists or leads elsewhere (``referral``).

    ``reason`` says why it is unknown.
    """

    name: str
    existence: Existence
    wire: bytes = b""
    reason: Reason = Reason.NONE


class PortState(StrEnum):
    """What a connection attempt to a TCP port showed."""

    OPEN = "open"
    CLOSED = "closed"
    FILTERED = "filtered"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortAnswer:
    """One port's state, with the connection tries made and the longest patience of each, in seconds."""

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

    @property
    def identifies_devices(self) -> bool:
        """Whether industrial and building devices may be asked for their name; else not a byte is sent to them."""
        ...

    @property
    def identity(self) -> Identity:
        """What servers are told of us."""
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

    def ask_names(
        self,
        names: Iterable[str],
        servers: Sequence[IPAddress],
        *,
        rdtype: int,
        question: DnsQuestion,
        walking: str = "",
        patience: float = 1.0,
        tries: int = 5,
    ) -> AsyncIterator[NameAnswer]:
        """Ask about thousands of names, taken lazily, and yield what each was answered, in the order answers come.

        Servers take turns, and a question not answered goes to the next one, up to ``tries`` times with a growing
        ``patience`` (seconds). A server that falls silent is given up; what only it could tell stays unknown.
        """
        ...

    async def exchange(
        self,
        request: bytes,
        address: IPAddress,
        port: int,
        *,
        name: str = "",
        level: int = 2,
        deadline: float = 2.0,
        tries: int = 2,
        any_port: bool = False,
    ) -> bytes:
        """Send one datagram and return the first answer, not empty, from that address and port, or from ``any_port``.

        Silence is ``timed-out``, an ICMP refusal ``refused``; neither tells more than that nothing was said.
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
        """Connect to each target and yield its state, in the order answers come.

        Each is granted as its turn is taken: a refused one ends the sweep and raises.
        """
        ...

    def slow_down(self, address: IPAddress) -> None:
        """Ask an address more slowly from now on, for every probe: it said so, or stopped answering."""
        ...

    def turn(
        self, address: IPAddress, port: int, *, name: str = "", level: int = 2
    ) -> AbstractAsyncContextManager[None]:
        """Hold a turn for a library that opens its own connection: granted, paced, and alone at a fragile address."""
        ...

    async def pace(self, address: IPAddress) -> None:
        """Wait for a turn in the buckets (global, address, network); for libraries that send by themselves."""
        ...

    def keep(self, data: bytes) -> Digest:
        """Keep a capture (at most 4 MiB, already redacted by the probe) and return its digest."""
        ...
