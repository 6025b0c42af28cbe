"""What every benchmark shares: medians, peak memory, peers as child processes, and their section of the page."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "measurements.md"
_HEAD = """# Measurements

Last output of `make bench` and `make soak`, section by section, each with its date and commit.
Both sides of a ratio ran in one run on the same machine; absolute figures of another machine will differ.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Runs of one thing: the median wall time (seconds), every run, and the peak memory (bytes; 0 when not known)."""

    wall: float
    runs: tuple[float, ...]
    peak: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of a page, which begins with ``head``: a title, and Markdown lines.

    ``failed`` when it shows what must not be.
    """

    title: str
    lines: tuple[str, ...]
    page: Path = PAGE
    head: str = _HEAD
    failed: bool = False

    @property
    def text(self) -> str:
        """The section as it stands in the page."""
        return "\n".join([f"## {self.title}", "", f"*{_stamp()}*", "", *self.lines, ""])


def timed(action: Callable[[], object], *, rounds: int = 3) -> Timed:
    """Run an action of this process some times."""
    runs = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        runs.append(time.perf_counter() - start)
    return Timed(wall=statistics.median(runs), runs=tuple(runs))


def command(words: Sequence[str], *, rounds: int = 3, timeout: float = 600.0, ok: Sequence[int] = (0,)) -> Timed:
    """Run a child process some times; its peak memory is the largest of its runs."""
    runs, peak = [], 0
    for _ in range(rounds):
        start = time.perf_counter()
        child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = start + timeout
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.perf_counter() > deadline:
                child.kill()
                child.wait()
                raise TimeoutError(f"{words[0]} ran longer than {timeout} s")
            time.sleep(0.002)
        child.returncode = os.waitstatus_to_exitcode(status)
        runs.append(time.perf_counter() - start)
        peak = max(peak, usage.ru_maxrss * 1024)
        if child.returncode not in ok:
            raise RuntimeError(f"{words[0]} ended with {child.returncode}")
    return Timed(wall=statistics.median(runs), runs=tuple(runs), peak=peak)


def peer(package: str, program: str) -> Path:
    """Return a program of a Python package, installed once in an environment of its own beside ours."""
    folder = Path(sys.prefix) / "peers" / package
    if not (folder / "installed").exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", package], check=True)
        (folder / "installed").touch()
    return folder / "bin" / program


def write(section: Section) -> None:
    """Put a section in its place on the page, by its title; the others stay."""
    text = section.page.read_text() if section.page.exists() else section.head
    pattern = re.compile(rf"^## {re.escape(section.title)}\n.*?(?=^## |\Z)", re.M | re.S)
    new = section.text + "\n"
    text = pattern.sub(lambda _: new, text) if pattern.search(text) else text.rstrip() + "\n\n" + new
    section.page.write_text(text.strip() + "\n")


def _stamp() -> str:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return f"{datetime.now(UTC):%Y-%m-%d}, commit {commit.stdout.strip() or 'unknown'}, {os.cpu_count()} cores"
