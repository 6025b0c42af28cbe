"""Scans asked of the workers: what is due, and what a person starts on screen, through the queue of the store."""

from __future__ import annotations

import hashlib
from datetime import datetime

from probes.interface import Part, Vantage
from rules.subject import Scan
from scanner.clock import Clock, utc_now
from scanner.config.schema import ScheduleSection
from scanner.exit import Exit
from scanner.run import new_id
from scanner.schedule.launcher import CANCELLED, OUTCOMES, STILL_WAITS, Ended
from scanner.store.queue import Order
from scanner.store.store import Store

#: Kinds that read a directory: only a machine inside reaches one.
_INSIDE = frozenset({"directory", "both"})
#: Characters of a perimeter's id in the name of its queue: PostgreSQL bounds the channel that is named after it.
_NAMED = 20


def vantage_of(kind: str) -> Vantage:
    """Return where a machine must look from to run a kind of scan: exposure is concluded from the Internet only."""
    return Vantage.INSIDE if kind in _INSIDE else Vantage.INTERNET


def queue_of(vantage: Vantage, perimeter: str) -> str:
    """Return the queue of the scans of a perimeter from a vantage."""
    return f"{vantage.value} {perimeter[:_NAMED]} {hashlib.sha256(perimeter.encode()).hexdigest()[:8]}"


class Orders:
    """A ``Starter`` whose scans are run by workers."""

    def __init__(self, store: Store, clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock

    def due(self, section: ScheduleSection, occasion: datetime) -> None:
        """Ask for what a schedule has due; while its like still waits for a worker, one run makes up for both."""
        asked = self._ask(section.perimeter, section.kind, f"schedule {section.id}", section.id, occasion)
        if not asked and self._store.occasions.take(section.id, occasion):
            self._store.occasions.conclude(section.id, occasion, STILL_WAITS)

    def start(self, perimeter: str, kind: str, by: str, *, resume: str = "") -> bool:
        """Ask for a scan in somebody's name, or to go on with one that was cut; False when its like still waits."""
        if resume:
            kind = _kind_of(self._store.scans.find(resume))
            self._store.stops.lift(resume)
        return self._ask(perimeter, kind, by, _on_screen(perimeter), self._clock(), resume)

    def last(self, perimeter: str) -> Ended | None:
        """Return how the last scan asked for on screen ended, None while it has not."""
        last = self._store.occasions.last().get(_on_screen(perimeter))
        if last is None or not last.outcome:
            return None
        code = next((code for code, outcome in OUTCOMES.items() if outcome == last.outcome), Exit.REFUSED)
        return Ended(perimeter=perimeter, code=code, said=last.outcome)

    def waiting(self, perimeter: str) -> tuple[Order, ...]:
        """Return the orders of a perimeter that no worker has, oldest first."""
        asked = self._store.queue.open()
        return tuple(one.order for one in asked if one.order.perimeter == perimeter and not one.taken)

    def cancel(self, perimeter: str, scan: str) -> bool:
        """Take an order back; False when no such one waits, or a worker has taken it."""
        return self._store.queue.cancel(perimeter, scan, CANCELLED) is not None

    def _ask(self, perimeter: str, kind: str, by: str, schedule: str, due_at: datetime, resume: str = "") -> bool:
        scan = resume or new_id(self._clock())
        order = Order(scan=scan, perimeter=perimeter, kind=kind, by=by, schedule=schedule, due_at=due_at)
        return self._store.queue.ask(order, queue_of(vantage_of(kind), perimeter))


def _kind_of(scan: Scan) -> str:
    """The kind that says where a scan that was cut goes on; what it looks at, and how deep, it knows itself."""
    kinds = {part.kind for part in scan.parts}
    if Part.DIRECTORY in kinds:
        return "both" if Part.EXPOSURE in kinds else "directory"
    return "short"


def _on_screen(perimeter: str) -> str:
    """The schedule that stands for what people start: its name is no identifier, so no real one has it."""
    return f"on screen: {perimeter}"
