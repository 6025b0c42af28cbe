"""A stage for the dashboard: two perimeters with judged scans, an account of each role, and the whole application."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from probes.interface import Asset, AssetKind, Attempt, Part, Reason, Status, Vantage
from reports.dossier import Judgement
from reports.evidence.pack import digest
from rules.interface import Confidence, Finding, Maturity, ObjectRef, Outcome, Severity
from rules.levels import Interval
from rules.subject import Scan, ScanPart
from scanner.config.load import Settings, parse
from scanner.freezing import FOLDER
from scanner.journal import Step, StepResult
from scanner.store.accounts import Account, Role
from scanner.store.store import Store, open_store
from scanner.web.shell import Shell, application

NOW = datetime.now(UTC).replace(microsecond=0)
PASSWORD = "une phrase de passe"
OURS, FOREIGN = "ch-ours", "ch-foreign"
CONFIG = "".join(
    f"""
[[mandates]]
reference = "M-{name}"
signatory = "Directrice"
valid_from = 2020-01-01
valid_until = 2099-12-31
domains = ["{name}.test"]
[[perimeters]]
id = "{name}"
name = "CH {name}"
unit = "ej"
region = "84"
ght = "GHT {name}"
mandate = "M-{name}"
hosts = ["www.{name}.test"]
members = [{{ finess = "010000000", name = "CH", category = "355" }}]
"""
    for name in (OURS, FOREIGN)
)


def configuration(folder: Path) -> Settings:
    path = folder / "hygie.toml"
    path.write_text(CONFIG)
    return parse(path, CONFIG)


def finding(
    perimeter: str, rule: str = "certificate-current", outcome: Outcome = Outcome.NOT_MET, **changed: object
) -> Finding:
    made = Finding(
        rule=rule,
        family=rule.partition("-")[0],
        check="",
        control="",
        asset=f"service:tcp/443@www.{perimeter}.test",
        outcome=outcome,
        reason="" if outcome is Outcome.NOT_MET else "timed-out",
        severity=Severity.HIGH,
        confidence=Confidence.CONFIRMED,
        maturity=Maturity.STABLE,
        levels=(),
        open_levels=(),
        values={},
        objects=(ObjectRef(id="S-1-5-21-1", name="compte", dn="CN=compte"),),
        fingerprint=f"{perimeter}-{rule}",
        evidence=("o1",),
        vantage=Vantage.INTERNET,
        part=Part.EXPOSURE,
        seen_at=NOW,
        first_seen=NOW - timedelta(days=60),
        last_seen=NOW,
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def judged(
    store: Store,
    settings: Settings,
    perimeter: str,
    findings: tuple[Finding, ...],
    name: str = "",
    level: int = 2,
    outside: tuple[Asset, ...] = (),
) -> str:
    """Keep one scan of a perimeter with its judgement, as the product does, and return its id."""
    scan = Scan(
        id=name or f"scan-{perimeter}",
        perimeter=settings.perimeters[perimeter],
        mandate=settings.mandates[f"M-{perimeter}"],
        parts=(ScanPart(kind=Part.EXPOSURE, box="b", vantage=Vantage.INTERNET, started_at=NOW, ended_at=NOW),),
        level=2,
        state="complete",
        versions={"hygie": "0"},
        config_digest="d",
    )
    lease = store.scans.begin(scan)
    host = Asset(kind=AssetKind.HOST, name=f"www.{perimeter}.test", addresses=("192.0.2.1",))
    tried = Attempt(
        probe="ports@1", asset=host.id, status=Status.COMPLETED, reason=Reason.NONE, started_at=NOW, ended_at=NOW
    )
    step = Step(probe="ports", asset=host)
    store.journal(lease).commit(StepResult(step=step, observations=(), attempts=(tried,), found=()))
    elsewhere = Asset(kind=AssetKind.HOST, name=f"elsewhere.{perimeter}.example", found_by=host.id)
    store.scans.end(lease, scan, [host], [elsewhere, *outside])
    judgement = Judgement(id=f"j-{scan.id}", made_at=NOW, catalogue_digest="", feeds={}, sets={}, timeline_digest="")
    store.judgements.keep(scan, judgement, findings, {"exposure": Interval(guaranteed=level, best=level)})
    return scan.id


@asynccontextmanager
async def served(settings: Settings, store: Store, setup_token: str = "") -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    """Serve the application on loopback; the client follows no redirect by itself."""
    shell = Shell(settings, store, setup_token=setup_token)
    client = TestClient(TestServer(application(shell)))
    await client.start_server()
    try:
        yield client
    finally:
        await client.close()
        shell.close()


async def log_in(client: TestClient, login: str, password: str = PASSWORD) -> int:  # type: ignore[type-arg]
    """Log in as a browser does, and return the status of the answer."""
    page = await (await client.get("/login")).text()
    token = re.search(r'name="_form" value="([^"]+)"', page)
    assert token is not None
    fields = {"_form": token[1], "login": login, "password": password, "next": ""}
    answer = await client.post("/login", data=fields, allow_redirects=False)
    return answer.status


async def csrf(client: TestClient, path: str = "/me") -> str:  # type: ignore[type-arg]
    """Return the token that the forms of the session carry."""
    page = await (await client.get(path)).text()
    found = re.search(r'name="_csrf" value="([^"]*)"', page)
    assert found is not None
    return found[1]


def populate(store: Store, settings: Settings) -> None:
    """Judge one scan of each perimeter, and make one account a role; the establishment's sees OURS only."""
    for perimeter in (OURS, FOREIGN):
        judged(store, settings, perimeter, (finding(perimeter), finding(perimeter, "certificate-trusted")))
        document = filed(perimeter)
        store.dossiers.freeze(digest(document), f"j-scan-{perimeter}")
        (settings.folder / FOLDER).mkdir(exist_ok=True)
        (settings.folder / FOLDER / f"{digest(document)}.json").write_bytes(document)
    for role in Role:
        bounds = (OURS,) if role is Role.ESTABLISHMENT else None
        store.accounts.add(Account(login=role.value, name=role.value, role=role, perimeters=bounds), PASSWORD)
    store.accounts.add(Account(login="bounded", name="b", role=Role.ADMIN, perimeters=(OURS,)), PASSWORD)


def filed(perimeter: str) -> bytes:
    """The document of the dossier that was frozen for a perimeter."""
    return f"dossier de {perimeter}".encode()


def store_of(folder: Path) -> Store:
    return open_store(folder / "hygie.sqlite", actor="tests")
