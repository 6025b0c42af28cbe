"""The dashboard under load: 300 perimeters, 24 monthly scans, 300 findings each, 20 people with one page every 5 s."""

from __future__ import annotations

import asyncio
import math
import os
import random
import re
import statistics
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection, make_url

from bench.measure import Section
from probes.interface import Asset, AssetKind, Mandate, Observation, Part, Scope, Vantage
from reports.dossier import Judgement
from rules.interface import Confidence, Finding, Maturity, Outcome, Severity
from rules.levels import Interval
from rules.registry import load as registry
from rules.subject import PastFinding, PastScan, Perimeter, Scan, ScanPart
from scanner.config.load import Settings, parse
from scanner.demo.region import forest
from scanner.demo.region.towns import towns
from scanner.journal import Step, StepResult
from scanner.store import plain
from scanner.store.accounts import Account, Role
from scanner.store.store import Store, open_store, upgrade_store
from tests.lab import daemon, postgres
from tests.scanner.web import stage

PERIMETERS, SCANS, FINDINGS = (
    int(os.environ.get(f"HYGIE_BENCH_{n}", d)) for n, d in (("P", 300), ("S", 24), ("F", 300))
)
USERS, PAUSE, STORED, SECONDS = 20, 5.0, 5.0, float(os.environ.get("HYGIE_BENCH_SECONDS", 60))
NOW = datetime.now(UTC)
#: What a template holds in the place of the perimeter and of the month.
P, M = "@P@", "@M@"
#: Under which the storing of scans is timed, beside the pages.
_WRITTEN = "(a scan stored)"
TOWNS = towns()
PAGES = ("/", "/region", "/p/{p}", "/p/{p}/findings", "/p/{p}/findings/fp-{p}-7", "/p/{p}/directory", "/p/{p}/assets",
         "/p/{p}/scans", "/p/{p}/dossier", "/ght", "/ght/GHT {g}", "/settings", "/audit")  # fmt: skip


def run() -> Section:
    """Fill a PostgreSQL and a SQLite of their own, let people read while scans are stored, then look at an idle one."""
    lines = [
        f"{PERIMETERS} perimeters, {SCANS} scans each, {FINDINGS} findings a scan (a third of the directory); {USERS} "
        f"people, one page every {PAUSE:.0f} s, for {SECONDS:.0f} s, while another judged scan is stored every "
        f"{STORED:.0f} s. Nothing is cached between requests.",
    ]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with postgres.server() as server:
            lines += _measured("PostgreSQL", server.new_database(), folder)
        lines += _measured("SQLite", f"sqlite:///{folder / 'bench.sqlite'}", folder)
        lines += ["", f"`hygie serve`, idle over that SQLite store: {_idle(folder):.0f} MB resident."]
    return Section(title="The dashboard under load", lines=tuple(lines))


def _measured(name: str, url: str, folder: Path) -> list[str]:
    settings = _configuration(folder)
    start = time.perf_counter()
    upgrade_store(url)
    with open_store(url) as store:
        _fill(url)
        for number in range(PERIMETERS):
            _store(store, settings, f"p{number:03}", SCANS - 1)
        _analyze(url)
        filled = time.perf_counter() - start
        times = asyncio.run(_read(settings, store))
    return ["", f"On {name} (filled in {filled:.0f} s, {len(times.pop(_WRITTEN))} scans stored meanwhile):", "",
            *_lines(times)]  # fmt: skip


def _lines(times: dict[str, list[float]]) -> list[str]:
    lines = ["| page | requests | median, ms | p95, ms |", "|---|---|---|---|"]
    for page, seen in sorted(times.items()):
        high = sorted(seen)[math.ceil(0.95 * len(seen)) - 1]
        lines.append(f"| `{page}` | {len(seen)} | {1000 * statistics.median(seen):.0f} | {1000 * high:.0f} |")
    return lines


async def _read(settings: Settings, store: Store) -> dict[str, list[float]]:
    times: dict[str, list[float]] = defaultdict(list)
    store.accounts.add(Account(login="a", name="A", role=Role.ADMIN), stage.PASSWORD)
    async with stage.served(settings, store) as client:
        assert await stage.log_in(client, "a") == 303
        end = time.perf_counter() + SECONDS

        async def person(number: int) -> None:
            chance = random.Random(number)
            await asyncio.sleep(PAUSE * number / USERS)
            while time.perf_counter() < end:
                page = chance.choice(PAGES)
                start = time.perf_counter()
                n = chance.randrange(PERIMETERS)
                answer = await client.get(page.format(p=f"p{n:03}", g=f"{n % 100:02}"))
                await answer.read()
                assert answer.status == 200, (page, answer.status)
                times[page].append(time.perf_counter() - start)
                await asyncio.sleep(PAUSE)

        async def scans() -> None:
            month = SCANS
            while time.perf_counter() < end:
                await asyncio.sleep(STORED)
                start = time.perf_counter()
                await asyncio.to_thread(_store, store, settings, f"p{month * 7 % PERIMETERS:03}", month)
                times[_WRITTEN].append(time.perf_counter() - start)
                month += 1

        await asyncio.gather(scans(), *(person(number) for number in range(USERS)))
    return times


