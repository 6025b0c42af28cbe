"""Probes: one way of looking each, and what they yield."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from probes.interface.assets import Asset, AssetKind, Part
from probes.interface.line import Line
from probes.interface.observation import Digest, Fact, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A fact as a probe yields it: about the asset looked at, or about ``asset`` when given.

    ``seen_at`` is the aware instant of an imported fact; what is looked at now is seen now.
    """

    fact: Fact
    asset: Asset | None = None
    captures: tuple[Digest, ...] = ()
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """A piece of a step that could not be seen, while the rest goes on; it becomes a failed attempt."""

    reason: Reason
    detail: str = ""
    asset: Asset | None = None


#: What a probe yields: facts, assets it met (looked at if in scope), and what it missed.
Yield = Sight | Asset | Shortfall


S = TypeVar("S")


class Probe(ABC, Generic[S]):
    """One way of looking. A subclass in ``probes/`` is registered by its place.

    ``Settings`` is a frozen dataclass whose defaults are the product's; the configuration overrides its fields
    in ``[probes.<name>]``.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    #: Lowest level of intrusiveness at which it may run.
    level: ClassVar[int]
    part: ClassVar[Part]
    looks_at: ClassVar[frozenset[AssetKind]]
    Settings: ClassVar[type[Any]]
    #: Seconds that one step may take; 0 leaves it to the configuration.
    deadline: ClassVar[float] = 0.0
    #: Whether it looks only at what no other probe wants.
    last_resort: ClassVar[bool] = False
    #: Whether its steps wait until no other step is left, so that it knows everything that was met.
    comes_last: ClassVar[bool] = False

    def __init__(self, settings: S) -> None:
        self.settings = settings
        #: The assets in scope that were met, told to a probe that comes last before its steps.
        self.met: tuple[Asset, ...] = ()

    def wants(self, asset: Asset) -> bool:
        """Tell whether this asset is worth a step, by what is known of it without looking."""
        return True

    @abstractmethod
    def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Look at the asset; raise ``ProbeError`` when nothing of it could be seen."""

    def look_again(self, asset: Asset, line: Line, seen: Sequence[Fact]) -> AsyncIterator[Yield]:
        """Look a second time, after the facts of the first look: whole facts again, from as few questions as needed.

        What was found is asked for again; what was not found may be taken over.
        """
        return self.look(asset, line)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSettings:
    """The settings of a probe that has none."""
