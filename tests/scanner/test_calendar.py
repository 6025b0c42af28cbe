"""When a schedule is due, as a table: missed runs, hours, clocks that jump, nights when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from scanner.config.schema import ScheduleSection
from scanner.schedule.calendar import due
from scanner.store.store import open_store

ZONE = "Europe/Paris"


def plan(cron: str, start: time = time(0), end: time = time(23, 59, 59)) -> ScheduleSection:
    return ScheduleSection(id="s", perimeter="ch", kind="short", cron=cron, start=start, end=end)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text + "Z").astimezone(UTC)


DAILY = plan("30 4 * * *")
NIGHT = plan("0 22 * * *", time(20), time(6))
#: The hour that a spring night leaves out, and the one that an autumn night has twice.
MISSING, TWICE = plan("30 2 * * *"), plan("30 2 * * *")


@pytest.mark.parametrize(
    ("section", "last", "now", "expected"),
    [
        (DAILY, "2026-11-22T03:30", "2026-11-23T03:31", "2026-11-23T03:30"),
        (DAILY, "2026-11-23T03:30", "2026-11-23T20:00", None),
        # a week away: one run, the newest occasion
        (DAILY, "2026-11-15T03:30", "2026-11-23T09:00", "2026-11-23T03:30"),
        # never seen before: what was due before it existed was not missed
        (DAILY, None, "2026-11-23T09:00", None),
        (DAILY, None, "2026-11-23T03:31", "2026-11-23T03:30"),
        # a missed run waits for the schedule's hours, which may pass midnight
        (NIGHT, "2026-11-21T21:00", "2026-11-23T10:00", None),
        (NIGHT, "2026-11-21T21:00", "2026-11-23T19:30", "2026-11-22T21:00"),
        (NIGHT, "2026-11-21T21:00", "2026-11-23T04:30", "2026-11-22T21:00"),
        # the clock went back an hour: the same occasion is not run again
        (DAILY, "2026-11-23T03:30", "2026-11-23T02:45", None),
        # an occasion was taken while the clock was a year ahead: the schedule does not sleep for a year
        (DAILY, "2027-11-23T03:30", "2026-11-23T03:31", "2026-11-23T03:30"),
        # 29 March 2026, no 02:30 in Paris: due right after the missing hour
        (MISSING, "2026-03-28T01:30", "2026-03-29T00:45", None),
        (MISSING, "2026-03-28T01:30", "2026-03-29T01:05", "2026-03-29T01:00"),
        # 25 October 2026, 02:30 comes twice: due once
        (TWICE, "2026-10-24T00:30", "2026-10-25T00:31", "2026-10-25T00:30"),
        (TWICE, "2026-10-25T00:30", "2026-10-25T01:31", None),
    ],
)
def test_due(section: ScheduleSection, last: str | None, now: str, expected: str | None) -> None:
    found = due(section, at(last) if last else None, at(now), ZONE)
    assert found == (at(expected) if expected else None)


def test_two_services_on_one_store_take_an_occasion_once(tmp_path: Path) -> None:
    when = at("2026-11-23T03:30")
    with open_store(tmp_path / "s.sqlite") as one, open_store(tmp_path / "s.sqlite") as other:
        assert [one.occasions.take("s", when), other.occasions.take("s", when)] == [True, False]
