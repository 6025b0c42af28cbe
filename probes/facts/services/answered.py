"""What every service answers: whether it spoke the protocol, whether it lets anybody in, and what it calls itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from probes.interface import AssetKind, Fact, Part

#: The longest text kept of what a service says of itself, in characters.
LONGEST = 200


class Talk(StrEnum):
    """What was said on an open port."""

    #: The protocol was spoken.
    SPOKEN = "spoken"
    #: Something else was.
    OTHER = "other"
    #: The connection was closed without a word.
    CLOSED = "closed"
    #: Nothing was said within the patience.
    SILENT = "silent"
    #: Within TLS, a certificate of the client was asked for before anything else.
    CERTIFICATE = "certificate"
    #: An answer began and was cut, by its length or by time.
    CUT = "cut"


class Access(StrEnum):
    """Whether anybody is served."""

    OPEN = "open"
    REQUIRED = "required"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAnswered(Fact):
    """One address's answer. ``protocol`` is what was asked for; ``product``, ``version`` are the service's own words.

    ``access`` tells whether anything was served to a caller who showed no identity; no password is ever tried.
    """

    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})
    part: ClassVar[Part] = Part.EXPOSURE

    address: str
    protocol: str
    talk: Talk
    access: Access = Access.UNKNOWN
    product: str = ""
    version: str = ""
    #: Whether the conversation was, or could have been, encrypted; None when it was not told.
    encryption: bool | None = None


def clipped(text: str | bytes) -> str:
    """Return one line of what a service said, cut: hostile text, escaped only where it is shown."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return " ".join(text[: 4 * LONGEST].split())[:LONGEST]


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeted(ServiceAnswered):
    """A service that only shows that it is there: telnet, rsync, RTSP, SIP, RPC, Kerberos, WinRM, X11…"""

    kind: ClassVar[str] = "service.greeted"
    seen_by: ClassVar[str] = "greeting"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAnswered(ServiceAnswered):
    """A database or a cache: what it serves to a caller without identity, server information only."""

    kind: ClassVar[str] = "service.database"
    seen_by: ClassVar[str] = "database"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformAnswered(ServiceAnswered):
    """The administration of containers, clusters and application servers."""

    kind: ClassVar[str] = "service.platform"
    seen_by: ClassVar[str] = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAnswered(ServiceAnswered):
    """A message broker."""

    kind: ClassVar[str] = "service.broker"
    seen_by: ClassVar[str] = "broker"
    #: The ways of authentication it lists.
    mechanisms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatagramAnswered(ServiceAnswered):
    """An answer by UDP; ``request`` and ``answer`` are their sizes in bytes: the gain of a reflected attack."""

    kind: ClassVar[str] = "service.datagram"
    seen_by: ClassVar[str] = "datagram"
    request: int = 0
    answer: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DatagramsAsked(Fact):
    """The UDP services asked for at each address, with what came of it; silence proves nothing here.

    ``asked`` are (address, protocol, port, outcome) with outcome ``answered``, ``refused``, ``silent``, or ``other``
    when something else was said than the protocol's answer.
    """

    kind: ClassVar[str] = "service.datagrams-asked"
    seen_by: ClassVar[str] = "datagram"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.HOST, AssetKind.ADDRESS})

    asked: tuple[tuple[str, str, int, str], ...]
