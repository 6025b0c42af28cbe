"""Virtual hosts of a real nginx: sites left behind are found; default pages and other names of a site are not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

import dns.name
import dns.zone
import pytest

from probes.discovery.vhosts import VhostProbe, VhostSettings
from probes.facts.discovery import VirtualHost, VirtualHosts
from probes.interface import Asset, AssetKind, FoundIn, ProbeError, Reason, Scope, Shortfall, Sight, service
from scanner.demo import nameserver
from scanner.demo.certificates import leaf
from scanner.demo.nameserver import NameServer
from tests.lab.line import open_line
from tests.lab.nginx import nginx
from tests.lab.wires import says, speaking

pytestmark = pytest.mark.daemon

SITE, RESOLVER, PORT = "127.78.6.1", "127.78.6.53", 53053
TWIN = "127.78.6.3"
ZONE = f"@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A {RESOLVER}\nwww 60 A {SITE}\nailleurs 60 A 127.78.6.9\n"
ZONE += f"jumeau 60 A {TWIN}\n"
SERVERS = f"""
server {{ listen {SITE}:8080 default_server; default_type text/html;
  return 200 "<html><title>Bienvenue</title></html>"; }}
server {{ listen {SITE}:8080; server_name www.ch.test; default_type text/html;
  return 200 "<html><title>Accueil</title></html>"; }}
server {{ listen {SITE}:8080; server_name ancien.ch.test ailleurs.ch.test; default_type text/html;
  return 200 "<html><title>Ancien portail</title></html>"; }}
