"""Who holds a lease: a process of a machine, told from another one that took its number."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A process: its machine, the machine's boot, its process namespace, its number, its start in clock ticks."""

    machine: str
    boot: str
    namespace: str
    process: int
    began: str

    def is_gone(self, seen_from: Holder) -> bool | None:
        """Tell whether the process has ended, as another sees it; None when it cannot be seen from there."""
        if self.machine != seen_from.machine:
            return None
        if self.boot != seen_from.boot:
            return True
        return _began(self.process) != self.began if self.namespace == seen_from.namespace else None

    def __str__(self) -> str:
        return f"process {self.process} on {self.machine}"


def this_process() -> Holder:
    """Return the process that asks."""
    return Holder(
        machine=socket.gethostname(),
        boot=_read(Path("/proc/sys/kernel/random/boot_id")),
        namespace=str(os.stat("/proc/self/ns/pid").st_ino),
        process=os.getpid(),
        began=_began(os.getpid()),
    )


def _began(process: int) -> str:
    """The start of a process since boot (proc(5), stat, field 22), or "" when there is none or it is a zombie."""
    fields = _read(Path(f"/proc/{process}/stat")).rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] != "Z" else ""


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
