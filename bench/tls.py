"""TLS profiles beside sslyze and testssl.sh: the same nginx, the same old OpenSSL server; time, versions and suites.

sslyze is installed in an environment of its own and scans there, its start not counted; testssl.sh is taken from the
PATH (or ``TESTSSL=``), else not compared.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.measure import Section, Timed, command, peer, timed
from probes.facts.tls import Acceptance, TlsProfile, Version
from probes.facts.tls_suites import suite
from probes.interface import Sight, service
from probes.tls.probe import TlsProbe, TlsSettings
from scanner.demo.certificates import authority, leaf
from tests.lab.line import open_line

NAME, ADDRESS = "banc.test", "127.93.0.1"
NGINX, OLD = 18443, 18444
_SSLYZE = {
    "ssl_2_0_cipher_suites": "SSLv2", "ssl_3_0_cipher_suites": "SSLv3", "tls_1_0_cipher_suites": "TLS 1.0",
    "tls_1_1_cipher_suites": "TLS 1.1", "tls_1_2_cipher_suites": "TLS 1.2", "tls_1_3_cipher_suites": "TLS 1.3",
}  # fmt: skip
_TESTSSL = {
    "cipher-ssl3": "SSLv3", "cipher-tls1": "TLS 1.0", "cipher-tls1_1": "TLS 1.1", "cipher-tls1_2": "TLS 1.2",
    "cipher-tls1_3": "TLS 1.3",
}  # fmt: skip
Accepted = dict[str, frozenset[str]]


def run() -> Section:
    """Serve, ask with each, and compare."""
    with tempfile.TemporaryDirectory() as text, _servers(Path(text)):
        lines = [
            "One endpoint each; medians of 3 (testssl.sh: one run). Suites are counted per version.",
            "",
            "| endpoint | tool | seconds | connections | suites | ours is faster by | same versions and suites |",
            "|---|---|---|---|---|---|---|",
        ]
        for label, port in (("nginx, TLS 1.2 + 1.3, `HIGH`", NGINX), ("OpenSSL, TLS 1.0 to 1.3, all suites", OLD)):
            lines += _endpoint(label, port, Path(text))
    return Section(title="TLS profiles", lines=tuple(lines))


def _endpoint(label: str, port: int, folder: Path) -> list[str]:
    profiles: list[TlsProfile] = []
    ours = timed(lambda: profiles.append(asyncio.run(_profile(port))))
    own = _accepted(profiles[-1])
    count, connections = sum(map(len, own.values())), profiles[-1].connections
    rows = [f"| {label} | Hygie | {ours.wall:.3f} | {connections} ({connections - count} + suites) | {count} | | |"]
    told = folder / f"sslyze-{port}.json"
    seconds = subprocess.run(
        [peer("sslyze", "python"), "-c", _SSLYZE_SCAN, ADDRESS, str(port), NAME, str(told)],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    for tool, wall in zip(("sslyze, suites only", "sslyze, what Hygie tells"), map(float, seconds), strict=True):
        rows.append(_row(tool, Timed(wall=wall, runs=()), ours, own, _from_sslyze(told)))
    testssl = os.environ.get("TESTSSL") or shutil.which("testssl") or shutil.which("testssl.sh")
    if testssl is None:
        return [*rows, "| | testssl.sh | not compared | | | | |"]
    told = folder / f"testssl-{port}.json"
    words = [testssl, "--quiet", "-E", "-p", "--warnings", "off", "--jsonfile", str(told), f"{ADDRESS}:{port}"]
    once = command(words, rounds=1, ok=tuple(range(0, 100)))
    return [*rows, _row("testssl.sh -E -p", once, ours, own, _from_testssl(told))]


#: Runs in sslyze's own environment; prints the median seconds of three scans, of suites and of all that we tell too.
_SSLYZE_SCAN = """
import json, statistics, sys, time
from sslyze import (Scanner, ScanCommand as C, ServerNetworkConfiguration, ServerNetworkLocation, ServerScanRequest,
                    ServerScanResultAsJson)
