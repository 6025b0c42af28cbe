"""The connect sweep beside nmap: closed ports with the pace lifted, silent ports in a namespace, memory by size."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from ipaddress import ip_address
from itertools import product

from bench.measure import Section, Timed, command, timed
from probes.interface import PortState
from tests.lab.line import mandate, open_line
from tests.lab.silence import NETWORK, NETWORK6, far_side
from tests.scanner.test_sweep import listening, server_there

_CLOSED_HOSTS, _CLOSED_PORTS = 16, range(20000, 21000)
_SILENT_HOSTS, _SILENT_PORTS = 16, range(1000, 1032)
_PATIENCE = 1.0


def run() -> Section:
    """Measure, and say what was run."""
    lines = [*_closed(), "", *_silent(), "", *_memory()]
    return Section(title="Connect sweep", lines=tuple(lines))


async def _swept(addresses: Sequence[str], ports: Sequence[int], patience: float) -> set[tuple[str, int]]:
    line = open_line(granted=mandate(networks=("127.0.0.0/8", "::1/128", NETWORK, NETWORK6)))
    targets = product(map(ip_address, addresses), ports)
    found = set()
    async for answer in line.sweep(((address, port) for address, port in targets), patience=patience):
        if answer.state is PortState.OPEN:
            found.add((answer.address, answer.port))
    return found


def _nmap(*words: str) -> tuple[list[str], Timed, set[tuple[str, int]]]:
    full = ["nmap", "-sT", "-n", "-Pn", *words]
    output = subprocess.run([*full, "-oX", "-"], capture_output=True, check=True).stdout
    found = {
        (str(address.get("addr")), int(port.get("portid", "0")))
        for host in ET.fromstring(output).iter("host")
        for address in host.iter("address")
        for port in host.iter("port")
        for state in port.iter("state")
        if state.get("state") == "open"
    }
    return full, command(full), found


def _closed() -> list[str]:
    lines = []
    hosts = [f"127.1.0.{n}" for n in range(1, _CLOSED_HOSTS + 1)]
    for title, addresses, words in (
        ("IPv4", hosts, ["127.1.0.1-16"]),
        ("IPv6", ["::1"], ["-6", "::1"]),
    ):
        ports = _CLOSED_PORTS if len(addresses) > 1 else range(10000, 26000)
        with listening(addresses[0], ports[7], ports[70]):
            ours = timed(lambda a=addresses, p=ports: asyncio.run(_swept(a, p, 2.0)))  # type: ignore[misc]
            found = asyncio.run(_swept(addresses, ports, 2.0))
            full, peer, theirs = _nmap("-p", f"{ports[0]}-{ports[-1]}", *words)
        lines += [
            f"* {title}, {len(addresses) * len(ports)} ports, two of them open, the others closed, pace lifted: Hygie "
            f"{ours.wall:.2f} s, `{' '.join(full)}` {peer.wall:.2f} s (its start included): "
            f"{ours.wall / peer.wall:.2f} times. Open ports found: {len(found)} and {len(theirs)}, "
            f"{'the same' if found == theirs else 'NOT the same'}."
        ]
    return lines


def _silent() -> list[str]:
    addresses = [f"198.51.100.{n}" for n in range(1, _SILENT_HOSTS + 1)]
    with far_side(_SILENT_HOSTS) as side:
        side.rule("ip daddr 198.51.100.5 tcp dport 1017 accept")
        with server_there(side, "198.51.100.5", 1017):
            ours = timed(lambda: asyncio.run(_swept(addresses, _SILENT_PORTS, _PATIENCE)))
            found = asyncio.run(_swept(addresses, _SILENT_PORTS, _PATIENCE))
            full, peer, theirs = _nmap(
                "-p", f"{_SILENT_PORTS[0]}-{_SILENT_PORTS[-1]}", "198.51.100.1-16", "-T4", "--max-retries", "1"
            )
    return [
        f"* silent: {len(addresses)} addresses x {len(_SILENT_PORTS)} ports behind an nftables drop over veth, one "
        f"open: Hygie {ours.wall:.2f} s (two tries of {_PATIENCE:.0f} s, 1000 in flight), `{' '.join(full)}` "
        f"{peer.wall:.2f} s: {peer.wall / ours.wall:.1f} times faster. "
        f"Open ports found: {len(found)} and {len(theirs)}, {'the same' if found == theirs else 'NOT the same'}."
    ]


def _memory() -> list[str]:
    peaks = {}
    for count in (16, 160):
        words = [sys.executable, "-m", "bench.sweep", str(count)]
        peaks[count] = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    small, large = (f"{peak / 2**20:.1f} MiB" for peak in peaks.values())
    return [f"* peak memory of the process: {small} for 16 000 closed ports, {large} for 160 000."]


if __name__ == "__main__":
    started = time.monotonic()
    asyncio.run(_swept([f"127.1.0.{n}" for n in range(1, int(sys.argv[1]) + 1)], _CLOSED_PORTS, 2.0))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
