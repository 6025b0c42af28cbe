"""The clerk: looks at the schedules, takes what is due, starts it, and records what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from reports.visible import visible
from scanner.clock import Clock, utc_now
from scanner.config.load import ConfigError, Settings
from scanner.config.schema import ScheduleSection
from scanner.schedule.calendar import due
from scanner.schedule.launcher import OUTCOMES, STILL_RUNS, Ended, Launcher
from scanner.schedule.orders import Orders
from scanner.store.errors import StoreError
from scanner.store.store import Store

log = logging.getLogger(__name__)

#: Seconds between two looks.
_PACE = 2.0


class Clerk:
    """One of any number: an occasion is run by whoever takes it first.

    ``settings`` returns the configuration of the moment. What the store or the configuration refuses is told in the
    log and tried again at the next look; nothing ends the clerk but its own faults.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        store: Store,
        launcher: Launcher,
        clock: Clock = utc_now,
    ) -> None:
        self._settings = settings
        self._store = store
        self._launcher = launcher
        self._clock = clock
        self._running: dict[str, tuple[str, datetime]] = {}
        self._ended: list[Ended] = []
        self._said = ""

    async def work(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.look)
                self._said = ""
            except (StoreError, ConfigError) as error:
                self._complain(str(error))
            await asyncio.sleep(_PACE)

    def look(self) -> None:
        """Conclude what ended, and start what is due while there is room."""
        self._ended += self._launcher.ended()
        while self._ended:
            # One that the store could not take is still there at the next look.
            self._conclude(self._ended[0])
            del self._ended[0]
        settings = self._settings()
        last = self._store.occasions.last()
        for section in settings.file.schedules:
            if self._launcher.running >= settings.file.serve.scans:
                return
            before = last.get(section.id)
            occasion = due(section, before.due_at if before else None, self._clock(), settings.file.serve.timezone)
            if occasion is None:
                continue
            if settings.file.serve.runs == "workers":
                self._queue(section, occasion)
            else:
                self._start(section, occasion)

    def _queue(self, section: ScheduleSection, occasion: datetime) -> None:
        """Ask the workers for it; a perimeter that is being scanned keeps its occasion for later."""
        if section.perimeter not in self._store.sightings.running():
            Orders(self._store, self._clock).due(section, occasion)

    def _start(self, section: ScheduleSection, occasion: datetime) -> None:
        """Take an occasion and start its scan; a perimeter that is being scanned keeps its occasion for later."""
        if section.perimeter in self._running or section.perimeter in self._store.sightings.running():
            return
        if not self._store.occasions.take(section.id, occasion):
            return
        if self._launcher.start(section.perimeter, section.kind, f"schedule {section.id}"):
            self._running[section.perimeter] = (section.id, occasion)
        else:
            self._store.occasions.conclude(section.id, occasion, STILL_RUNS)

    def _conclude(self, ended: Ended) -> None:
        schedule, occasion = self._running.get(ended.perimeter, ("", None))
        known = OUTCOMES.get(ended.code)
        outcome = known or ended.said or f"ended with {ended.code}"
        if occasion is not None:
            self._store.occasions.conclude(schedule, occasion, visible(outcome, 300))
        elif known is None:
            log.warning("scan of %s: %s", ended.perimeter, visible(outcome, 300))
        self._running.pop(ended.perimeter, None)

    def _complain(self, sentence: str) -> None:
        """Say what is wrong once, not at every look."""
        if sentence != self._said:
            log.warning("schedules wait: %s", visible(sentence))
            self._said = sentence