def _idle(folder: Path) -> float:
    """The resident memory of the service, in MB, a while after it took its first requests."""
    config = folder / "hygie.toml"
    config.write_text(f'[store]\nurl = "bench.sqlite"\n{config.read_text()}')
    words = [sys.executable, "-m", "scanner", "serve", "-c", str(config), "--port", "18099"]
    with daemon.running(words, (("127.0.0.1", 18099),), log=folder / "serve.log", patience=60) as process:
        with urllib.request.urlopen("http://127.0.0.1:18099/login") as answer:
            assert answer.status == 200
        time.sleep(10)
        resident = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
        assert resident is not None
    return int(resident[1]) / 1024


def _configuration(folder: Path) -> Settings:
    one = stage.CONFIG[: stage.CONFIG.index("[[mandates]]", 20)]
    text = "".join(one.replace(stage.OURS, f"p{n:03}") for n in range(PERIMETERS))
    path = folder / "hygie.toml"
    path.write_text(re.sub(r'ght = "GHT p\d(\d\d)"', r'ght = "GHT \1"', text))
    return parse(path, path.read_text())


def _fill(url: str) -> None:
    """Write one past month of one perimeter as the product does, and let the database multiply it."""
    scan, findings = _scan(P, M, NOW), _findings(P)
    at = [(NOW - timedelta(days=30 * (SCANS - 1 - m))).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for m in range(SCANS)]
    grid = [{"p": f"p{n:03}", "m": str(m), "at": at[m]} for n in range(PERIMETERS) for m in range(SCANS - 1)]
    kinds = [
        {"i": i, "rule": f.rule, "asset": f.asset, "outcome": f.outcome.value, "severity": f.severity.value,
         "part": f.part.value, "document": plain.write(f)}
        for i, f in enumerate(findings)
    ]  # fmt: skip
    ids = "replace(replace(:text, '@P@', p), '@M@', m)"
    statements = [
        (f"INSERT INTO scans SELECT 's-'||p||'-'||m, p, 'complete', at, at, {ids} FROM grid", plain.write(scan)),
        (f"INSERT INTO judgements SELECT 'j-s-'||p||'-'||m, 's-'||p||'-'||m, at, '', {ids} FROM grid", _judged()),
        ("INSERT INTO findings SELECT 'j-s-'||p||'-'||m, i, rule, replace(asset, '@P@', p), outcome, severity, "
         "'fp-'||p||'-'||i, replace(document, '@P@', p) FROM grid, kinds WHERE :text = ''", ""),
        ("INSERT INTO shifts SELECT 's-'||p||'-'||m, part, 'fp-'||p||'-'||i, p, at, 'new', rule, asset, "
         "severity FROM grid, kinds WHERE i < 10 AND :text = ''", ""),
    ]  # fmt: skip
    for kind in (Part.EXPOSURE, Part.DIRECTORY):
        statements += [
            (f"INSERT INTO summaries SELECT 'j-s-'||p||'-'||m, '{kind}', p, 's-'||p||'-'||m, at, at, {ids} FROM grid",
             _summary(kind, findings)),
            (f"INSERT INTO standings SELECT 's-'||p||'-'||m, '{kind}', p, 'j-s-'||p||'-'||m, at, 1 = 0, "
             "1 + CAST(m AS int) / 8, 2 + CAST(m AS int) / 8, "
             "3, 20, 60, 40, 0, 20, 100 FROM grid WHERE :text = ''", ""),
        ]  # fmt: skip
    with _connected(url) as connection, connection.begin():
        for table, rows in (("grid", grid), ("kinds", kinds)):
            columns = rows[0].keys()
            types = ", ".join(f"{c} {'int' if c == 'i' else 'text'}" for c in columns)
            connection.execute(text(f"CREATE TEMP TABLE {table} ({types})"))
            connection.execute(text(f"INSERT INTO {table} VALUES ({', '.join(':' + c for c in columns)})"), rows)
        for statement, document in statements:
            connection.execute(text(statement), {"text": document})


