"""Collects one naming context into a store, as a scan does, and says what it took: the process that is timed.

It loads what a scan of a directory loads, and nothing of the laboratory.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from datetime import UTC, date, datetime
from ipaddress import ip_network
from pathlib import Path

from probes.directory.probe import Directory, DirectoryTree
from probes.directory.target import DirectorySettings, DirectoryTarget
from probes.facts.directory import NamingContextRead
from probes.interface import Asset, AssetKind, Mandate, Scope, Shortfall, Sight
from probes.interface.secret import Secret
from scanner.line import GuardedLine, LineSettings
from scanner.pace import Rates
from scanner.store.store import open_store

#: Where the password is read, as a configuration would name it.
PASSWORD = "HYGIE_BENCH_PASSWORD"


async def collect(address: str, host: str, user: str, ca_file: str, store: str) -> NamingContextRead:
    """Read the domain's naming context; raise unless it was read whole."""
    target = DirectoryTarget(
        url=f"ldaps://{host}", address=address, user=user, password=Secret(os.environ[PASSWORD]), ca_file=ca_file
    )
    settings = DirectorySettings(targets={"ad": target})
    with open_store(Path(store)) as kept:
        line = GuardedLine(
            _mandate(address),
            2,
            LineSettings(connections=Rates(overall=10_000.0, network=10_000.0, address=10_000.0)),
            keep=kept.captures.keep,
            clock=lambda: datetime.now(UTC),
        )
        found = [one async for one in Directory(settings).look(Asset(kind=AssetKind.DIRECTORY, name="ad"), line)]
        contexts = [one for one in found if isinstance(one, Asset) and one.kind is AssetKind.NAMING_CONTEXT]
        async for seen in DirectoryTree(settings).look(min(contexts, key=lambda one: len(one.name)), line):
            assert not isinstance(seen, Shortfall)
            if isinstance(seen, Sight) and isinstance(seen.fact, NamingContextRead):
                return seen.fact
    raise RuntimeError("nothing was collected")


def _mandate(address: str) -> Mandate:
    return Mandate(
        reference="B1",
        document_sha256="",
        signatory="Direction du laboratoire",
        level=2,
        valid_from=date(2026, 1, 1),
        valid_until=date(2099, 12, 31),
        windows=(),
        scope=Scope(networks=(ip_network(address),)),
    )


def main() -> None:
    """Collect once and print what it took; the peak is this process's own, as the kernel counts it."""
    began = time.perf_counter()
    read = asyncio.run(collect(*sys.argv[1:6]))
    wall = time.perf_counter() - began
    status = Path("/proc/self/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
    print(json.dumps({"wall": wall, "peak": peak, "objects": read.entries, "size": read.bytes_read}))


if __name__ == "__main__":
    main()
