"""DNS questions beside dnspython's asynchronous resolver, aiodns and massdns, against one authoritative server.

aiodns is installed in an environment of its own; ``MASSDNS=`` is the path of massdns, which is no Python package and is
not compared without it.
"""

from __future__ import annotations

import asyncio
import os
import re
import resource
import sys
import tempfile
from ipaddress import ip_address
from pathlib import Path

from bench.measure import Section, Timed, command, peer, timed
from probes.discovery.probe import DiscoveryProbe, DiscoverySettings
from probes.facts.discovery import NamesFound
from probes.interface import Asset, AssetKind, DnsQuestion, Existence, FoundIn, Sight
from tests.lab.line import open_line
from tests.lab.nameservers import serving

ADDRESS, PORT, ZONE = "127.78.0.1", 53053, "banc.test"
NAMES, EXISTING, FEW = 100_000, 1_000, 20_000


def run() -> Section:
    """Serve a zone of 1 000 names by Knot, and look for 100 000."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        zone = "@ SOA ns hostmaster 1 7200 3600 1209600 3600\n@ NS ns\n"
        zone += f"ns A {ADDRESS}\n"
        zone += "".join(f"n{i * (NAMES // EXISTING)} A 192.0.2.1\n" for i in range(EXISTING))
        root = f"@ SOA ns hostmaster 1 7200 3600 1209600 3600\n@ NS ns.{ZONE}.\n{ZONE}. NS ns.{ZONE}.\n"
        root += f"ns.{ZONE}. A {ADDRESS}\n"
        with serving("knot", folder, ADDRESS, {f"{ZONE}.": zone, ".": root}, port=PORT):
            return _section(folder)


def _section(folder: Path) -> Section:
    (folder / "names").write_text("".join(f"n{i}.{ZONE}\n" for i in range(NAMES)))
    (folder / "few").write_text("".join(f"n{i}.{ZONE}\n" for i in range(FEW)))
    (folder / "words").write_text("".join(f"n{i}\n" for i in range(NAMES)))
    (folder / "resolvers").write_text(f"{ADDRESS}:{PORT}\n")
    outcomes: list[dict[Existence, int]] = []
    ours = timed(lambda: outcomes.append(asyncio.run(_ours())))
    facts: list[NamesFound] = []
    whole = timed(lambda: facts.append(asyncio.run(_discovery(folder / "words"))))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    peers = {"dnspython asyncresolver, 200 in flight": command(_child(sys.executable, _DNSPYTHON, folder), rounds=3)}
    peers["aiodns, 200 in flight"] = command(_child(str(peer("aiodns", "python")), _AIODNS, folder), rounds=3)
    rows, own = [], NAMES / ours.wall
    rows.append(f"| Hygie, through the Line, pace lifted | {NAMES:,} | {ours.wall:.2f} | {own:,.0f} | 1.0 |")
    rows.append(_row("Hygie, the whole discovery of a domain by that list", NAMES, whole, own))
    for name, other in peers.items():
        rows.append(_row(name, FEW, other, own))
    rows.append(_massdns(folder, own))
    listed = sorted({sum(f.found_in is FoundIn.WORD_LIST for f in fact.found) for fact in facts})
    found = sorted({(o[Existence.EXISTS], o[Existence.ABSENT], o[Existence.UNKNOWN]) for o in outcomes})
    return Section(
        title="DNS questions",
        lines=(
            f"{NAMES:,} names of which {EXISTING:,} exist, one Knot server on loopback; medians of 3, process start "
            "included for peers.",
            "",
            "| client | names | seconds | names/s | ours is faster by |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"Ours in each run (exists, does not exist, could not tell): {', '.join(map(str, found))}. "
            f"Names found by the whole discovery: {', '.join(map(str, listed))} in each run. "
            f"Peak memory of the whole process: {peak} MiB.",
        ),
    )


def _row(name: str, count: int, other: Timed, own: float) -> str:
    rate = count / other.wall
    return f"| {name} | {count:,} | {other.wall:.2f} | {rate:,.0f} | {own / rate:.1f} |"


def _massdns(folder: Path, own: float) -> str:
    tool = os.environ.get("MASSDNS")
    if not tool:
        return "| massdns | not compared (MASSDNS= names its path) | | | |"
    words = [tool, "-r", str(folder / "resolvers"), "-t", "A", "-o", "Snl", "-w", str(folder / "out"), "-q"]
    runs = command([*words, str(folder / "names")], rounds=3)
    found = len(re.findall(r" A ", (folder / "out").read_text()))
    return _row(f"massdns ({found} found)", NAMES, runs, own)


async def _ours() -> dict[Existence, int]:
    line = open_line(domains=[ZONE], dns_port=PORT)
    counts = dict.fromkeys(Existence, 0)
    names = (f"n{i}.{ZONE}" for i in range(NAMES))
    asked = line.ask_names(names, [ip_address(ADDRESS)], rdtype=1, question=DnsQuestion.DELEGATION, walking=ZONE)
    async for answer in asked:
        counts[answer.existence] += 1
    return counts


async def _discovery(words: Path) -> NamesFound:
    probe = DiscoveryProbe(DiscoverySettings(roots=(ADDRESS,), words=str(words), most_mutations=0))
    looking = probe.look(Asset(kind=AssetKind.DOMAIN, name=ZONE), open_line(domains=[ZONE], dns_port=PORT))
    found = [y.fact async for y in looking if isinstance(y, Sight) and isinstance(y.fact, NamesFound)]
    return found[0]


_DNSPYTHON = """
import asyncio, sys, dns.asyncresolver, dns.resolver
async def main():
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [sys.argv[2]], int(sys.argv[3])
    names = iter(open(sys.argv[1]).read().split())
    async def work():
        for name in names:
            try:
                await resolver.resolve(name, "A")
            except dns.resolver.NXDOMAIN:
                pass
    await asyncio.gather(*(work() for _ in range(200)))
asyncio.run(main())
"""

_AIODNS = """
import asyncio, sys, aiodns
async def main():
    resolver = aiodns.DNSResolver(nameservers=[f"{sys.argv[2]}:{sys.argv[3]}"])
    names = iter(open(sys.argv[1]).read().split())
    async def work():
        for name in names:
            try:
                await resolver.query_dns(name, "A")
            except aiodns.error.DNSError:
                pass
    await asyncio.gather(*(work() for _ in range(200)))
asyncio.run(main())
"""


def _child(python: str, source: str, folder: Path) -> list[str]:
    return [python, "-c", source, str(folder / "few"), ADDRESS, str(PORT)]