def _analyze(url: str) -> None:
    """Let the planner know the tables, as PostgreSQL does by itself after a while."""
    with _connected(url) as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    made = make_url(url)
    engine = create_engine(made if made.get_backend_name() == "sqlite" else made.set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _store(store: Store, settings: Settings, perimeter: str, month: int) -> None:
    """Store a scan of today, its directory and its judgement by the product's own way."""
    at = NOW + timedelta(minutes=month)
    scan = _scan(perimeter, str(month), at)
    town = replace(TOWNS[int(perimeter[1:]) % len(TOWNS)], forest=f"ad.{perimeter}.test")
    fact, capture = next(forest.read(town, town.faults(0), at))
    root = Asset(kind=AssetKind.FOREST, name=town.forest)
    met = (
        Asset(kind=AssetKind.NAMING_CONTEXT, name=fact.dn),
        root,
        Asset(kind=AssetKind.AD_DOMAIN, name=town.forest, found_by=root.id),
    )
    lease = store.scans.begin(replace(scan, perimeter=settings.perimeters[perimeter], state="running"))
    journal = store.journal(lease)
    seen = Observation(
        id=f"o-{scan.id}", asset=met[0], fact=fact, seen_at=at, probe="ldap@1", vantage=Vantage.INSIDE,
        captures=(journal.keep(capture),),
    )  # fmt: skip
    journal.commit(StepResult(step=Step(probe="ldap", asset=met[0]), observations=(seen,), attempts=(), found=met))
    store.scans.end(lease, scan, met)
    judgement = Judgement(id=f"j-{scan.id}", made_at=at, catalogue_digest="", feeds={}, sets={}, timeline_digest="")
    level = Interval(guaranteed=2, best=2)
    store.judgements.keep(scan, judgement, _findings(perimeter), {"exposure": level, met[2].id: level})


def _scan(perimeter: str, month: str, at: datetime) -> Scan:
    mandate = Mandate(
        reference="M", signatory="D", document_sha256="", valid_from=date(2020, 1, 1), valid_until=date(2099, 1, 1),
        level=2, scope=Scope(domains=("x.test",)),
    )  # fmt: skip
    parts = tuple(
        ScanPart(kind=kind, box="b", vantage=vantage, started_at=at, ended_at=at)
        for kind, vantage in ((Part.EXPOSURE, Vantage.INTERNET), (Part.DIRECTORY, Vantage.INSIDE))
    )
    return Scan(
        id=f"s-{perimeter}-{month}", perimeter=Perimeter(id=perimeter, name=f"CH {perimeter}", unit="ej"),
        mandate=mandate, parts=parts, level=2, state="complete", versions={"hygie": "0"}, config_digest="",
    )  # fmt: skip


def _findings(perimeter: str) -> list[Finding]:
    """Findings with the usual spread of severities; every third is a point of the directory."""
    usual = stage.finding(perimeter, confidence=Confidence.CONFIRMED, maturity=Maturity.STABLE)
    directory = replace(usual, part=Part.DIRECTORY, asset=f"ad-domain:ad.{perimeter}.test", vantage=Vantage.INSIDE)
    rules = sorted(registry().rules)
    points = [rule for rule in rules if rule.startswith("directory-")]
    severities = [Severity.CRITICAL, *[Severity.HIGH] * 7, *[Severity.MEDIUM] * 20, *[Severity.LOW] * 72]
    found = []
    for i in range(FINDINGS):
        level = 1 + i % 4
        of = replace(directory, control=f"vuln_{i}", levels=(level,)) if i % 3 == 0 else usual
        known = points if i % 3 == 0 else rules
        found.append(
            replace(
                of,
                rule=known[i % len(known)],
                outcome=(Outcome.NOT_MET, Outcome.MET, Outcome.NOT_MET, Outcome.UNDETERMINED)[i % 4],
                severity=severities[i % len(severities)],
                fingerprint=f"fp-{perimeter}-{i}",
            )
        )
    return found


def _judged() -> str:
    judgement = Judgement(id=f"j-s-{P}-{M}", made_at=NOW, catalogue_digest="", feeds={}, sets={}, timeline_digest="")
    level = Interval(guaranteed=2, best=2)
    return plain.canonical([plain.data_of(judgement), {"exposure": plain.data_of(level)}])


def _summary(kind: Part, findings: list[Finding]) -> str:
    past = {
        f.fingerprint: PastFinding(rule=f.rule, asset=f.asset, outcome=f.outcome.value, severity=f.severity.value)
        for f in findings
        if f.part is kind
    }
    made = PastScan(
        scan=f"s-{P}-{M}", kind=kind, seen_at=NOW, perimeter_digest="", findings=past, levels={"exposure": (2, 2)}
    )  # fmt: skip
    return plain.write(made)
