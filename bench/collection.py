"""Collecting a domain of more than 10 000 objects with descriptors, beside ldapsearch and bloodhound-ce (DC only)."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.collecting import PASSWORD
from bench.measure import Section, command
from probes.directory.attributes import asked
from probes.facts.directory import NamingContextRole
from scanner.store.store import open_store
from tests.lab import samba

SMALL, LARGE = 10_000, 40_000
PEERS = Path(__file__).parent.parent / ".lab" / "peers"
#: Wall times that Hygie must not pass: of ldapsearch's, and of the peer's.
MOST_OF_LDAPSEARCH, LEAST_OF_PEER, MOST_GROWTH = 1.25, 8.0, 1.15
#: Samba knows neither the peer's way of NTLM nor its Kerberos: it binds as Hygie does, and collects as it always does.
SIMPLE_BIND = (
    "import ldap3, sys; import bloodhound.ad.authentication as a; a.NTLM = ldap3.SIMPLE; "
    "a.Connection = lambda s, user, **k: ldap3.Connection(s, user='@'.join(reversed(user.split(chr(92)))), **k); "
    "from bloodhound import main; sys.exit(main())"
)
#: Rounds that a noisy machine needs.
ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """One collection in a process of its own: seconds of the whole process, and of its work alone.

    The work goes from the first connection to the last capture on disk; the process also starts Python and loads Hygie.
    """

    process: float
    wall: float
    peak: int
    objects: int
    size: int


def run() -> Section:
    """Time the three on one controller, and look at the peak memory on two sizes."""
    with samba.domain(bulk={"people": SMALL}) as dc:
        small = collected(dc)
    with samba.domain(bulk={"people": LARGE}, services=("dns", "rpc")) as dc:
        # in turn, so that what else the machine does falls on both
        rounds = [(collected(dc), ldapsearch(dc)) for _ in range(ROUNDS)]
        peer = bloodhound(dc)
    large = [one for one, _ in rounds]
    peak = max(one.peak for one in large)
    search = statistics.median(one for _, one in rounds)
    ours, work = statistics.median(one.process for one in large), statistics.median(one.wall for one in large)
    ratio, growth = ours / search, peak / small.peak
    lines = [
        f"One naming context of {large[0].objects} objects with descriptors, {large[0].size / 1e6:.0f} MB on the wire,",
        "pages of 1000, LDAPS to a Samba controller of the same machine, in turn, each from the start of its process",
        "to its end; Hygie writes its captures into a store that exists, its pace lifted. Its work alone goes from its",
        "first connection to its last capture.",
        "",
        "| | median s | rounds |",
        "|---|---|---|",
        _row("Hygie, whole process", ours, [one.process for one in large]),
        _row("Hygie, its work alone", work, [one.wall for one in large]),
        _row("ldapsearch, same attributes and controls", search, [one for _, one in rounds]),
        _row("bloodhound-ce, DC only", peer, [peer])
        if peer
        else "| bloodhound-ce, DC only | not compared: not installed | |",
        "",
        f"* {_mark(ratio <= MOST_OF_LDAPSEARCH)}: {ratio:.2f} times ldapsearch (most: {MOST_OF_LDAPSEARCH}); "
        f"{work / search:.2f} times for its work alone",
        f"* {_mark(growth <= MOST_GROWTH)}: peak memory {small.peak / 1e6:.0f} MB with {small.objects} objects, "
        f"{peak / 1e6:.0f} MB with {large[0].objects} (most: {MOST_GROWTH} times)",
    ]
    if peer:
        times = peer / ours
        lines.append(
            f"* {_mark(times >= LEAST_OF_PEER)}: {times:.1f} times faster than bloodhound-ce "
            f"(least: {LEAST_OF_PEER:g}); {peer / work:.1f} times for its work alone"
        )
    return Section(title="Directory collection", lines=tuple(lines))


def collected(dc: samba.Domain) -> Collected:
    """Collect in a process of its own, captures into a store on disk."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "bench.sqlite"
        open_store(store).close()  # as every scan but the first finds it
        words = [sys.executable, "-m", "bench.collecting", dc.address, dc.host, dc.user(), str(dc.ca_file), str(store)]
        # modules are compiled once, by the first round, as those of the peers were when they were installed
        given = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        given[PASSWORD] = samba.USER_PASSWORD
        began = time.perf_counter()
        done = subprocess.run(words, capture_output=True, text=True, check=True, env=given)
        return Collected(process=time.perf_counter() - began, **json.loads(done.stdout))


def ldapsearch(dc: samba.Domain) -> float:
    """Ask the same attributes with the same controls and page size."""
    words = ["env", f"LDAPTLS_CACERT={dc.ca_file}", "LDAPTLS_REQCERT=allow", "ldapsearch", "-x", "-LLL"]
    words += ["-H", f"ldaps://{dc.address}", "-D", dc.user(), "-w", samba.USER_PASSWORD, "-b", dc.base]
    words += ["-E", "pr=1000/noprompt", "-E", "!1.2.840.113556.1.4.801=::MAMCAQc="]
    words += ["-E", "1.2.840.113556.1.4.417", "(objectClass=*)"]
    return command([*words, *asked(NamingContextRole.DOMAIN)], rounds=1).wall


def bloodhound(dc: samba.Domain) -> float | None:
    """Run the peer in a folder of its own, in DC-only mode; None when it cannot be had."""
    program = PEERS / "bloodhound" / "bin" / "bloodhound-ce-python"
    if not program.exists():
        venv.create(program.parent.parent, with_pip=True)
        install = [str(program.with_name("pip")), "install", "--quiet", "bloodhound-ce"]
        if subprocess.run(install, check=False).returncode or not program.exists():
            return None
    with tempfile.TemporaryDirectory() as folder:
        words = ["sh", "-c", 'cd "$0" && exec "$@"', folder, str(program.with_name("python")), "-c", SIMPLE_BIND]
        words += ["-c", "DCOnly", "-d", dc.realm, "-u", "lecteur", "-p", samba.USER_PASSWORD]
        words += ["-dc", dc.host, "-ns", dc.address, "--dns-tcp", "--auth-method", "ntlm", "--use-ldaps"]
        return command(words, rounds=1, timeout=1800).wall


def _row(name: str, median: float, rounds: Sequence[float]) -> str:
    return f"| {name} | {median:.2f} | {' '.join(f'{one:.2f}' for one in rounds)} |"


def _mark(good: bool) -> str:
    return "reached" if good else "NOT REACHED"
