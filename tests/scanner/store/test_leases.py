"""One scan of a perimeter at a time, though boxes vanish, sleep, and have clocks of their own."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import select

from scanner.exit import Exit
from scanner.heartbeat import beating
from scanner.store.errors import LeaseLostError, PerimeterBusyError
from scanner.store.scans import INTERRUPTED, RUNNING
from scanner.store.store import Store, open_store
from scanner.store.tables import LeaseRow
from tests.lab.stage import staged
from tests.scanner.store.test_store import DAY, STEP, a_result, a_scan

PERIMETER = "ch-valmorel"


@pytest.fixture
def store(location: str) -> Iterator[Store]:
    with open_store(location) as opened:
        yield opened


def last_heard(store: Store, ago: timedelta) -> None:
    """Make the one lease that of another machine, last heard of some time ago."""
    database, _ = store._databases
    with database.write() as session:
        row = session.exec(select(LeaseRow)).one()
        row.holder = row.holder.replace('"machine":"', '"machine":"another-')
        row.renewed_at = datetime.now(UTC) - ago


def renewed_at(store: Store) -> datetime:
    database, _ = store._databases
    with database.read() as session:
        return session.exec(select(LeaseRow)).one().renewed_at


def test_a_box_heard_of_lately_keeps_its_perimeter(store: Store) -> None:
    store.scans.begin(a_scan())
    last_heard(store, timedelta(minutes=2))
    assert store.sightings.running() == {"ch": "s1"}
    with pytest.raises(PerimeterBusyError, match=r"ch is being scanned by process .* on another-"):
        store.scans.begin(a_scan("s2"))


@pytest.mark.parametrize("ago", [timedelta(minutes=4), timedelta(days=-1)], ids=["vanished", "by a wrong clock"])
def test_a_box_that_vanished_frees_it_and_may_write_no_more(store: Store, ago: timedelta) -> None:
    lost = store.scans.begin(a_scan())
    journal = store.journal(lost)
    journal.begin(STEP, DAY)
    journal.commit(a_result())
    last_heard(store, ago)
    assert store.sightings.running() == {}
    _, taken = store.scans.resume("s1")
    for write in (
        lambda: journal.begin(replace(STEP, probe="tls"), DAY),
        lambda: store.scans.renew(lost),
        lambda: store.scans.end(lost, replace(a_scan(), state="complete")),
    ):
        with pytest.raises(LeaseLostError, match="what was committed is kept"):
            write()
    assert [r.step.key for r in store.journal(taken).results()] == [STEP.key]
    assert store.scans.state("s1") == RUNNING


def test_another_scan_of_the_perimeter_ends_that_of_a_vanished_box_as_interrupted(store: Store) -> None:
    store.scans.begin(a_scan())
    last_heard(store, timedelta(minutes=4))
    store.scans.begin(a_scan("s2"))
    assert [store.scans.state(name) for name in ("s1", "s2")] == [INTERRUPTED, RUNNING]


@pytest.mark.postgres
@pytest.mark.parametrize("location", ["postgresql"], indirect=True)
def test_a_box_whose_clock_is_wrong_takes_no_perimeter_of_another(store: Store, location: str) -> None:
    store.scans.begin(a_scan())
    last_heard(store, timedelta())
    now = datetime.now(UTC)
    for wrong in (now + timedelta(hours=1), now - timedelta(hours=1)):
        with open_store(location, clock=iter([wrong] * 9).__next__) as other, pytest.raises(PerimeterBusyError):
            other.scans.begin(a_scan("s2"))


@pytest.mark.postgres
@pytest.mark.parametrize("location", ["postgresql"], indirect=True)
def test_a_box_that_vanished_in_mid_transaction_does_not_hold_the_lease_for_ever(store: Store) -> None:
    lease = store.scans.begin(a_scan())
    database, _ = store._databases
    with database.write() as session:
        store._leases.renew(session, lease)
        told = session.connection().execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one()
    assert told == "1min"


async def test_the_heartbeat_goes_on_while_the_loop_is_busy_and_tells_when_the_lease_is_lost(store: Store) -> None:
    stopped = asyncio.Event()
    lease = store.scans.begin(a_scan())
    begun = renewed_at(store)
    with beating(lambda: store.scans.renew(lease), stopped.set, every=0.05):
        time.sleep(0.5)
        assert renewed_at(store) > begun
        assert not stopped.is_set()
        last_heard(store, timedelta(minutes=4))
        store.scans.begin(a_scan("s2"))
        await asyncio.wait_for(stopped.wait(), 5)


def test_a_scan_that_slept_and_was_taken_over_says_so_and_loses_nothing(tmp_path: Path) -> None:
    with staged(tmp_path) as config, open_store(tmp_path / "hygie.sqlite") as store:
        command = [sys.executable, "-m", "scanner", "scan", "-c", str(config)]
        slept = subprocess.Popen([*command, PERIMETER], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        while len(store.sightings.running()) != 1 or store.sightings.live(PERIMETER, _running(store)).ended < 3:
            time.sleep(0.02)
        put_to_sleep(slept, tmp_path / "hygie.sqlite")
        last_heard(store, timedelta(minutes=4))
        scan = store.scans.unfinished("latest").id
        taken = subprocess.run([*command, "--resume", scan], capture_output=True, text=True, timeout=120)
        slept.send_signal(signal.SIGCONT)
        out, said = slept.communicate(timeout=60)
        assert (slept.returncode, out) == (Exit.INTERRUPTED, "")
        assert said.count("\n") == 1
        assert "was taken over by another process" in said
        assert taken.returncode == Exit.FINDINGS, taken.stderr
        assert [line.state for line in store.sightings.scans(PERIMETER)] == ["complete"]


def put_to_sleep(process: subprocess.Popen[str], store: Path) -> None:
    """Stop a process, but not while it holds the file: a machine that sleeps does so with all its processes."""
    while True:
        process.send_signal(signal.SIGSTOP)
        with closing(sqlite3.connect(store, timeout=0.1, isolation_level=None)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
                time.sleep(0.02)
            else:
                return


def _running(store: Store) -> str:
    return store.sightings.running()[PERIMETER]
