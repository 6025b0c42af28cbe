"""The dashboard under load: 300 perimeters, 24 monthly scans, 300 findings each, 20 people with one page every 5 s."""

from __future__ import annotations

import asyncio
import os
import random
import re
import statistics
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection, make_url

from bench.measure import Section
from probes.interface import Mandate, Part, Scope, Vantage
from reports.dossier import Judgement
from rules.interface import Confidence, Finding, Maturity, Outcome, Severity
from rules.levels import Interval
from rules.registry import load as registry
from rules.subject import PastFinding, PastScan, Perimeter, Scan, ScanPart
from scanner.config.load import Settings, parse
from scanner.store import plain
from scanner.store.accounts import Account, Role
from scanner.store.store import open_store, upgrade_store
from tests.lab import postgres
from tests.scanner.web import stage

PERIMETERS, SCANS, FINDINGS = (
    int(os.environ.get(f"HYGIE_BENCH_{n}", d)) for n, d in (("P", 300), ("S", 24), ("F", 300))
)
USERS, PAUSE, SECONDS = 20, 5.0, float(os.environ.get("HYGIE_BENCH_SECONDS", 60))
NOW = datetime.now(UTC)
#: What a template holds in the place of the perimeter and of the month.
P, M = "@P@", "@M@"
PAGES = ("/", "/region", "/p/{p}", "/p/{p}/findings", "/p/{p}/findings/fp-{p}-7", "/p/{p}/directory", "/p/{p}/assets",
         "/p/{p}/scans", "/p/{p}/dossier", "/ght", "/settings", "/audit")  # fmt: skip


def run() -> Section:
    """Fill a PostgreSQL of its own, then let people read."""
    with postgres.server() as server, tempfile.TemporaryDirectory() as folder:
        url = server.new_database()
        upgrade_store(url)
        filled = time.perf_counter()
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
        with engine.begin() as connection:
            _fill(connection)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
        engine.dispose()
        filled = time.perf_counter() - filled
        times = asyncio.run(_read(url, Path(folder)))
    return Section(title="The dashboard under load", lines=tuple(_lines(times, filled)))


def _lines(times: dict[str, list[float]], filled: float) -> list[str]:
    lines = [
        f"{PERIMETERS} perimeters, {SCANS} scans each, {FINDINGS} findings a scan, on PostgreSQL "
        f"(filled in {filled:.0f} s); "
        f"{USERS} people, one page every {PAUSE:.0f} s, for {SECONDS:.0f} s. Nothing is cached between requests.",
        "",
        "| page | requests | median, ms | p95, ms |",
        "|---|---|---|---|",
    ]
    for page, seen in sorted(times.items()):
        high = sorted(seen)[int(0.95 * (len(seen) - 1))]
        lines.append(f"| `{page}` | {len(seen)} | {1000 * statistics.median(seen):.0f} | {1000 * high:.0f} |")
    return lines


async def _read(url: str, folder: Path) -> dict[str, list[float]]:
    settings = _configuration(folder)
    times: dict[str, list[float]] = defaultdict(list)
    with open_store(url) as store:
        store.accounts.add(Account(login="a", name="A", role=Role.ADMIN), stage.PASSWORD)
        async with stage.served(settings, store) as client:
            assert await stage.log_in(client, "a") == 303

            async def person(number: int) -> None:
                chance = random.Random(number)
                await asyncio.sleep(PAUSE * number / USERS)
                end = time.perf_counter() + SECONDS
                while time.perf_counter() < end:
                    page = chance.choice(PAGES)
                    start = time.perf_counter()
                    answer = await client.get(page.format(p=f"p{chance.randrange(PERIMETERS):03}"))
                    await answer.read()
                    assert answer.status == 200, (page, answer.status)
                    times[page].append(time.perf_counter() - start)
                    await asyncio.sleep(PAUSE)

            await asyncio.gather(*(person(number) for number in range(USERS)))
    return times


def _configuration(folder: Path) -> Settings:
    one = stage.CONFIG[: stage.CONFIG.index("[[mandates]]", 20)]
    text = "".join(one.replace(stage.OURS, f"p{n:03}") for n in range(PERIMETERS))
    path = folder / "hygie.toml"
    path.write_text(re.sub(r'ght = "GHT p\d(\d\d)"', r'ght = "GHT \1"', text))
    return parse(path, path.read_text())


