"""Real name servers on loopback: Knot, NSD, BIND and unbound, each with its own folder, address and zones."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query


def _knot(folder: Path, address: str, port: int, zones: Mapping[str, Path], more: str) -> list[str]:
    declared = "\n".join(f"  - domain: {name}\n    file: {file}" for name, file in zones.items())
    (folder / "knot.conf").write_text(
        f"server:\n  rundir: {folder}\n  listen: {address}@{port}\n  udp-workers: 1\n"
        f"database:\n  storage: {folder}\nlog:\n  - target: stderr\n    any: error\n{more}\n"
        f"template:\n  - id: default\n    storage: {folder}\n    zonefile-sync: -1\n    journal-content: none\n"
        f"zone:\n{declared}\n"
    )
    return ["knotd", "-c", str(folder / "knot.conf")]


def _nsd(folder: Path, address: str, port: int, zones: Mapping[str, Path], more: str) -> list[str]:
    declared = "\n".join(f'zone:\n  name: "{name}"\n  zonefile: "{file}"\n{more}' for name, file in zones.items())
    (folder / "nsd.conf").write_text(
        f'server:\n  ip-address: {address}@{port}\n  username: ""\n  database: ""\n  rrl-ratelimit: 0\n'
        f'  zonesdir: "{folder}"\n  pidfile: "{folder}/nsd.pid"\n  xfrdfile: "{folder}/xfrd"\n'
        f'  zonelistfile: "{folder}/zones"\n  xfrdir: "{folder}"\n  verbosity: 0\n'
        f"remote-control:\n  control-enable: no\n{declared}\n"
    )
    return ["nsd", "-d", "-c", str(folder / "nsd.conf")]


def _bind(folder: Path, address: str, port: int, zones: Mapping[str, Path], more: str) -> list[str]:
    declared = "\n".join(f'zone "{name}" {{ type primary; file "{file}"; }};' for name, file in zones.items())
    (folder / "named.conf").write_text(
        f'options {{ directory "{folder}"; pid-file "{folder}/named.pid"; session-keyfile "{folder}/session";'
        f" listen-on port {port} {{ {address}; }}; listen-on-v6 {{ none; }}; recursion no;"
        f" dnssec-validation no; notify no; {more} }};\n"
        f"controls {{ }};\n{declared}\n"
    )
    return ["named", "-g", "-c", str(folder / "named.conf")]


def _unbound(folder: Path, address: str, port: int, zones: Mapping[str, Path], more: str) -> list[str]:
    (folder / "unbound.conf").write_text(
        f"server:\n  interface: {address}\n  outgoing-interface: {address}\n  port: {port}\n"
        f'  directory: "{folder}"\n  username: ""\n  chroot: ""\n'
        f'  pidfile: "{folder}/unbound.pid"\n  use-syslog: no\n  do-daemonize: no\n'
        "  access-control: 127.0.0.0/8 allow\n"
        f"  do-not-query-localhost: no\n  module-config: iterator\n{more}\nremote-control:\n  control-enable: no\n"
    )
    return ["unbound", "-d", "-c", str(folder / "unbound.conf")]


def validating(anchor: str, places: Mapping[str, str], port: int) -> str:
    """Return unbound's syntax to validate from an anchor of the root, with the server of each zone."""
    cuts = "".join(f'stub-zone:\n  name: "{zone}"\n  stub-addr: {at}@{port}\n' for zone, at in places.items())
    return f'  module-config: "validator iterator"\n  trust-anchor: ". DS {anchor}"\n{cuts}'


_SERVERS = {"knot": _knot, "nsd": _nsd, "bind": _bind, "unbound": _unbound}


@contextlib.contextmanager
def serving(
    kind: str, folder: Path, address: str, zones: Mapping[str, str | Path], *, port: int = 53053, more: str = ""
) -> Iterator[None]:
    """Serve zones (text, or a file already made) by one daemon until the context ends; ``more`` is its own syntax.

    BIND only listens on addresses that an interface has: 127.0.0.1.
    """
    place = folder / f"{kind}-{address}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    files = {}
    for name, content in zones.items():
        files[name] = content if isinstance(content, Path) else place / f"{name.strip('.') or 'root'}.zone"
        if isinstance(content, str):
            files[name].write_text(f"$ORIGIN {name}\n$TTL 3600\n{content}")
    words = _SERVERS[kind](place, address, port, files, more)
    with (place / "log").open("wb") as log:
        daemon = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(daemon, address, port, next(iter(zones), "."), place / "log")
            yield
        finally:
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def _wait(daemon: subprocess.Popen[bytes], address: str, port: int, zone: str, log: Path) -> None:
    query = dns.message.make_query(zone, "SOA")
    until = time.monotonic() + 15
    while time.monotonic() < until:
        if daemon.poll() is not None:
            raise RuntimeError(f"the name server ended at once: {log.read_text(errors='replace')[-2000:]}")
        with contextlib.suppress(dns.exception.DNSException, OSError):
            dns.query.udp(query, address, timeout=0.3, port=port)
            return
    raise TimeoutError(f"the name server does not answer: {log.read_text(errors='replace')[-2000:]}")
