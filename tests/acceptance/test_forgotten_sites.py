"""Sites whose name is gone from the DNS but that a server still answers to: found by names met anywhere in the scan."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from probes.facts.web import WebOrigin
from probes.interface import Fact, FoundIn, Observation
from rules.interface import Finding, Outcome
from scanner import run
from scanner.config.load import parse
from scanner.demo import nameserver, services
from scanner.demo.certificates import leaf
from scanner.demo.nameserver import NameServer
from scanner.demo.services import Page, Site
from scanner.imports import import_file
from scanner.judging import judge_scan
from scanner.store.store import open_store
from tests.lab.nginx import nginx
from tests.lab.scene import DNS, configuration, zones

pytestmark = pytest.mark.daemon

ROOT, OWN, SITE, OTHER = "127.77.0.1", "127.77.0.2", "127.77.0.10", "127.77.0.11"
#: Where each name was met. Those of the zone lead to a provider outside the mandate; the others lead nowhere.
MET = {
    "lien": FoundIn.LINK,
    "politique": FoundIn.CSP,
    "renvoi": FoundIn.REDIRECT,
    "certifie": FoundIn.CERTIFICATE,
    "relais": FoundIn.SPF,
    "pointe": FoundIn.PTR,
    "transfere": FoundIn.TRANSFER,
    "devine": FoundIn.WORD_LIST,
    "importe": FoundIn.LIST,
}
LED = {"transfere", "devine"}
ZONES = {
    ".": f"@ 60 SOA a.root. h. 1 1 1 1 1\n@ 60 NS a.root.\na.root. 60 A {ROOT}\n"
    f"ch.test. 60 NS ns.ch.test.\nns.ch.test. 60 A {OWN}\n",
    "ch.test.": f"""
@ 60 SOA ns h 1 1 1 1 1
@ 60 NS ns
@ 60 TXT "v=spf1 a:relais.ch.test -all"
ns 60 A {OWN}
www 60 A {OTHER}
rdv 60 A {SITE}
transfere 60 A 203.0.113.9
devine 60 A 203.0.113.9
""",
    "0.77.127.in-addr.arpa.": "@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\n10 60 PTR pointe.ch.test.\n",
}
SERVERS = """
log_format hosts '$server_port $host'; access_log {folder}/hosts hosts;
server {{ listen {site}:8080 default_server; return 404; }}
server {{ listen {site}:8443 ssl default_server; ssl_certificate {folder}/c.pem; ssl_certificate_key {folder}/c.key;
  return 404; }}
server {{ listen {site}:8443 ssl; ssl_certificate {folder}/c.pem; ssl_certificate_key {folder}/c.key;
  server_name {names}; default_type text/html;
  if ($ssl_server_name != $host) {{ return 421; }}
  location = / {{ return 200 "<html><title>Ancien intranet</title></html>"; }}
  location = /.git/HEAD {{ default_type text/plain; return 200 "ref: refs/heads/master\\n"; }} }}
"""
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
longest_pause = 0.05
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one scan left: findings by rule and asset, observations, and each name that a port of the site heard."""

    findings: dict[tuple[str, str], Finding]
    observations: tuple[Observation[Fact], ...]
    attempts: tuple[tuple[str, str], ...]
    heard: list[str]


def _other_site(now: datetime) -> list[Site]:
    """The site that cites the forgotten names, and two that are none of ours to ask for."""
    links = ("lien.ch.test", "voisin.ailleurs.test", "exclu.ch.test")
    body = "<html><title>x</title>" + "".join(f'<a href="https://{name}/">a</a>' for name in links)
    tls = Site(
        name="www.ch.test",
        address=OTHER,
        port=8443,
        identity=leaf(None, ("www.ch.test", "certifie.ch.test"), now),
        headers={"Content-Security-Policy": "default-src 'self' https://politique.ch.test"},
        pages={"/": Page(body=body.encode())},
    )
    moved = Page(status=302, headers={"Location": "http://renvoi.ch.test/"})
    return [tls, Site(name="www.ch.test", address=OTHER, port=8080, pages={"/": moved})]


