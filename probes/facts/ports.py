"""What a sweep of TCP ports showed of a host."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from probes.interface import AssetKind, Fact, Part, PortAnswer


class Canary(StrEnum):
    """What became of a port known to answer, asked before and after the sweep; silence is evidence only if it sang."""

    ANSWERED = "answered-both"
    LOST = "lost"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortsSwept(Fact):
    """The state of each port asked, by address. ``canaries`` pairs each address with its canary."""

    kind: ClassVar[str] = "ports.swept"
    seen_by: ClassVar[str] = "ports"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.HOST, AssetKind.ADDRESS})

    answers: tuple[PortAnswer, ...]
    canaries: tuple[tuple[str, Canary], ...] = ()
