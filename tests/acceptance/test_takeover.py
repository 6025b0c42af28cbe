"""Aliases left behind at providers, scanned: what anybody could take is told, by the zone or by the provider's page."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from probes.facts.dns import AliasTarget
from rules.interface import Finding, Outcome
from scanner import run
from scanner.config.load import parse
from scanner.demo import nameserver, services
from scanner.demo.nameserver import NameServer
from scanner.demo.services import Page, Site
from scanner.judging import judge_scan
from scanner.store.store import open_store
from tests.lab.scene import DNS, configuration, zones

ROOT, RESOLVER, OWN, PROVIDERS = "127.76.0.1", "127.76.0.4", "127.76.0.2", "127.76.0.3"
DEAD, UNTOUCHED = "127.76.0.9", "127.76.9.66"
#: Whose names always exist, at these addresses of the mandate.
SITES = {"perdu": "127.76.0.20", "article": "127.76.0.21", "vivant": "127.76.0.22", "reseau": "127.76.0.23"}
_SOA = "@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns.fournisseurs.test.\n"


def _delegated(zone: str, server: str, address: str) -> str:
    return f"{zone}. 60 NS {server}.\n{server}. 60 A {address}\n"


ZONES = {
    ".": f"@ 60 SOA a.root. h 1 1 1 1 1\n@ 60 NS a.root.\na.root. 60 A {ROOT}\n"
    + _delegated("ch.test", "ns.ch.test", OWN)
    + "".join(
        _delegated(zone, "ns.fournisseurs.test", PROVIDERS)
        for zone in ("github.io", "pantheonsite.io", "azurewebsites.net", "reseau.test", "fournisseurs.test")
    )
    + _delegated("trafficmanager.net", "ns.muet.test", DEAD),
    "ch.test.": f"""
@ 60 SOA ns h 1 1 1 1 1
@ 60 NS ns
ns 60 A {OWN}
perdu 60 CNAME ch-perdu.github.io.
article 60 CNAME ch-article.github.io.
vivant 60 CNAME ch-vivant.github.io.
hors-mandat 60 CNAME ch-ailleurs.github.io.
deux-pas 60 CNAME relais
relais 60 CNAME live-ch.pantheonsite.io.
azure 60 CNAME ch-disparu.azurewebsites.net.
azure-deux-pas 60 CNAME azure
azure-vivant 60 CNAME ch-vivant.azurewebsites.net.
muet 60 CNAME ch-disparu.trafficmanager.net.
""",
    "github.io.": _SOA
    + "".join(f"ch-{name} 60 A {SITES[name]}\n" for name in ("perdu", "article", "vivant"))
    + f"ch-ailleurs 60 A {UNTOUCHED}\n",
    "pantheonsite.io.": _SOA + "live-ch 60 CNAME fe4.reseau.test.\n",
    "reseau.test.": _SOA + f"fe4 60 A {SITES['reseau']}\n",
    "azurewebsites.net.": _SOA + f"ch-vivant 60 A {SITES['vivant']}\n",
    "fournisseurs.test.": f"@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A {PROVIDERS}\n",
    # the resolver says that its names do not exist; its own servers say nothing
    "trafficmanager.net.": _SOA,
}
_MESSAGE = "There isn't a GitHub Pages site here."
_ARTICLE = f"<title>Blog</title><h1>{_MESSAGE}</h1>" + "<p>Comment nous avons compris ce message, et réparé.</p>" * 100
PAGES = {
    "perdu": Page(status=404, body=f"<title>Site not found</title><p><strong>{_MESSAGE}</strong></p>".encode()),
    "article": Page(body=_ARTICLE.encode()),
    "vivant": Page(body=b"<title>Accueil</title><p>Bienvenue</p>"),
    "reseau": Page(
        status=404, body=b"<title>404</title><h1>Unknown site</h1><p>The page could not be loaded properly.</p>"
    ),
}
#: The aliases, and what must be said of each.
EXPECTED = {
    "perdu": (Outcome.NOT_MET, "GitHub Pages"),
    "article": (Outcome.MET, ""),
    "vivant": (Outcome.MET, ""),
    "hors-mandat": (Outcome.UNDETERMINED, "provider-page-not-seen"),
    "deux-pas": (Outcome.NOT_MET, "Pantheon"),
    "relais": (Outcome.NOT_MET, "Pantheon"),
    "azure": (Outcome.NOT_MET, "Azure App Service"),
    "azure-deux-pas": (Outcome.NOT_MET, "Azure App Service"),
    "azure-vivant": (Outcome.MET, ""),
    "muet": (Outcome.UNDETERMINED, "target-zone-not-asked"),
}
MORE = f"""
[probes.dns]
roots = ["{ROOT}"]
[probes.discovery]
words = "words"
[probes.ports]
short = [8080]
patience = 0.3
[probes.web]
tls_ports = [8443]
clear_ports = [8080]
pause = 0.0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The findings by alias, the chains seen, and how often the address outside the mandate was knocked at."""

    findings: dict[str, Finding]
    chains: dict[str, tuple[str, ...]]
    knocks: int


async def _play(folder: Path) -> Told:
    knocks = 0

    async def knocked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal knocks
        knocks += 1
        writer.close()

    hosts = [f"{name}.ch.test" for name in EXPECTED]
    text = configuration(resolver=RESOLVER, domains=["ch.test"], networks=["127.76.0.0/24"], hosts=hosts, more=MORE)
    (folder / "words").write_text("rien\n")
    settings = parse(folder / "config.toml", text)
    staged = zones(ZONES)
    own = {"ch.test."}
    providers = staged.keys() - own - {".", "trafficmanager.net."}
    async with contextlib.AsyncExitStack() as stack:
        for address, server in (
            (ROOT, NameServer(zones=(staged["."],))),
            (RESOLVER, NameServer(zones=tuple(staged.values()), resolver=True)),
            (OWN, NameServer(zones=(staged["ch.test."],))),
            (PROVIDERS, NameServer(zones=tuple(staged[name] for name in sorted(providers)))),
        ):
            await stack.enter_async_context(nameserver.serving(server, address, DNS))
        for name, page in PAGES.items():
            site = Site(name=name, address=SITES[name], port=8080, pages={"/": page})
            await stack.enter_async_context(services.serving(site))
        await stack.enter_async_context(await asyncio.start_server(knocked, UNTOUCHED, 8080))
        with open_store(folder / "hygie.sqlite") as store:
            scan, _ = await run.scan(settings, store, "ch")
            dossier, record = judge_scan(settings, store, scan.id), store.record(scan.id)
    return Told(
        findings={f.asset: f for f in dossier.findings if f.rule == "dns-alias-not-claimable"},
        chains={o.asset.name: o.fact.chain for o in record.observations if isinstance(o.fact, AliasTarget)},
        knocks=knocks,
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return asyncio.run(_play(tmp_path_factory.mktemp("takeover")))


@pytest.mark.parametrize("name", EXPECTED)
def test_an_alias_is_told_by_its_target(told: Told, name: str) -> None:
    finding = told.findings[f"host:{name}.ch.test"]
    outcome, word = EXPECTED[name]
    assert finding.outcome is outcome
    assert word in {"", finding.reason, finding.values.get("held")}


def test_a_chain_is_kept_link_by_link(told: Told) -> None:
    links = ("relais.ch.test", "live-ch.pantheonsite.io", "fe4.reseau.test")
    assert told.chains["deux-pas.ch.test"] == links


def test_a_provider_outside_the_mandate_hears_nothing(told: Told) -> None:
    assert told.knocks == 0
