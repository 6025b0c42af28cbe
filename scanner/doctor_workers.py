"""What the doctor says of workers: how many are heard of, what runs, and what waits for want of one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reports.words import Words
from scanner.config.load import Settings
from scanner.doctor_directory import Mark
from scanner.schedule.orders import vantage_of
from scanner.store.errors import StoreError
from scanner.store.store import Store

#: A scan that waits for longer than this has no worker that takes it.
_LATE = timedelta(hours=1)


def examine_workers(settings: Settings, store: Store, w: Words) -> list[tuple[Mark, str]]:
    """Return one line where scans are handed out to workers, none elsewhere."""
    if settings.file.serve.runs != "workers":
        return []
    try:
        store.queue.require()
    except StoreError as error:
        return [(Mark.MISSING, str(error))]
    asked = store.queue.open()
    waiting = [one.order for one in asked if not one.taken]
    heard = store.queue.heard(settings.file.worker.silence_seconds)
    told = w("doctor.workers", heard=heard, taken=len(asked) - len(waiting), waiting=len(waiting))
    late = {(o.perimeter, vantage_of(o.kind)) for o in waiting if datetime.now(UTC) - o.due_at > _LATE}
    if late:
        names = ", ".join(sorted(f"{perimeter} ({vantage.value})" for perimeter, vantage in late))
        return [(Mark.MISSING, w("doctor.workers-late", told=told, names=names))]
    return [(Mark.OK, told) if heard else (Mark.MISSING, w("doctor.no-worker", told=told))]
