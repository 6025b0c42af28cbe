"""Scans as child processes of the service: their memory and their work are their own, a signal stops them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Protocol

from scanner.exit import Exit
from scanner.store.queue import Order

#: The options of `hygie scan` by kind of schedule.
KINDS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "short": ("--only", "exposure", "--level", "2"),
        "full": ("--only", "exposure", "--level", "3"),
        "directory": ("--only", "directory"),
        "confirmation": ("--only", "exposure", "--level", "3"),
        "both": ("--level", "2"),
    }
)
#: What comes of an occasion, by the exit code of its scan.
OUTCOMES: Mapping[int, str] = MappingProxyType(
    {
        Exit.CLEAN: "ended",
        Exit.FINDINGS: "ended",
        Exit.PARTIAL: "ended, with steps that failed",
        Exit.INTERRUPTED: "stopped",
    }
)
#: What comes of an occasion whose scan never began.
CANCELLED = "cancelled before it began"
REMOVED = "its schedule was removed or suspended before a worker took it"
STILL_WAITS = "an earlier run of this kind still waits for a worker"
STILL_RUNS = "a scan of this perimeter was running"
#: Longest tail read of what a child said, in bytes.
_TAIL = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A child that ended: the perimeter, its exit code, and the last line it said on standard error."""

    perimeter: str
    code: int
    said: str

    @property
    def judged(self) -> bool:
        """Whether it went to its end, whatever it found."""
        return self.code in {Exit.CLEAN, Exit.FINDINGS, Exit.PARTIAL}


class Starter(Protocol):
    """Whoever starts the scans that a person asks for on screen."""

    def start(self, perimeter: str, kind: str, by: str, *, resume: str = "") -> bool:
        """Start a scan in somebody's name, or go on with one that was cut; False when one runs or waits already."""
        ...

    def last(self, perimeter: str) -> Ended | None:
        """Return how the last scan that was started so ended, None while it has not."""
        ...

    def waiting(self, perimeter: str) -> tuple[Order, ...]:
        """Return the scans asked for that nobody has begun, oldest first."""
        ...

    def cancel(self, perimeter: str, scan: str) -> bool:
        """Give up a scan that nobody has begun; False when it does not wait, or no longer."""
        ...


class Launcher:
    """Starts, counts and stops the scans of one service; safe to use from several threads."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._children: dict[str, tuple[subprocess.Popen[bytes], IO[bytes]]] = {}
        self._done: list[Ended] = []
        self._last: dict[str, Ended] = {}

    @property
    def running(self) -> int:
        """How many scans run."""
        with self._lock:
            return sum(child.poll() is None for child, _ in self._children.values())

    def start(self, perimeter: str, kind: str, by: str, *, resume: str = "") -> bool:
        """Start a scan in somebody's name, or go on with one that was cut; False when one runs here already."""
        with self._lock:
            self._collect()
            if perimeter in self._children:
                return False
            self._last.pop(perimeter, None)
            said = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the child's end is told
            options = ("--resume", resume) if resume else KINDS[kind]
            words = [sys.executable, "-m", "scanner", "scan", perimeter, "-c", str(self._config), *options]
            child = subprocess.Popen(
                [*words, "--by", by], stdout=subprocess.DEVNULL, stderr=said, stdin=subprocess.DEVNULL
            )
            self._children[perimeter] = (child, said)
        return True

    def ended(self) -> list[Ended]:
        """Return the children that ended since the last call, each once."""
        with self._lock:
            self._collect()
            done, self._done = self._done, []
        return done

    def last(self, perimeter: str) -> Ended | None:
        """Return how the last scan of a perimeter ended here, None while it runs or when there was none."""
        with self._lock:
            self._collect()
            return self._last.get(perimeter)

    def waiting(self, perimeter: str) -> tuple[Order, ...]:
        """Return nothing: what is started here begins at once."""
        return ()

    def cancel(self, perimeter: str, scan: str) -> bool:
        """Return False: nothing waits here."""
        return False

    def _collect(self) -> None:
        for name, (child, said) in list(self._children.items()):
            if child.poll() is not None:
                del self._children[name]
                self._last[name] = Ended(perimeter=name, code=child.returncode, said=last_line(said))
                self._done.append(self._last[name])

    def stop(self) -> None:
        """Ask every scan to stop, wait for them, and end those that do not."""
        with self._lock:
            children = [child for child, _ in self._children.values() if child.poll() is None]
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def last_line(said: IO[bytes]) -> str:
    """Return the last line that a child said, and close what it said it to."""
    with said:
        size = said.seek(0, 2)
        said.seek(max(0, size - _TAIL))
        lines = said.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].removeprefix("hygie: ") if lines else ""
