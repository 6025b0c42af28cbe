"""Workers on one PostgreSQL store, as real processes: each order once, killed and taken again, stopped, cut off."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from psycopg.rows import scalar_row

from scanner.config.load import extend, load
from scanner.exit import Exit
from scanner.schedule.launcher import OUTCOMES, STILL_WAITS
from scanner.schedule.orders import Orders
from scanner.store.store import Store, open_store, upgrade_store
from tests.lab import postgres
from tests.lab.daemon import running
from tests.lab.stage import staged

pytestmark = pytest.mark.postgres
PERIMETER = "ch-valmorel"
#: A worker is taken for dead after two seconds here; a scan lasts some ten, so that there is time to disturb it.
SETTINGS = """
[worker]
silence_seconds = 2
[serve]
runs = "workers"
timezone = "UTC"
"""
SLOW = ("connections_per_address = 1000.0", "connections_per_address = 50.0")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with staged(tmp_path_factory.mktemp("workers")) as config:
        yield config


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as started:
        yield started


@pytest.fixture
def box(stage: Path, server: postgres.Server, tmp_path: Path) -> Path:
    """The configuration of a machine on the Internet, on a new store."""
    config, url = tmp_path / "internet.toml", server.new_database()
    text = stage.read_text().replace('"hygie.sqlite"', f'"{url}"').replace(*SLOW).replace("burst = 200", "burst = 2")
    config.write_text(text + SETTINGS)
    upgrade_store(url)
    return config


@pytest.fixture
def store(box: Path) -> Iterator[Store]:
    with open_store(address(box)) as opened:
        yield opened


def address(box: Path) -> str:
    return next(line.split('"')[1] for line in box.read_text().splitlines() if line.startswith('url = "postgresql'))


def hygie(box: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scanner", *words, "-c", str(box)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@contextlib.contextmanager
def worker(box: Path, name: str = "worker") -> Iterator[subprocess.Popen[bytes]]:
    with running([sys.executable, "-m", "scanner", "worker", "-c", str(box)], [], log=box.parent / name) as process:
        yield process


def awaited(told: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end
        time.sleep(0.1)


def committed(store: Store) -> int:
    running = store.sightings.running().get(PERIMETER)
    return store.sightings.live(PERIMETER, running).ended if running else 0


def outcome(store: Store) -> str:
    ended = Orders(store).last(PERIMETER)
    return ended.said if ended else ""


def begun(server: postgres.Server, box: Path) -> list[int]:
    """How often each committed step of the store's scans has begun."""
    name = address(box).split("/")[3].partition("?")[0]
    with server.connect(name) as connection, connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute("SELECT begun FROM steps WHERE position IS NOT NULL ORDER BY position").fetchall()


def test_a_service_hands_out_what_is_due_and_one_of_two_workers_runs_it(box: Path, store: Store) -> None:
    due = datetime.now(UTC).replace(second=0, microsecond=0)
    section = {"id": "s", "perimeter": PERIMETER, "kind": "short", "cron": f"{due.minute} {due.hour} * * *"}
    serve = [sys.executable, "-m", "scanner", "serve", "-c", str(box), "--port", "18043"]
    with worker(box, "one") as one, worker(box, "other") as other:
        with running(serve, [("127.0.0.1", 18043)], log=box.parent / "serve", patience=60):
            store.declarations.declare("schedules", section)
            awaited(lambda: (last := store.occasions.last().get("s")) and last.outcome)
            time.sleep(3)
        assert [one.poll(), other.poll()] == [None, None]
    assert store.occasions.last()["s"].outcome == "ended"
    scans = store.sightings.scans(PERIMETER)
    assert [scan.ended_at is not None for scan in scans] == [True]
    assert store.judgements.newest(scans[0].id) is not None
    said = "".join((box.parent / name).read_text() for name in ("one", "other", "serve"))
    assert "Traceback" not in said
    assert said.count(f"short of {PERIMETER}: ended") == 1


def test_a_scan_outlives_its_workers_and_an_outage_of_the_database(
    box: Path, store: Store, server: postgres.Server
) -> None:
    """No committed step is asked again, whatever cut the scan."""
    assert Orders(store).start(PERIMETER, "short", "test")
    with worker(box, "ended") as ended:
        first = grown(store, server, box, [])
        ended.terminate()
        assert ended.wait(10) == 0
    assert [asked.taken for asked in store.queue.open()] == [False]
    with worker(box, "killed") as killed:
        second = grown(store, server, box, first)
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
    with worker(box, "cut") as cut:
        third = grown(store, server, box, second)
        server.stop()
        time.sleep(2)
        server.start()
        awaited(lambda: outcome(store), 90)
        assert cut.poll() is None
    assert outcome(store) == "ended"
    assert [scan.ended_at is not None for scan in store.sightings.scans(PERIMETER)] == [True]
    assert begun(server, box)[: len(third)] == third
    assert "Traceback" not in "".join((box.parent / name).read_text() for name in ("ended", "killed", "cut"))