def _fill(connection: Connection) -> None:
    """Write one month of one perimeter as the product does, and let the database multiply it."""
    scan, findings = _scan(), _findings()
    connection.execute(text("CREATE TEMP TABLE grid AS SELECT 'p' || lpad(p::text, 3, '0') AS p, m FROM "
                            f"generate_series(0, {PERIMETERS - 1}) p, generate_series(0, {SCANS - 1}) m"))  # fmt: skip
    connection.execute(text("CREATE TEMP TABLE kinds (i int, rule text, outcome text, severity text, document text)"))
    rows = [
        {"i": i, "rule": f.rule, "outcome": f.outcome.value, "severity": f.severity.value, "document": plain.write(f)}
        for i, f in enumerate(findings)
    ]
    connection.execute(text("INSERT INTO kinds VALUES (:i, :rule, :outcome, :severity, :document)"), rows)
    at = f"to_char(timestamp '{NOW - timedelta(days=30 * SCANS):%Y-%m-%d}' + m * interval '30 days', "
    at += '\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')'
    ids = "replace(replace(:text, '@P@', p), '@M@', m::text)"
    open_now = sum(f.outcome is Outcome.NOT_MET for f in findings)
    statements = (
        (f"INSERT INTO scans SELECT 's-'||p||'-'||m, p, 'complete', {at}, {at}, {ids} FROM grid", plain.write(scan)),
        (f"INSERT INTO judgements SELECT 'j-'||p||'-'||m, 's-'||p||'-'||m, {at}, '', {ids} FROM grid", _judged()),
        ("INSERT INTO findings SELECT 'j-'||p||'-'||m, i, rule, 'service:tcp/443@'||p||'.test', outcome, severity, "
         "'fp-'||p||'-'||i, replace(document, '@P@', p) FROM grid, kinds WHERE :text = ''", ""),
        (f"INSERT INTO summaries SELECT 'j-'||p||'-'||m, 'exposure', p, 's-'||p||'-'||m, {at}, {at}, {ids} FROM grid",
         _summary(findings)),
        (f"INSERT INTO standings SELECT 's-'||p||'-'||m, 'exposure', p, 'j-'||p||'-'||m, {at}, m = {SCANS - 1}, 2, 2, "
         f"3, 20, 60, {open_now - 83}, 0, 20, 100 FROM grid WHERE :text = ''", ""),
        ("INSERT INTO open_rules SELECT p, 'exposure', rule, min(severity), count(*) FROM grid, kinds "
         "WHERE m = 0 AND outcome = 'not-met' AND :text = '' GROUP BY p, rule", ""),
        (f"INSERT INTO shifts SELECT 's-'||p||'-'||m, 'exposure', 'fp-'||p||'-'||i, p, {at}, 'new', rule, 'a', "
         "severity FROM grid, kinds WHERE i < 10 AND :text = ''", ""),
    )  # fmt: skip
    for statement, document in statements:
        connection.execute(text(statement), {"text": document})


def _scan() -> Scan:
    mandate = Mandate(
        reference="M", signatory="D", document_sha256="", valid_from=date(2020, 1, 1), valid_until=date(2099, 1, 1),
        level=2, scope=Scope(domains=("x.test",)),
    )  # fmt: skip
    part = ScanPart(kind=Part.EXPOSURE, box="b", vantage=Vantage.INTERNET, started_at=NOW, ended_at=NOW)
    return Scan(
        id=f"s-{P}-{M}", perimeter=Perimeter(id=P, name=f"CH {P}", unit="ej"), mandate=mandate, parts=(part,), level=2,
        state="complete", versions={"hygie": "0"}, config_digest="",
    )  # fmt: skip


def _findings() -> list[Finding]:
    rules = sorted(registry().rules)
    usual = stage.finding(P, confidence=Confidence.CONFIRMED, maturity=Maturity.STABLE)
    severities = [Severity.CRITICAL, *[Severity.HIGH] * 7, *[Severity.MEDIUM] * 20, *[Severity.LOW] * 72]
    return [
        replace(
            usual,
            rule=rules[i % len(rules)],
            outcome=(Outcome.NOT_MET, Outcome.MET, Outcome.NOT_MET, Outcome.UNDETERMINED)[i % 4],
            severity=severities[i % len(severities)],
            fingerprint=f"fp-{P}-{i}",
        )
        for i in range(FINDINGS)
    ]


def _judged() -> str:
    judgement = Judgement(id=f"j-{P}-{M}", made_at=NOW, catalogue_digest="", feeds={}, sets={}, timeline_digest="")
    level = Interval(guaranteed=2, best=2)
    return plain.canonical([plain.data_of(judgement), {"exposure": plain.data_of(level)}])


def _summary(findings: list[Finding]) -> str:
    past = {
        f.fingerprint: PastFinding(rule=f.rule, asset=f.asset, outcome=f.outcome.value, severity=f.severity.value)
        for f in findings
    }
    made = PastScan(
        scan=f"s-{P}-{M}",
        kind=Part.EXPOSURE,
        seen_at=NOW,
        perimeter_digest="",
        findings=past,
        levels={"exposure": (2, 2)},
    )
    return plain.write(made)
