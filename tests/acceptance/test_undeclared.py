"""Names in undeclared places are found; those outside the mandate are candidates, untouched, for a person to judge."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from probes.interface import Asset
from scanner import run
from scanner.cli import app
from scanner.config.load import parse
from scanner.demo import nameserver, services
from scanner.demo.certificates import authority, leaf
from scanner.demo.nameserver import NameServer
from scanner.demo.services import Page, Site
from scanner.imports import import_file
from scanner.store.store import open_store
from tests.lab.scene import DNS, configuration, zones

ROOT, OWN, SITE, DECOY = "127.79.0.1", "127.79.0.2", "127.79.0.10", "127.79.9.66"
ZONES = {
    ".": f"@ 60 SOA a.root. h. 1 1 1 1 1\n@ 60 NS a.root.\na.root. 60 A {ROOT}\n"
    f"ch.test. 60 NS ns.ch.test.\nns.ch.test. 60 A {OWN}\nailleurs.test. 60 NS ns.ch.test.\n",
    "ch.test.": f"""
@ 60 SOA ns h 1 1 1 1 1
@ 60 NS ns
ns 60 A {OWN}
@ 60 TXT "v=spf1 include:_spf-maison.ch.test a:relais-cache.ch.test include:_spf.ailleurs.test -all"
www 60 A {SITE}
"""
    + "".join(
        f"{name} 60 A {SITE}\n"
        for name in ("lien", "politique", "autre-nom", "relais-cache", "journal", "vpn", "renvoi")
    ),
    "ailleurs.test.": f"@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\n* 60 A {DECOY}\n"
    + "".join(f"{name} 60 A {DECOY}\n" for name in ("lien", "politique", "san", "journal")),
}


def _sites(now: datetime) -> list[Site]:
    # One sends on to a name of the house, which sends on to one that is not.
    moved = [
        Site(name=name, address=SITE, port=port, pages={"/": Page(status=302, headers={"Location": f"http://{to}/"})})
        for name, port, to in (
            ("www.ch.test", 8080, "renvoi.ch.test:8081"),
            ("renvoi.ch.test", 8081, "renvoi.ailleurs.test:8080"),
        )
    ]
    return [_site(now), *moved]


def _site(now: datetime) -> Site:
    signer = authority("AC", now)
    body = '<!doctype html><html><title>x</title><a href="https://lien.ch.test/">a</a>'
    body += '<img src="//lien.ailleurs.test/b.png"></html>'
    headers = {"Content-Security-Policy": "default-src 'self' https://politique.ch.test politique.ailleurs.test"}
    return Site(
        name="www.ch.test",
        address=SITE,
        port=8443,
        identity=leaf(signer, ("www.ch.test", "autre-nom.ch.test", "san.ailleurs.test"), now),
        headers=headers,
        pages={"/": Page(body=body.encode())},
    )


MORE = f"""
[probes.dns]
roots = ["{ROOT}"]
[probes.discovery]
words = "words"
[probes.ports]
short = [8443, 8080]
patience = 0.3
[probes.tls]
ports = [8443]
[probes.web]
tls_ports = [8443]
clear_ports = [8080]
pause = 0.0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What two scans and an import between them left."""

    folder: Path
    assets: dict[str, Asset]
    outside: dict[str, Asset]
    knocks: int


async def _play(folder: Path) -> Told:
    now, knocks = datetime.now(UTC), 0

    async def knocked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal knocks
        knocks += 1
        writer.close()

    text = configuration(
        resolver=ROOT, domains=["ch.test"], networks=["127.79.0.0/28"], hosts=["www.ch.test"], more=MORE
    )
    (folder / "words").write_text("vpn\nrien\n")
    (folder / "config.toml").write_text(text)
    settings = parse(folder / "config.toml", text)
    logged = [{"name_value": "journal.ch.test\nperime.ch.test\njournal.ailleurs.test", "not_after": "2027-01-01"}]
    (folder / "crt.json").write_text(json.dumps(logged))
    staged = zones(ZONES)
    async with contextlib.AsyncExitStack() as stack:
        root = NameServer(zones=tuple(staged.values()), resolver=True)
        own = NameServer(zones=(staged["ch.test."], staged["ailleurs.test."]))
        await stack.enter_async_context(nameserver.serving(root, ROOT, DNS))
        await stack.enter_async_context(nameserver.serving(own, OWN, DNS))
        for site in _sites(now):
            await stack.enter_async_context(services.serving(site))
        for port in (8443, 8080):
            await stack.enter_async_context(await asyncio.start_server(knocked, DECOY, port))
        with open_store(folder / "hygie.sqlite") as store:
            await import_file(settings, store, "ct", folder / "crt.json")
            scan, _ = await run.scan(settings, store, "ch")
            assets = {a.id: a for a in store.record(scan.id).assets}
            outside = {a.id: a for a in store.records.outside(scan.id)}
    return Told(folder=folder, assets=assets, outside=outside, knocks=knocks)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return asyncio.run(_play(tmp_path_factory.mktemp("undeclared")))


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("lien", "link"),
        ("politique", "csp"),
        ("autre-nom", "certificate"),
        ("relais-cache", "spf"),
        ("_spf-maison", "spf"),
        ("renvoi", "redirect"),
        ("vpn", "word-list"),
        ("journal", "certificate-transparency"),
    ],
)
def test_a_name_in_an_undeclared_place_is_found_and_looked_at(told: Told, name: str, place: str) -> None:
    asset = told.assets[f"host:{name}.ch.test"]
    assert asset.found_in.value == place
    assert asset.addresses == (() if name == "_spf-maison" else (SITE,))


def test_an_imported_name_that_no_longer_exists_is_no_discovery(told: Told) -> None:
    assert "host:perime.ch.test" not in told.assets


def test_names_outside_the_mandate_are_candidates_and_hear_nothing(told: Told) -> None:
    expected = {"lien": "link", "politique": "csp", "san": "certificate", "renvoi": "redirect"}
    assert {name: told.outside[f"host:{name}.ailleurs.test"].found_in.value for name in expected} == expected
    assert told.outside["host:_spf.ailleurs.test"].found_in.value == "spf"
    assert told.knocks == 0


def hygie(told: Told, *words: str) -> Result:
    config = ("-c", str(told.folder / "config.toml"))
    return CliRunner().invoke(app, [*words, *config], catch_exceptions=False)


def test_a_person_decides_and_the_log_keeps_who(told: Told) -> None:
    listed = json.loads(hygie(told, "candidates", "--json").stdout)
    by_id = {c["asset"]: c for c in listed}
    assert by_id["host:journal.ailleurs.test"]["found_in"] == "certificate-transparency"
    assert {c["state"] for c in listed} == {"open"}
    promoted = hygie(told, "candidates", "promote", "host:lien.ailleurs.test", "--reason", "notre prestataire")
    assert promoted.exit_code == 0
    assert 'name = "lien.ailleurs.test"' in promoted.stdout
    assert "tant que le mandat signé ne le couvre pas" in promoted.stdout
    assert hygie(told, "candidates", "reject", "host:san.ailleurs.test", "--reason", "pas à nous").exit_code == 0
    lines = hygie(told, "candidates", "--state", "all").stdout.splitlines()
    assert any(line.startswith("host:san.ailleurs.test  écarté  certificat") for line in lines)
    assert not any("san.ailleurs.test" in line for line in hygie(told, "candidates").stdout.splitlines())
    with open_store(told.folder / "hygie.sqlite") as store:
        events = [(e.event, e.about.get("asset"), bool(e.actor)) for e in store.audit.events()]
    assert ("candidate-promoted", "host:lien.ailleurs.test", True) in events
    assert ("candidate-rejected", "host:san.ailleurs.test", True) in events


def test_what_cannot_be_decided_is_said(told: Told) -> None:
    unknown = hygie(told, "candidates", "reject", "host:inconnu.test", "--reason", "x")
    assert (unknown.exit_code, unknown.stdout) == (3, "")
    assert "is no candidate" in unknown.stderr
    assert hygie(told, "candidates", "reject", "host:politique.ailleurs.test", "--reason", " ").exit_code == 2
