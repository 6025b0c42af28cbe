"""A small disk of its own, that a test fills to its last byte and frees again."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system mounted at a folder."""

    folder: Path

    def fill(self) -> None:
        """Write until there is no room left."""
        with (self.folder / "ballast").open("wb", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        file.write(b"\xff" * size)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free(self) -> None:
        """Give the room back."""
        (self.folder / "ballast").unlink()


@contextmanager
def small(folder: Path, mebibytes: int) -> Iterator[Disk]:
    """Mount a disk of some size in memory; it is gone at the end."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", folder], check=True)
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
