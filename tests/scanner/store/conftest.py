"""A store of each kind: a SQLite file, and a database of a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.store.store import upgrade_store
from tests.lab import postgres


@pytest.fixture(scope="package")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as started:
        yield started


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "hygie.sqlite")
    url: str = request.getfixturevalue("server").new_database()
    upgrade_store(url)
    return url
