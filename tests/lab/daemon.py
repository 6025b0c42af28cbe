"""A Debian daemon in the foreground, started by the test, awaited by its port, and stopped by its own process id."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], ports: Sequence[tuple[str, int]], *, log: Path, patience: float = 20.0
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command until the context ends; every (address, port) answers before it begins."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd="/")
    try:
        end = time.monotonic() + patience
        for address in ports:
            while not _answers(address):
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{command[0]} does not listen on {address}: {log.read_text()[-3000:]}")
                time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(address: tuple[str, int]) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET) as sock:
        sock.settimeout(1)
        return sock.connect_ex(address) == 0
