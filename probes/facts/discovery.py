"""What discovery saw: which names exist, what answers for anything, and whether a zone can be walked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from probes.interface import AssetKind, Fact, FoundIn, Lead, Part


class WildcardShape(StrEnum):
    """What names that nobody can have published are answered."""

    #: That they do not exist.
    NONE = "none"
    #: A few answers, always the same ones.
    BOUNDED = "bounded"
    #: Ever new answers: a name of the list proves nothing.
    UNBOUNDED = "unbounded"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wildcard:
    """What ``tried`` names made by chance under ``parent`` were answered; ``answers`` are the distinct ones."""

    parent: str
    shape: WildcardShape
    tried: int
    answers: tuple[str, ...] = ()


class ZoneWalk(StrEnum):
    """What the proofs of absence of a zone give away (RFC 4034, 4470, 5155)."""

    #: NSEC records link every name to the next.
    WALKED = "walked"
    #: NSEC records made on the spot, that name no neighbour.
    WHITE_LIES = "white-lies"
    #: NSEC3: names are hashed.
    HASHED = "hashed"
    UNSIGNED = "unsigned"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundName:
    """A name that surely exists, and where it was found."""

    name: str
    found_in: FoundIn


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesFound(Fact):
    """The names found under a domain, with what was asked to find them.

    ``asked`` names were asked about, ``unanswered`` of them could not be told, ``hidden`` were answered as anything
    is (behind a wildcard: no discovery). ``asked_of`` is ``authoritative`` (the zone's own servers) or ``resolver``.
    ``walked`` counts the names that the walk of the zone gave, all of them unless ``walk_cut``.
    """

    kind: ClassVar[str] = "discovery.names"
    seen_by: ClassVar[str] = "discovery"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.DOMAIN})

    asked_of: str
    asked: int
    unanswered: int
    hidden: int
    found: tuple[FoundName, ...]
    wildcards: tuple[Wildcard, ...]
    walk: ZoneWalk
    walked: int = 0
    walk_cut: bool = False

    def leads(self) -> Iterable[Lead]:
        """Return the names found."""
        return tuple(Lead(text=found.name, found_in=found.found_in) for found in self.found)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseNames(Fact):
    """The names that PTR records give to the addresses of a network, as (address, name), sorted.

    ``unanswered`` of the ``asked`` addresses could not be told.
    """

    kind: ClassVar[str] = "discovery.reverse"
    seen_by: ClassVar[str] = "reverse"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.NETWORK})

    asked: int
    unanswered: int
    names: tuple[tuple[str, str], ...]

    def leads(self) -> Iterable[Lead]:
        """Return the names."""
        return tuple(Lead(text=name, found_in=FoundIn.PTR) for _, name in self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualHost:
    """A site served under a name; the title is the server's own words.

    ``led`` are the addresses that the DNS leads the name to instead; none when it leads nowhere.
    """

    name: str
    title: str
    led: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualHosts(Fact):
    """The sites that one address serves under names that the DNS does not lead to it.

    ``tried`` names were asked; ``reliable`` is False when names that cannot be were answered differently each time, and
    then nothing is told of the others. ``rate_limited`` tells a server that asked for less (429) on the way.
    """

    kind: ClassVar[str] = "discovery.vhosts"
    seen_by: ClassVar[str] = "vhosts"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})

    address: str
    port: int
    tried: int
    reliable: bool
    answered: tuple[VirtualHost, ...] = ()
    rate_limited: bool = False
