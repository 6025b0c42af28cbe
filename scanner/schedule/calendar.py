"""When a schedule is due: pure functions of its cron expression, its hours, the last occasion and the instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

from scanner.config.schema import ScheduleSection

#: A schedule never seen before looks back no further than this: what was due before it existed is not missed.
_NEW = timedelta(minutes=2)
#: Missed occasions are looked for so far back.
_FURTHEST = timedelta(days=62)
#: An occasion this far ahead of the clock was taken while the clock was wrong.
_AHEAD = timedelta(hours=36)


def due(section: ScheduleSection, last: datetime | None, now: datetime, zone: str) -> datetime | None:
    """Return the occasion to run now, or None. Of several missed ones only the newest is run, once.

    ``last`` is the last occasion taken. In a night when clocks go forward, what falls in the missing hour is due
    right after it; when they go back, an hour that comes twice is due once. Outside the schedule's hours it waits.
    """
    if not section.enabled or not within(section, now, zone):
        return None
    if last is not None and last > now + _AHEAD:
        last = None
    start = max(last, now - _FURTHEST) if last is not None else now - _NEW
    newest = None
    for occasion in CronSim(section.cron, start.astimezone(ZoneInfo(zone))):
        if occasion > now:
            break
        newest = occasion
    return newest.astimezone(now.tzinfo) if newest is not None else None


def within(section: ScheduleSection, now: datetime, zone: str) -> bool:
    """Tell whether a scan may start at an instant; hours may pass midnight."""
    local = now.astimezone(ZoneInfo(zone)).time()
    if section.start <= section.end:
        return section.start <= local <= section.end
    return local >= section.start or local <= section.end


def opens(section: ScheduleSection, now: datetime, zone: str) -> datetime:
    """Return the instant from which a scan may start: now, or when the schedule's hours next begin."""
    if within(section, now, zone):
        return now
    local = now.astimezone(ZoneInfo(zone))
    first = datetime.combine(local.date(), section.start, local.tzinfo)
    return (first if first > local else first + timedelta(days=1)).astimezone(now.tzinfo)


def next_due(section: ScheduleSection, now: datetime, zone: str) -> datetime | None:
    """Return the next occasion after an instant, or None when there is none."""
    if not section.enabled:
        return None
    found = next(iter(CronSim(section.cron, now.astimezone(ZoneInfo(zone)))), None)
    return found.astimezone(now.tzinfo) if found is not None else None


def proposed(perimeter: str, *, directory: bool) -> Sequence[Mapping[str, Any]]:
    """Return the usual schedules: short list daily, full weekly, directory monthly, all before the working day.

    Minutes differ by perimeter, so that a region does not start all of its scans at once.
    """
    minute = sum(perimeter.encode()) % 60
    plans = [
        ("short", f"{minute} 4 * * *", "04:00:00", "07:00:00"),
        ("full", f"{minute} 22 * * 6", "20:00:00", "06:00:00"),
    ]
    if directory:
        plans.append(("directory", f"{minute} 21 1 * *", "20:00:00", "06:00:00"))
    return [
        {
            "id": f"{perimeter}-{kind}"[:64],
            "perimeter": perimeter,
            "kind": kind,
            "cron": cron,
            "start": start,
            "end": end,
        }
        for kind, cron, start, end in plans
    ]