address, port, name, path = sys.argv[1:]
suites = {C.SSL_2_0_CIPHER_SUITES, C.SSL_3_0_CIPHER_SUITES, C.TLS_1_0_CIPHER_SUITES, C.TLS_1_1_CIPHER_SUITES,
          C.TLS_1_2_CIPHER_SUITES, C.TLS_1_3_CIPHER_SUITES}
more = suites | {C.CERTIFICATE_INFO, C.TLS_COMPRESSION, C.SESSION_RENEGOTIATION, C.ELLIPTIC_CURVES,
                 C.TLS_FALLBACK_SCSV, C.TLS_EXTENDED_MASTER_SECRET}
def scan(wanted):
    where = ServerNetworkLocation(hostname=name, port=int(port), ip_address=address)
    scanner = Scanner()
    scanner.queue_scans([ServerScanRequest(server_location=where, scan_commands=wanted)])
    return list(scanner.get_results())[0]
for wanted in (suites, more):
    seconds = []
    for _ in range(3):
        start = time.perf_counter(); result = scan(wanted); seconds.append(time.perf_counter() - start)
    print(statistics.median(seconds))
    if wanted is suites:
        open(path, "w").write(ServerScanResultAsJson.model_validate(result).model_dump_json())
"""


def _row(tool: str, theirs: Timed, ours: Timed, own: Accepted, other: Accepted) -> str:
    more = sorted(
        f"{v} {s}" for v in own.keys() | other.keys() for s in own.get(v, frozenset()) ^ other.get(v, frozenset())
    )
    same = "yes" if not more else f"differ: {', '.join(more[:4])}"
    count = sum(map(len, other.values()))
    return f"| | {tool} | {theirs.wall:.2f} | | {count} | {theirs.wall / ours.wall:.0f} | {same} |"


async def _profile(port: int) -> TlsProfile:
    probe = TlsProbe(TlsSettings(ports=(port,)))
    async for seen in probe.look(service("tcp", port, NAME, addresses=[ADDRESS]), open_line(domains=["test"])):
        if isinstance(seen, Sight) and isinstance(seen.fact, TlsProfile):
            return seen.fact
    raise RuntimeError("no profile")


def _accepted(profile: TlsProfile) -> Accepted:
    return {
        v.version.value: frozenset(suite(n).name for n in v.suites)
        for v in profile.versions
        if v.state is Acceptance.ACCEPTED and v.version is not Version.SSL2
    }


def _from_sslyze(path: Path) -> Accepted:
    result = json.loads(path.read_text())["scan_result"]
    found = {}
    for key, version in _SSLYZE.items():
        suites = result[key]["result"]["accepted_cipher_suites"]
        if suites:
            found[version] = frozenset(s["cipher_suite"]["name"] for s in suites)
    return found


def _from_testssl(path: Path) -> Accepted:
    found: dict[str, set[str]] = {}
    for entry in json.loads(path.read_text()):
        for prefix, version in _TESTSSL.items():
            if entry["id"].startswith(f"{prefix}_x"):
                found.setdefault(version, set()).add(entry["finding"].split()[-1])
    return {version: frozenset(names) for version, names in found.items()}


@contextlib.contextmanager
def _servers(folder: Path) -> Iterator[None]:
    now = datetime.now(UTC)
    chain, key = leaf(authority("AC de banc", now), (NAME,), now, rsa_bits=2048).pem()
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(key)
    (folder / "nginx.conf").write_text(
        f"""daemon off; pid {folder}/pid; error_log {folder}/log; events {{}}
http {{ access_log off; server {{ listen {ADDRESS}:{NGINX} ssl; server_name {NAME};
ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;
ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers HIGH:!aNULL; }} }}"""
    )
    old = ["openssl", "s_server", "-accept", f"{ADDRESS}:{OLD}", "-cert", f"{folder}/chain.pem", "-key"]
    old += [f"{folder}/key.pem", "-cipher", "ALL:@SECLEVEL=0", "-min_protocol", "TLSv1", "-quiet", "-www"]
    commands = (["nginx", "-p", str(folder), "-c", "nginx.conf"], old)
    running = [subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for words in commands]
    try:
        time.sleep(1.0)
        yield
    finally:
        for process in running:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    print(run().text)
