"""What keeps one perimeter from its scan keeps no other; Ctrl-C ends all of them, and never with a page of Python."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scanner.exit import Exit
from scanner.stop import Stops, on_signals
from scanner.store.store import open_store

CONFIG = """
[run]
second_look_seconds = 0.1
[pace]
connections_per_address = {pace}
burst = 1
[probes.ports]
short = [8001, 8002, 8003, 8004, 8005, 8006]
[[mandates]]
reference = "M-over"
signatory = "Directrice"
valid_from = 2020-01-01
valid_until = {until}
networks = ["127.0.0.44/32"]
[[mandates]]
reference = "M-held"
signatory = "Directrice"
valid_from = 2020-01-01
valid_until = 2099-12-31
networks = ["127.0.0.45/32"]
[[perimeters]]
id = "first"
name = "CH d'abord"
mandate = "M-over"
[[perimeters]]
id = "second"
name = "CH ensuite"
mandate = "M-held"
"""


def scan(folder: Path, *words: str, until: str = "2099-12-31", pace: float = 1000.0) -> subprocess.Popen[str]:
    (folder / "config.toml").write_text(CONFIG.format(until=until, pace=pace))
    command = [sys.executable, "-m", "scanner", "scan", *words, "-c", str(folder / "config.toml")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_an_expired_mandate_keeps_no_other_perimeter_from_its_scan(tmp_path: Path) -> None:
    running = scan(tmp_path, until="2026-01-02")
    out, said = running.communicate(timeout=60)
    assert running.returncode == Exit.REFUSED
    assert said.startswith("hygie: first: mandate M-over expired on 2026-01-02")
    assert said.count("\n") == 1
    assert out.startswith("CH ensuite")
    with open_store(tmp_path / "hygie.sqlite") as store:
        assert [one.perimeter.id for one in store.scans.all()] == ["second"]


def test_ctrl_c_ends_the_scans_of_all_perimeters(tmp_path: Path) -> None:
    running = scan(tmp_path, pace=0.5)
    with open_store(tmp_path / "hygie.sqlite") as store:
        while "first" not in store.sightings.running():
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        out, said = running.communicate(timeout=60)
        assert (running.returncode, said) == (Exit.INTERRUPTED, "")
        assert out.startswith("CH d'abord")
        assert [(one.perimeter.id, one.state) for one in store.scans.all()] == [("first", "interrupted")]


async def test_a_stop_that_comes_early_ends_what_comes_later() -> None:
    ended: list[str] = []
    stops = Stops()
    with on_signals(stops.press):
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(0.05)
        assert ended == []
        stops.add(lambda: ended.append("line"), lambda: ended.append("engine"))
    assert ended == ["line", "engine"]


@pytest.mark.parametrize("after", [0.0, 0.01, 0.02, 0.03, 0.04])
def test_ctrl_c_once_all_is_told_changes_nothing(after: float) -> None:
    command = subprocess.Popen(
        [sys.executable, "-u", "-m", "scanner", "version"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert command.stdout is not None
    assert command.stdout.readline()
    time.sleep(after)
    command.send_signal(signal.SIGINT)
    _, said = command.communicate(timeout=30)
    assert (command.returncode, said) in {(Exit.CLEAN, ""), (Exit.INTERRUPTED, "")}
