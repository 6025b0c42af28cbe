"""The demonstration's stage in a process of its own, so that scans of it can be killed; ends when its input closes."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from scanner.demo import establishment, nameserver, services
from scanner.demo.play import configuration


@contextlib.contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Run the stage; give the configuration file that scans it, with a store of its own beside it."""
    command = [sys.executable, "-m", "tests.lab.stage", str(folder)]
    running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        config = folder / "config.toml"
        text = configuration(folder / "ca.pem").replace("second_look_seconds = 1.0", "second_look_seconds = 0.2")
        config.write_text(text.replace('"demo.sqlite"', '"hygie.sqlite"'))
        yield config
    finally:
        running.communicate("")


async def _serve(folder: Path) -> None:
    stage = establishment.stage(datetime.now(UTC))
    (folder / "ca.pem").write_bytes(stage.authority.chain[0].public_bytes(Encoding.PEM))
    async with contextlib.AsyncExitStack() as stack:
        for address, server in stage.nameservers:
            await stack.enter_async_context(nameserver.serving(server, address, establishment.DNS_PORT))
        for service in stage.services:
            await stack.enter_async_context(services.serving(service))
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
