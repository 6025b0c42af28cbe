"""A whole exposure scan beside nmap, sslyze, dnsrecon and checkdmarc: 64 hosts of four sites, time and recall.

Hygie runs as anybody's does: `hygie scan` with the default settings and pace. The peers run two at a time. sslyze and
checkdmarc are installed in environments of their own; dnsrecon is Debian's (``apt-get install dnsrecon``).
"""

from __future__ import annotations

import contextlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.ground import network, servers
from bench.ground.recall import OURS_ALONE, TLS, Shown, ours, planted, theirs
from bench.measure import Section, peer
from probes.web.probe import WebSettings
from scanner.config.schema import PaceSection

AT_ONCE, _RUNS = 2, 3
_TITLE = "A whole exposure scan"


def run() -> Section:
    """Stage, scan with Hygie, then with the peers, and tell both."""
    if shutil.which("dnsrecon") is None:
        return Section(title=_TITLE, lines=("Not measured: dnsrecon is not installed (apt-get install dnsrecon).",))
    programs = {name: peer(name, name) for name in ("sslyze", "checkdmarc")}
    with tempfile.TemporaryDirectory() as text, network.far_side(servers.doors()) as side:
        folder = Path(text)
        with running(side.command(sys.executable, "-m", "bench.ground.servers", text)):
            own = [_hygie(folder, f"hygie-{number}") for number in range(_RUNS)]
            slow = _hygie(folder, "slow", _SLOW)
            seconds = _peers(folder, programs)
        shown = [ours(folder / f"hygie-{number}.sqlite") for number in range(_RUNS)]
        return _section(own, slow, seconds, frozenset.intersection(*shown), theirs(folder))


@contextlib.contextmanager
def running(words: Sequence[str]) -> Iterator[None]:
    child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    if child.stdout.readline() != "ready\n":
        raise RuntimeError("the servers did not start")
    try:
        yield
    finally:
        child.communicate("")


#: CERT Polska's pace, for links and firewalls known to be weak.
_SLOW = """
[pace]
connections_per_address = 5.0
[probes.web]
pause = 1.0
"""


def _hygie(folder: Path, name: str, more: str = "") -> float:
    """Scan as ``hygie scan`` does, into a store of its own; return the seconds of the whole command."""
    today = datetime.now(UTC).date()
    domains = ", ".join(f'"{zone}"' for zone in servers.NAMES)
    networks = ", ".join(f'"{one}"' for one in network.NETWORKS)
    config = folder / f"{name}.toml"
    config.write_text(
        f"""
[box]
vantage = "internet"
[dns]
resolver = "{network.RESOLVER}"
[probes.dns]
roots = ["{network.ROOT}"]
[probes.tls]
store = "{folder}/ca.pem"
[store]
url = "{name}.sqlite"
{more}
[[mandates]]
reference = "BANC"
signatory = "Banc"
valid_from = {today - timedelta(days=1)}
valid_until = {today + timedelta(days=1)}
domains = [{domains}]
networks = [{networks}]
[[perimeters]]
id = "banc"
name = "Banc"
mandate = "BANC"
"""
    )
    begun = time.perf_counter()
    words = [sys.executable, "-m", "scanner", "scan", "-c", str(config)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1, 4}:
        raise RuntimeError(done.stderr[-2000:])
    return time.perf_counter() - begun


def _peers(folder: Path, programs: dict[str, Path]) -> dict[str, float]:
    """Run the peers, the longest first, two at a time; the seconds of each, and of all under ""."""
    web = [f"{name}.{servers.OPEN}:443{{{at}}}" for name, at in servers.NAMES[servers.OPEN].items() if _has(at, 443)]
    web += [f"ris.{servers.OPEN}:8443{{{servers.NAMES[servers.OPEN]['ris']}}}"]
    web += [f"imap.{servers.OPEN}:993{{{servers.NAMES[servers.OPEN]['imap']}}}"]
    mx = servers.NAMES[servers.OPEN]["mx"]
    mail = [f"mx.{servers.OPEN}:{port}{{{mx}}}" for port in (25, 587)]
    trusted = [f"--certinfo_ca_file={folder}/ca.pem", "--mozilla_config=disable"]
    jobs: dict[str, list[str]] = {
        "nmap -sV --top-ports 1000": ["nmap", "-n", "-sV", "--top-ports", "1000", "-oX", f"{folder}/nmap.xml",
                                      *network.NETWORKS],
        "sslyze": [str(programs["sslyze"]), *SSLYZE, *trusted, f"--json_out={folder}/sslyze-web.json", *web],
        "sslyze --starttls smtp": [str(programs["sslyze"]), *SSLYZE, *trusted, "--starttls=smtp",
                                   f"--json_out={folder}/sslyze-mail.json", *mail],
        **{f"dnsrecon {zone}": ["dnsrecon", "-d", zone, "-n", servers.NS, "-a", "-t", "std,axfr,brt",
                                "-D", "/usr/share/dnsrecon/namelist.txt", "-j", f"{folder}/dnsrecon-{zone}.json"]
           for zone in servers.NAMES},
        "checkdmarc": [str(programs["checkdmarc"]), *servers.NAMES, "-n", network.RESOLVER,
                       "-o", f"{folder}/checkdmarc.json"],
    }  # fmt: skip
    begun = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        seconds = dict(zip(jobs, pool.map(lambda item: _timed(folder, *item), jobs.items()), strict=True))
    return {**seconds, "": time.perf_counter() - begun}


