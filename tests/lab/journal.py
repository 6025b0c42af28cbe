"""A journal in memory: the protocol's promises, without a disk."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from scanner.journal import Step, StepResult


class MemoryJournal:
    """Keeps results by step key; ``begun`` counts how often each step began."""

    def __init__(self) -> None:
        self.committed: dict[str, StepResult] = {}
        self.begun: Counter[str] = Counter()
        self.captures: dict[str, bytes] = {}

    def results(self) -> Sequence[StepResult]:
        return list(self.committed.values())

    def begin(self, step: Step, at: datetime) -> int:
        self.begun[step.key] += 1
        return self.begun[step.key]

    def commit(self, result: StepResult) -> None:
        self.committed.setdefault(result.step.key, result)

    def keep(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self.captures[digest] = data
        return digest
