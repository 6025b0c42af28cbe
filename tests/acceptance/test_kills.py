"""A scan killed at any instant goes on where it stood, and ends with the findings of one that nobody disturbed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.measure import Section, write
from tests.lab.stage import staged

PERIMETER = "ch-valmorel"
#: What no two scans have alike: instants, and the ids that are made of them.
_DATED = {"evidence", "first_seen", "last_seen", "seen_at"}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with staged(tmp_path_factory.mktemp("kills")) as written:
        yield written


def hygie(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scanner", *words, "-c", str(config)], capture_output=True, text=True, timeout=120
    )


def findings(config: Path) -> list[dict[str, Any]]:
    told = hygie(config, "report", f"latest:{PERIMETER}", "--format", "json")
    assert told.returncode == 0, told.stderr
    return [{k: v for k, v in f.items() if k not in _DATED} for f in json.loads(told.stdout)["findings"]]


def own(config: Path, name: str) -> Path:
    """The same configuration in a folder of its own: a store of its own."""
    folder = config.parent / name
    folder.mkdir()
    shutil.copy(config, folder / "config.toml")
    return folder / "config.toml"


@pytest.fixture(scope="module")
def undisturbed(config: Path) -> tuple[list[dict[str, Any]], float]:
    """The findings of a scan that nobody disturbed, and the seconds it took."""
    alone = own(config, "undisturbed")
    start = time.monotonic()
    assert hygie(alone, "scan", PERIMETER).returncode == 1
    return findings(alone), time.monotonic() - start


def killed(config: Path, after: float) -> Path:
    """Begin a scan, kill it after some seconds unless it had ended, and resume it when it had begun."""
    scan = subprocess.Popen(
        [sys.executable, "-m", "scanner", "scan", PERIMETER, "-c", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(after)
    os.kill(scan.pid, signal.SIGKILL)
    if scan.wait() != -signal.SIGKILL:
        return config
    states = _states(config.parent / "hygie.sqlite")
    if "complete" in states:
        return config
    done = hygie(config, "scan", *(["--resume", "latest"] if states else [PERIMETER]))
    assert done.returncode == 1, done.stderr
    return config


def _states(store: Path) -> set[str]:
    """The states of the scans in a store; a kill may come before it has any table."""
    if not store.exists():
        return set()
    with sqlite3.connect(store) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        return {s for (s,) in database.execute("SELECT state FROM scans")} if "scans" in tables else set()


def test_a_killed_scan_resumes_to_the_same_findings(
    config: Path, undisturbed: tuple[list[dict[str, Any]], float]
) -> None:
    expected, took = undisturbed
    assert findings(killed(own(config, "half"), took * 0.6)) == expected


def test_there_is_nothing_to_resume_in_a_new_store(config: Path) -> None:
    done = hygie(own(config, "new"), "scan", "--resume", "latest")
    assert (done.returncode, done.stdout) == (3, "")
    assert "nothing to resume" in done.stderr


@pytest.mark.soak
def test_twenty_kills_at_random_instants(config: Path, undisturbed: tuple[list[dict[str, Any]], float]) -> None:
    expected, took = undisturbed
    chance = random.Random(20261124)
    instants = [chance.uniform(0.2, 0.9 * took) for _ in range(20)]
    for number, after in enumerate(instants):
        assert findings(killed(own(config, f"round-{number}"), after)) == expected, f"round {number}, killed at {after}"
    write(
        Section(
            title="Soak: a scan killed and resumed",
            lines=(
                f"20 scans of the demonstration killed (SIGKILL) {min(instants):.1f} to {max(instants):.1f} s after",
                f"their start (undisturbed: {took:.1f} s), each resumed: {len(expected)} findings every time, those of",
                "the undisturbed scan.",
            ),
        )
    )
