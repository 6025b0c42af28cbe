"""Progress: what the engine tells while it runs, and the bar that a terminal shows."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from probes.interface import Status
from scanner.journal import Step


class Progress(Protocol):
    """Hears of every step; called from the event loop, so it must be quick."""

    def planned(self, step: Step) -> None:
        """A step was planned."""
        ...

    def ended(self, step: Step, status: Status) -> None:
        """A step ended."""
        ...


class Silence:
    """The progress that nobody watches."""

    def planned(self, step: Step) -> None:
        """Say nothing."""

    def ended(self, step: Step, status: Status) -> None:
        """Say nothing."""


class Bar:
    """One line on the terminal's standard error: steps ended of steps planned, and the last one's probe."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("scan", total=0)
        self._planned = 0

    def shown(self) -> AbstractContextManager[object]:
        """Return the context during which the bar is on the screen."""
        return self._bar

    def planned(self, step: Step) -> None:
        """Lengthen the bar."""
        self._planned += 1
        self._bar.update(self._task, total=self._planned)

    def ended(self, step: Step, status: Status) -> None:
        """Advance the bar; the name of the probe is ours, the asset's would be a stranger's."""
        self._bar.update(self._task, advance=1, description=step.probe)


def watch() -> tuple[Progress, AbstractContextManager[object]]:
    """Return a progress and its context: a bar when standard error is a terminal, else silence."""
    if not sys.stderr.isatty():
        return Silence(), nullcontext()
    bar = Bar()
    return bar, bar.shown()
