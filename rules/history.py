"""The history of findings over the scans of a perimeter: it looks backwards only, and ignorance ends nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Course(StrEnum):
    """Where the course of a finding stands at the scan judged.

    ``new`` was not met for the first time; ``open`` was already; ``worse`` is open with a graver severity or more
    objects, ``better`` with less; ``reopened`` had gone; ``gone`` was seen to be good again; ``unseen`` was open
    and could not be told this time.
    """

    NEW = "new"
    WORSE = "worse"
    BETTER = "better"
    OPEN = "open"
    REOPENED = "reopened"
    GONE = "gone"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingHistory:
    """The course of one finding that was not met at least once.

    ``first_seen`` and ``last_seen`` are the first and last instants it was not met; ``gone_at`` the first positive
    observation after that, ``reopened_at`` the last return after one. ``appeared`` and ``disappeared`` are ids of
    objects, against the last scan that could tell. ``accepted`` is the id of the waiver in force, or "".
    """

    fingerprint: str
    rule: str
    asset: str
    severity: str
    course: Course
    first_seen: datetime
    last_seen: datetime
    gone_at: datetime | None = None
    reopened_at: datetime | None = None
    accepted: str = ""
    appeared: tuple[str, ...] = ()
    disappeared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """What a dated scan of the perimeter left: open findings by severity, and levels (guaranteed, best) by subject."""

    scan: str
    seen_at: datetime
    open: tuple[tuple[str, int], ...]
    levels: tuple[tuple[str, int, int], ...]