server {{ listen {SITE}:8080; server_name ferme.ch.test; return 404; }}
server {{ listen {SITE}:8080; server_name vers-tls.ch.test; return 301 https://$host/; }}
server {{ listen {SITE}:8080; server_name vers-www.ch.test; return 301 http://www.ch.test/accueil; }}
server {{ listen {SITE}:8080; server_name appli.ch.test; return 302 /connexion; }}
server {{ listen {SITE}:8080; server_name prive.ch.test; return 401; }}
server {{ listen {SITE}:8080; server_name *.pages.ch.test; default_type text/html;
  return 200 "<html><title>Rien sur $host</title></html>"; }}
server {{ listen {SITE}:8080; listen {TWIN}:8080; server_name jumeau.ch.test; default_type text/html;
  return 200 "<html><title>Jumeau</title></html>"; }}
server {{ listen {SITE}:8080; server_name autre-nom-de-www.ch.test; default_type text/html;
  return 200 "<html><title>Accueil</title></html>"; }}
server {{ listen {SITE}:8081; default_type text/html;
  return 200 "<html><title>Bienvenue sur $host</title></html>"; }}
server {{ listen {SITE}:8082; default_type text/html;
  return 200 "<html><title>Tirage $request_id</title><p>a$msec b$connection c$pid</p></html>"; }}
"""


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with nginx(tmp_path_factory.mktemp("vhosts"), SERVERS, [(SITE, 8080), (SITE, 8081), (SITE, 8082), (TWIN, 8080)]):
        yield


async def look(
    port: int,
    *names: str,
    networks: tuple[str, ...] = ("127.0.0.0/8",),
    tls_ports: tuple[int, ...] = (),
    scope: Scope | None = None,
    sites: tuple[str, ...] = (SITE,),
    met: tuple[Asset, ...] = (),
) -> list[object]:
    line = open_line(domains=["ch.test"], networks=networks, resolver=RESOLVER, resolver_port=PORT)
    settings = VhostSettings(
        clear_ports=(8080, 8081, 8082),
        tls_ports=tls_ports,
        names=names,
        scope=scope or Scope(),
        pause=0.0,
        longest_pause=0.05,
    )
    probe = VhostProbe(settings)
    probe.met = met
    zone = dns.zone.from_text(ZONE, dns.name.from_text("ch.test."), relativize=False)
    async with contextlib.AsyncExitStack() as stack:
        resolver = NameServer(zones=(zone,), resolver=True)
        await stack.enter_async_context(nameserver.serving(resolver, RESOLVER, PORT))
        found: list[object] = []
        for label in ("www", "rdv"):
            asset = service("tcp", port, f"{label}.ch.test", addresses=sites)
            assert probe.wants(asset)
            found += [y.fact if isinstance(y, Sight) else y async for y in probe.look(asset, line)]
        return found


async def test_sites_whose_names_lead_elsewhere_or_nowhere_are_found() -> None:
    names = ("ailleurs.ch.test", "ancien.ch.test", "ferme.ch.test", "jamais.ch.test", "www.ch.test")
    expected = VirtualHosts(
        address=SITE,
        port=8080,
        tried=4,
        reliable=True,
        answered=(
            VirtualHost(name="ancien.ch.test", title="Ancien portail"),
            VirtualHost(name="ailleurs.ch.test", title="Ancien portail", led=("127.78.6.9",)),
        ),
    )
    # two names of one server are told the same, and asked once; a site that has no other place is looked at where it is
    found = await look(8080, *names)
    sites = [
        Asset(
            kind=AssetKind.SERVICE,
            name="tcp/8080@ancien.ch.test",
            addresses=(SITE,),
            found_by=f"service:tcp/8080@{by}.ch.test",
            found_in=FoundIn.VIRTUAL_HOST,
        )
        for by in ("www", "rdv")
    ]
    assert found == [expected, sites[0], expected, sites[1]]
    assert not VhostProbe(VhostSettings(names=names, clear_ports=(8080,))).wants(sites[0])


def host(name: str, *addresses: str) -> Asset:
    return Asset(kind=AssetKind.HOST, name=f"{name}.ch.test", addresses=addresses, found_in=FoundIn.LINK)


async def test_names_met_anywhere_in_the_scan_are_tried_within_the_mandate() -> None:
    known = service("tcp", 8080, "ailleurs.ch.test", addresses=["127.78.6.9"])
    met = (
        Asset(kind=AssetKind.DOMAIN, name="ch.test"),
        host("www", SITE),
        host("ailleurs", "127.78.6.9"),
        known,
        host("ancien"),
        host("_dmarc"),
        Asset(kind=AssetKind.HOST, name="ancien.voisin.test"),
    )
    first, *sites = await look(8080, scope=Scope(domains=("ch.test",)), met=met)
    assert isinstance(first, VirtualHosts)
    assert (first.tried, [site.name for site in first.answered]) == (3, ["ancien.ch.test", "ailleurs.ch.test"])
    # what has its own place under that name is not mixed with the site found here
    assert {s.name for s in sites if isinstance(s, Asset)} == {"tcp/8080@ancien.ch.test"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        # the way to a page of the same name, a login asked for
        ("appli", True),
        ("prive", True),
        # the way to the same place over TLS, or to another name
        ("vers-tls", False),
        ("vers-www", False),
        # any name under it is answered so
        ("a.pages", False),
        # another name of a site that the DNS leads here
        ("autre-nom-de-www", False),
        # a server of several addresses: the site is the one that the DNS leads to
        ("jumeau", False),
    ],
)
async def test_what_is_a_site_of_its_own(name: str, shown: bool) -> None:
    (first, *_) = await look(8080, scope=Scope(domains=("ch.test",)), met=(host(name), host("www", SITE)))
    assert isinstance(first, VirtualHosts)
    assert [site.name for site in first.answered] == [f"{name}.ch.test"] * shown


async def test_names_of_the_servers_own_certificate_are_tried_within_the_mandate(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder, now = tmp_path_factory.mktemp("certificate"), datetime.now(UTC)
    names = ("www.ch.test", "intranet.ch.test", "exclu.ch.test", "site.ailleurs.test", "*.ch.test")
    chain, key = leaf(None, names, now).pem()
    (folder / "c.pem").write_bytes(chain)
    (folder / "c.key").write_bytes(key)
    tls = f"listen {SITE}:8443 ssl; ssl_certificate {folder}/c.pem; ssl_certificate_key {folder}/c.key;"
    # a site is shown only to whom asks for it in the SNI too
    page = "if ($ssl_server_name != $host) { return 421; } default_type text/html; return 200"
    servers = f"""
      server {{ {tls} server_name www.ch.test; return 404; }}
      server {{ {tls} server_name intranet.ch.test exclu.ch.test site.ailleurs.test;
        {page} "<html><title>Intranet</title></html>"; }}"""
    scope = Scope(domains=("ch.test",), excluded_names=("exclu.ch.test",))
    with nginx(folder / "tls", servers, [(SITE, 8443)]):
        (first, *_) = await look(
            8443, "www.ch.test", *(f"a{n}.ch.test" for n in range(50)), tls_ports=(8443,), scope=scope
        )
    assert isinstance(first, VirtualHosts)
    # however many hosts are declared
    assert (first.tried, first.answered) == (40, (VirtualHost(name="intranet.ch.test", title="Intranet"),))


async def test_a_server_that_repeats_any_name_shows_no_site() -> None:
    (first, _) = await look(8081, "ancien.ch.test")
    assert isinstance(first, VirtualHosts)
    assert (first.reliable, first.answered) == (True, ())


async def test_a_server_that_answers_at_random_is_not_believed() -> None:
    (first, _) = await look(8082, "ancien.ch.test")
    assert isinstance(first, VirtualHosts)
    assert (first.reliable, first.answered) == (False, ())


async def test_a_server_that_never_ends_an_answer_is_asked_for_no_more_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.web.origin.DEADLINE", 0.3)
    drip = says(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", b"x", times=1000, pause=0.05)
    async with speaking(drip, "127.78.6.2", 8080) as heard:
        with pytest.raises(ProbeError) as caught:
            await look(8080, *(f"n{n}.ch.test" for n in range(20)), sites=("127.78.6.2",))
    assert (caught.value.reason, len(heard)) == (Reason.TIMED_OUT, 3)


async def test_each_address_of_a_service_is_asked_and_one_that_fails_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.web.origin.DEADLINE", 0.3)
    dead = "127.78.6.2"
    drip = says(b"HTTP/1.1 200 OK\r\n\r\n", b"x", times=1000, pause=0.05)
    async with speaking(drip, dead, 8080):
        found = await look(8080, "ancien.ch.test", "jamais.ch.test", "rien.ch.test", sites=(TWIN, dead, SITE))
    facts = [seen for seen in found if isinstance(seen, VirtualHosts)]
    served = {fact.address: [site.name for site in fact.answered] for fact in facts}
    assert served == {TWIN: [], SITE: ["ancien.ch.test"]}
    missed = [seen for seen in found if isinstance(seen, Shortfall)]
    assert {(m.reason, m.detail.partition(":")[0]) for m in missed} == {(Reason.TIMED_OUT, dead)}


async def test_only_names_that_lead_here_leave_nothing_to_ask() -> None:
    assert await look(8080, "www.ch.test") == []


async def test_an_address_that_no_network_lists_is_not_asked_for_other_names() -> None:
    assert await look(8080, "ancien.ch.test", networks=("127.78.6.53/32",)) == []
