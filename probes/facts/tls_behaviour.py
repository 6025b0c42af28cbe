"""How a TLS endpoint takes messages that only old or careless libraries take."""

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


class Oracle(StrEnum):
    """What the answers to well and badly padded RSA key exchanges give away (Böck, Somorovsky, Young: ROBOT, 2018).

    ``strong``: kinds of bad padding are told apart; ``weak``: only bad from good; ``inconsistent``: the same message
    was not always answered in the same way; ``no-object``: no key exchange by RSA encryption is taken.
    """

    NONE = "none"
    WEAK = "weak"
    STRONG = "strong"
    INCONSISTENT = "inconsistent"
    NO_OBJECT = "no-object"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsBehaviour(Fact):
    """How one address of an endpoint reacts within a handshake of TLS 1.2 or older.

    ``older_spoken`` is False when no such handshake is taken: the questions then have no object. ``heartbleed`` is
    about CVE-2014-0160, ``early_cipher_change`` about CVE-2014-0224, ``padding_oracle`` about ROBOT, and
    ``ticket_echo`` about CVE-2016-9244 (a resumed session answered with more session id than was sent).
    """

    kind: ClassVar[str] = "tls.behaviour"
    seen_by: ClassVar[str] = "tls-behaviour"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})

    address: str
    older_spoken: bool
    heartbleed: Reaction = Reaction.UNKNOWN
    early_cipher_change: Reaction = Reaction.UNKNOWN
    padding_oracle: Oracle = Oracle.UNKNOWN
    ticket_echo: Reaction = Reaction.UNKNOWN