def grown(store: Store, server: postgres.Server, box: Path, before: list[int]) -> list[int]:
    """Wait for some steps more than before, and hold the earlier ones to what they were."""
    awaited(lambda: committed(store) > len(before) + 3)
    now = begun(server, box)
    assert now[: len(before)] == before
    return now


def test_the_stop_button_reaches_another_process_in_two_seconds(box: Path, store: Store) -> None:
    assert Orders(store).start(PERIMETER, "short", "test")
    with worker(box):
        awaited(lambda: committed(store) > 2)
        scan = store.sightings.running()[PERIMETER]
        store.stops.press(scan)
        pressed = time.monotonic()
        awaited(lambda: not store.sightings.running())
        assert time.monotonic() - pressed < 2.0
        awaited(lambda: outcome(store))
        time.sleep(2)
    assert outcome(store) == OUTCOMES[Exit.INTERRUPTED]
    assert store.scans.state(scan) == "interrupted"
    assert store.queue.open() == ()
    assert Orders(store).start(PERIMETER, "", "test", resume=scan)
    with worker(box):
        awaited(lambda: outcome(store) == "ended")
    assert store.scans.state(scan) == "complete"


def test_a_box_takes_what_its_vantage_and_its_perimeters_allow(box: Path, store: Store) -> None:
    orders, inside = Orders(store), box.with_name("inside.toml")
    inside.write_text(box.read_text().replace('vantage = "internet"', 'vantage = "inside"'))
    elsewhere = box.with_name("elsewhere.toml")
    elsewhere.write_text(box.read_text().replace("silence", 'perimeters = ["clinique-bonport"]\nsilence'))
    assert orders.start(PERIMETER, "directory", "test")
    with worker(box, "internet"), worker(elsewhere, "elsewhere"):
        time.sleep(3)
        assert [(asked.order.kind, asked.taken) for asked in store.queue.open()] == [("directory", False)]
    assert orders.start(PERIMETER, "short", "test")
    with worker(inside, "inside"), worker(elsewhere, "elsewhere"):
        # The perimeter has no directory: whoever takes the order says so.
        awaited(lambda: "no directory to look at" in outcome(store) or store.queue.open()[0].order.kind == "short", 90)
        assert [(asked.order.kind, asked.taken) for asked in store.queue.open()] == [("short", False)]


def test_a_scan_from_the_command_line_keeps_its_perimeter(box: Path, store: Store) -> None:
    scan = [sys.executable, "-m", "scanner", "scan", PERIMETER, "-c", str(box)]
    with running(scan, [], log=box.parent / "scan") as own, worker(box):
        awaited(lambda: store.sightings.running())
        assert Orders(store).start(PERIMETER, "short", "test")
        time.sleep(3)
        assert own.poll() is None
        assert len(store.sightings.scans(PERIMETER)) == 1
        assert not outcome(store)
        asked = hygie(box, "doctor").stdout
        assert "(hygie worker)\N{NO-BREAK SPACE}: 1" in asked


def test_missed_occasions_are_made_up_for_by_one_run(box: Path, store: Store) -> None:
    store.declarations.declare("schedules", {"id": "s", "perimeter": PERIMETER, "kind": "short", "cron": "0 4 * * *"})
    section = extend(load(box), store.declarations.all()).file.schedules[0]
    monday, orders = datetime(2026, 11, 23, 4, tzinfo=UTC), Orders(store)
    for day in range(4):
        orders.due(section, monday + timedelta(days=day))
        orders.due(section, monday + timedelta(days=day))
    assert [asked.order.due_at for asked in store.queue.open()] == [monday]
    assert store.occasions.last()["s"].outcome == STILL_WAITS


def test_without_postgresql_a_worker_says_what_to_do(tmp_path: Path) -> None:
    config = tmp_path / "hygie.toml"
    config.write_text('[serve]\nruns = "workers"\n')
    for words in (["worker"], ["serve", "--port", "18044"]):
        done = hygie(config, *words)
        assert done.returncode == Exit.REFUSED
        assert "[store] url" in done.stderr
        assert "hygie db upgrade" in done.stderr
        assert done.stderr.count("\n") == 1
