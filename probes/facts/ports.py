"""What a sweep of TCP ports showed of a host."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from probes.interface import AssetKind, Fact, Part, PortAnswer


class Canary(StrEnum):
    """What became of a port that answered during the sweep, asked again after it; silence is evidence only if it sang.

    ``lost`` is what a block in mid-scan looks like, ``none`` an address of which no port answered.
    """

    ANSWERED = "answered-both"
    LOST = "lost"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenToAll:
    """An address that accepts connections on nearly every port, as SYN proxies and tarpits do.

    ``spoke`` are the ports, among those whose services speak first, behind which somebody did.
    """

    address: str
    open: int
    asked: int
    spoke: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PortsSwept(Fact):
    """The state of each port asked, by address. ``canaries`` pairs each address with its canary.

    At the addresses in ``open_to_all`` an open port proves nothing but a machine in front.
    """

    kind: ClassVar[str] = "ports.swept"
    seen_by: ClassVar[str] = "ports"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.HOST, AssetKind.ADDRESS})

    answers: tuple[PortAnswer, ...]
    canaries: tuple[tuple[str, Canary], ...] = ()
    open_to_all: tuple[OpenToAll, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressSwept:
    """One address of a range: its open ports, how many of the ports asked were closed, silent, or could not be told."""

    address: str
    open: tuple[int, ...] = ()
    closed: int = 0
    silent: int = 0
    unreachable: int = 0
    canary: Canary = Canary.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeSwept(Fact):
    """The addresses of a declared network to which no name leads, and what the ports asked showed of each."""

    kind: ClassVar[str] = "ports.range"
    seen_by: ClassVar[str] = "ports"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.NETWORK})

    ports: tuple[int, ...]
    addresses: tuple[AddressSwept, ...]