#: Everything of sslyze that Hygie's own TLS probe tells too.
SSLYZE = ("--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--certinfo", "--compression",
           "--reneg", "--elliptic_curves", "--fallback", "--ems")  # fmt: skip


def _timed(folder: Path, name: str, words: list[str]) -> float:
    begun = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder)
    (folder / f"{name.replace(' ', '_')}.txt").write_text(done.stdout + done.stderr)
    return time.perf_counter() - begun


def _has(at: str, port: int) -> bool:
    return (at, port) in servers.SERVED


def _section(own: list[float], slow: float, seconds: dict[str, float], mine: Shown, others: Shown) -> Section:
    wanted = planted()
    total, median = seconds.pop(""), statistics.median(own)
    lines = [
        f"{len(network.addresses())} addresses, a /28 in each of {network.SITES} networks /24, behind veth: half drop "
        f"what they do not serve, half refuse it. {len(servers.SERVED)} services by real servers, "
        f"{sum(map(len, servers.NAMES.values()))} names in two zones of Knot, {len(TLS)} TLS endpoints. Hygie: "
        f"`hygie scan`, level 2, default pace ({_pace()}), discovery, second look and store included; the median of "
        f"{_RUNS} scans ({', '.join(f'{one:.1f}' for one in own)} s), the recall of what each of them shows. "
        f"The peers: {AT_ONCE} processes at a time.",
        "",
        "| | seconds |",
        "|---|---|",
        f"| Hygie, default pace | {median:.0f} |",
        f"| Hygie, 5 connections a second an address, one request a second a site | {slow:.0f} |",
        *(f"| {name} | {taken:.0f} |" for name, taken in seconds.items()),
        f"| the peers, {AT_ONCE} at a time | {total:.0f} |",
        "",
        "Goal, 3 times faster than the peers at the default pace: "
        f"{'reached' if total >= 3 * median else 'not reached'}, {total / median:.2f} times as fast. "
        "nmap meets no distance here.",
        "",
        "Of the planted things, those that each side's output shows (the list: `bench/ground/recall.py`; redis, "
        "memcached, MQTT and DICOM listen on ports of Hygie's short list that are not among nmap's 1000):",
        "",
        "| subject | planted | Hygie | peers | missed by Hygie |",
        "|---|---|---|---|---|",
        *(_row(subject, wanted, mine, others) for subject in dict.fromkeys(s for s, _ in sorted(wanted))),
        _row("", wanted, mine, others),
        "",
        f"Without {', '.join(sorted(OURS_ALONE))}, which the peers hardly look at: Hygie "
        f"{_share(mine, wanted):.0f} %, the peers {_share(others, wanted):.0f} %.",
    ]
    return Section(title=_TITLE, lines=tuple(lines))


def _pace() -> str:
    pace, web = PaceSection(), WebSettings()
    return (
        f"{pace.connections:.0f} connections a second in all, {pace.connections_per_network:.0f} a network, "
        f"{pace.connections_per_address:.0f} an address, {pace.connections_per_fragile_address:.0f} a fragile one; "
        f"{pace.questions_per_server:.0f} questions a second a name server; after each answer a site is left alone for "
        f"four times what it took, {web.pause * 1000:.0f} ms at least"
    )


def _share(shown: Shown, wanted: Shown) -> float:
    counts = [sum(subject not in OURS_ALONE for subject, _ in things) for things in (shown, wanted)]
    return 100 * counts[0] / counts[1]


def _row(subject: str, wanted: Shown, mine: Shown, others: Shown) -> str:
    there, ours_there, theirs_there = (
        {thing for of, thing in shown if subject in {"", of}} for shown in (wanted, mine, others)
    )
    missed = ", ".join(sorted(there - ours_there)) if subject else ""
    return f"| {subject or 'all'} | {len(there)} | {len(ours_there)} | {len(theirs_there)} | {missed} |"
