"""The clock of a scan: whoever is given one asks it for every instant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the instant, aware, in UTC."""
    return datetime.now(UTC)