async def _play(folder: Path) -> Told:
    now = datetime.now(UTC)
    text = configuration(
        resolver=ROOT, domains=["ch.test"], networks=["127.77.0.0/28"], hosts=["www.ch.test"], more=MORE,
        mandate='excluded_names = ["exclu.ch.test"]',
    )  # fmt: skip
    (folder / "words").write_text("devine\nrien\n")
    (folder / "list").write_text("importe.ch.test\n")
    settings = parse(folder / "config.toml", text)
    chain, key = leaf(None, ("rdv.ch.test",), now).pem()
    (folder / "c.pem").write_bytes(chain)
    (folder / "c.key").write_bytes(key)
    names = " ".join(f"{name}.ch.test" for name in (*MET, "exclu")) + " voisin.ailleurs.test"
    servers = SERVERS.format(folder=folder, site=SITE, names=names)
    staged = zones(ZONES)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(nginx(folder, servers, [(SITE, 8443), (SITE, 8080)]))
        root = NameServer(zones=tuple(staged.values()), resolver=True)
        own = NameServer(zones=(staged["ch.test."],), transfers=True)
        await stack.enter_async_context(nameserver.serving(root, ROOT, DNS))
        await stack.enter_async_context(nameserver.serving(own, OWN, DNS))
        for site in _other_site(now):
            await stack.enter_async_context(services.serving(site))
        with open_store(folder / "hygie.sqlite") as store:
            await import_file(settings, store, "names", folder / "list")
            scan, _ = await run.scan(settings, store, "ch")
            dossier, record = judge_scan(settings, store, scan.id), store.record(scan.id)
    return Told(
        findings={(f.rule, f.asset): f for f in dossier.findings},
        observations=record.observations,
        attempts=tuple((a.asset, a.probe.partition("@")[0]) for a in record.attempts),
        heard=(folder / "hosts").read_text().splitlines(),
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return asyncio.run(_play(tmp_path_factory.mktemp("forgotten")))


@pytest.mark.parametrize("name", MET)
def test_a_forgotten_site_is_found_by_a_name_met_in(told: Told, name: str) -> None:
    finding = told.findings["exposure-sites-still-named", "service:tcp/8443@rdv.ch.test"]
    assert (finding.outcome, finding.values["address"]) == (Outcome.NOT_MET, SITE)
    led = " (203.0.113.9)" if name in LED else ""
    assert f"{name}.ch.test{led}" in {o.name for o in finding.objects}


def test_only_names_of_the_mandate_are_asked_for_and_each_once(told: Told) -> None:
    finding = told.findings["exposure-sites-still-named", "service:tcp/8443@rdv.ch.test"]
    assert {o.id.partition(".")[0] for o in finding.objects} == set(MET)
    assert not [line for line in told.heard if "ailleurs" in line or "exclu" in line]
    # in clear nothing is there, so each name was asked for once: the site is looked at no further
    asked = [told.heard.count(f"8080 {name}.ch.test") for name in MET]
    assert asked == [1] * len(MET)


def test_a_site_whose_name_has_another_place_is_told_and_not_taken_for_that_place(told: Told) -> None:
    assert not {o.asset.name for o in told.observations} & {f"tcp/8443@{name}.ch.test" for name in LED}


@pytest.mark.parametrize("name", sorted(MET.keys() - LED))
def test_the_site_is_looked_at_under_its_name_where_it_is(told: Told, name: str) -> None:
    asset = f"service:tcp/8443@{name}.ch.test"
    (origin,) = (o for o in told.observations if isinstance(o.fact, WebOrigin) and o.asset.id == asset and o.look == 1)
    assert isinstance(origin.fact, WebOrigin)
    assert (origin.fact.title, origin.fact.address, origin.asset.found_in) == (
        "Ancien intranet",
        SITE,
        FoundIn.VIRTUAL_HOST,
    )
    assert told.findings["web-repository-closed", asset].outcome is Outcome.NOT_MET
    # its certificate is nobody's business: no browser is led there
    assert (asset, "tls") not in told.attempts
    assert ("certificate-names-the-service", asset) not in told.findings
