"""A trend draws its turns and its ends, whatever lies level between them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from scanner.store.boards import Point
from scanner.web.drawings import spark


@pytest.mark.parametrize(
    ("levels", "corners"),
    [((3,), 1), ((3, 3), 2), ((3,) * 24, 2), ((2, 2, 2, 3, 3, 3), 4), ((1, 2, 1, 2), 4), ((1, 2, 3, 3, 3, 4), 5)],
)
def test_trend(levels: tuple[int, ...], corners: int) -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    drawn = spark([Point(at=at, guaranteed=level, best=5, grave=0) for level in levels], "x")
    line = re.search(r'<polyline points="([^"]*)"', drawn)
    assert line is not None
    places = line[1].split()
    assert len(places) == corners
    dot = re.search(r'cx="([^"]*)" cy="([^"]*)"', drawn)
    assert dot is not None
    assert places[-1] == f"{dot[1]},{dot[2]}"
