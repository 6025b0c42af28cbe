"""The journal of a scan: what was planned, begun and committed, so that nothing is asked twice after a crash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from probes.interface import Asset, Attempt, Digest, Fact, Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The grain of the journal: one probe on one asset, at the first or second look."""

    probe: str
    asset: Asset
    look: int = 1

    @property
    def key(self) -> str:
        """The identity of the step within its scan."""
        return f"{self.probe}|{self.asset.id}|{self.look}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What a step left: committed as one, idempotent on the step's key."""

    step: Step
    observations: tuple[Observation[Fact], ...]
    attempts: tuple[Attempt, ...]
    #: Assets the step met, in the order met.
    found: tuple[Asset, ...]


class Journal(Protocol):
    """The durable side of one scan. Methods are blocking; the engine calls them from one writer thread."""

    def results(self) -> Sequence[StepResult]:
        """Return the committed steps, in the order of their commit."""
        ...

    def begin(self, step: Step, at: datetime) -> int:
        """Record that a step begins and return how many times it has begun, this one included."""
        ...

    def commit(self, result: StepResult) -> None:
        """Record a step's result; a second commit of the same key changes nothing."""
        ...

    def keep(self, data: bytes) -> Digest:
        """Keep a capture and return its digest; the same bytes are kept once."""
        ...
