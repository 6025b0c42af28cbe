"""How a TLS endpoint takes two messages that only old libraries take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from probes.interface import AssetKind, Fact, Part


class Reaction(StrEnum):
    """What the reaction to a question shows; what shows neither, silence above all, is ``unknown``."""

    VULNERABLE = "vulnerable"
    NOT_VULNERABLE = "not-vulnerable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsBehaviour(Fact):
    """How one address of an endpoint reacts within a handshake of TLS 1.2 or older.

    ``older_spoken`` is False when no such handshake is taken: both questions then have no object. ``heartbleed`` is
    about CVE-2014-0160, ``early_cipher_change`` about CVE-2014-0224.
    """

    kind: ClassVar[str] = "tls.behaviour"
    seen_by: ClassVar[str] = "tls-behaviour"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})

    address: str
    older_spoken: bool
    heartbleed: Reaction = Reaction.UNKNOWN
    early_cipher_change: Reaction = Reaction.UNKNOWN
