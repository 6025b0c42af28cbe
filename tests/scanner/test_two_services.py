"""Two whole services on one database: what is due is run by one of them, once."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scanner.store.store import open_store
from tests.lab.daemon import running

CONFIG = """
[box]
name = "b"
vantage = "internet"
[store]
url = "hygie.sqlite"
[serve]
timezone = "UTC"
[dns]
resolver = "127.0.0.1"
[run]
second_look_seconds = 0.2
[probes.ports]
short = [9]
patience = 0.1
[[mandates]]
reference = "M"
signatory = "Directrice"
valid_from = 2020-01-01
valid_until = 2099-12-31
networks = ["127.48.0.1/32"]
[[perimeters]]
id = "ch"
name = "CH"
mandate = "M"
"""


def test_what_is_due_runs_once(tmp_path: Path) -> None:
    config = tmp_path / "hygie.toml"
    config.write_text(CONFIG)
    serve = [sys.executable, "-m", "scanner", "serve", "-c", str(config), "--port"]
    with (
        running([*serve, "18041"], [("127.0.0.1", 18041)], log=tmp_path / "one.log", patience=60) as one,
        running([*serve, "18042"], [("127.0.0.1", 18042)], log=tmp_path / "other.log", patience=60) as other,
        open_store(tmp_path / "hygie.sqlite") as store,
    ):
        due = datetime.now(UTC).replace(second=0, microsecond=0)
        cron = f"{due.minute} {due.hour} * * *"
        section = {"id": "nightly", "perimeter": "ch", "kind": "short", "cron": cron}
        store.declarations.declare("schedules", section)
        end = time.monotonic() + 60
        while not ((last := store.occasions.last().get("nightly")) and last.outcome):
            assert time.monotonic() < end, last
            time.sleep(0.2)
        # Both look again, more than once.
        time.sleep(5)
        assert one.poll() is None
        assert other.poll() is None
        scans = store.sightings.scans("ch")
        assert store.occasions.last()["nightly"] == last
    assert last.due_at == due
    assert last.outcome.startswith("ended")
    assert len(scans) == 1
    assert scans[0].ended_at is not None
    assert scans[0].ended_at - scans[0].started_at < timedelta(seconds=60)
    said = (tmp_path / "one.log").read_text() + (tmp_path / "other.log").read_text()
    assert "Traceback" not in said
