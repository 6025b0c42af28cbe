"""Virtual hosts of a real nginx: sites left behind are found, default pages and catch-alls are not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

import dns.name
import dns.zone
import pytest

from probes.discovery.vhosts import VhostProbe, VhostSettings
from probes.facts.discovery import VirtualHost, VirtualHosts
from probes.interface import ProbeError, Reason, Scope, Sight, service
from scanner.demo import nameserver
from scanner.demo.certificates import leaf
from scanner.demo.nameserver import NameServer
from tests.lab.line import open_line
from tests.lab.nginx import nginx
from tests.lab.wires import says, speaking

pytestmark = pytest.mark.daemon

SITE, RESOLVER, PORT = "127.78.6.1", "127.78.6.53", 53053
ZONE = f"@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A {RESOLVER}\nwww 60 A {SITE}\nailleurs 60 A 127.78.6.9\n"
SERVERS = f"""
server {{ listen {SITE}:8080 default_server; default_type text/html;
  return 200 "<html><title>Bienvenue</title></html>"; }}
server {{ listen {SITE}:8080; server_name www.ch.test; default_type text/html;
  return 200 "<html><title>Accueil</title></html>"; }}
server {{ listen {SITE}:8080; server_name ancien.ch.test ailleurs.ch.test; default_type text/html;
  return 200 "<html><title>Ancien portail</title></html>"; }}
server {{ listen {SITE}:8080; server_name ferme.ch.test; return 404; }}
server {{ listen {SITE}:8081; default_type text/html;
  return 200 "<html><title>Bienvenue sur $host</title></html>"; }}
"""


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with nginx(tmp_path_factory.mktemp("vhosts"), SERVERS, [(SITE, 8080), (SITE, 8081)]):
        yield


async def look(
    port: int,
    *names: str,
    networks: tuple[str, ...] = ("127.0.0.0/8",),
    tls_ports: tuple[int, ...] = (),
    scope: Scope | None = None,
    site: str = SITE,
) -> list[object]:
    line = open_line(domains=["ch.test"], networks=networks, resolver=RESOLVER, resolver_port=PORT)
    settings = VhostSettings(
        clear_ports=(8080, 8081), tls_ports=tls_ports, names=names, scope=scope or Scope(), pause=0.0
    )
    probe = VhostProbe(settings)
    zone = dns.zone.from_text(ZONE, dns.name.from_text("ch.test."), relativize=False)
    async with contextlib.AsyncExitStack() as stack:
        resolver = NameServer(zones=(zone,), resolver=True)
        await stack.enter_async_context(nameserver.serving(resolver, RESOLVER, PORT))
        found: list[object] = []
        for label in ("www", "rdv"):
            asset = service("tcp", port, f"{label}.ch.test", addresses=[site])
            assert probe.wants(asset)
            found += [y.fact async for y in probe.look(asset, line) if isinstance(y, Sight)]
        return found


async def test_sites_whose_names_lead_elsewhere_or_nowhere_are_found() -> None:
    names = ("ailleurs.ch.test", "ancien.ch.test", "ferme.ch.test", "jamais.ch.test", "www.ch.test")
    expected = VirtualHosts(
        address=SITE,
        port=8080,
        tried=4,
        reliable=True,
        answered=(
            VirtualHost(name="ailleurs.ch.test", title="Ancien portail"),
            VirtualHost(name="ancien.ch.test", title="Ancien portail"),
        ),
    )
    # two names of one server are told the same, and asked once
    assert await look(8080, *names) == [expected, expected]


async def test_names_of_the_servers_own_certificate_are_tried_within_the_mandate(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder, now = tmp_path_factory.mktemp("certificate"), datetime.now(UTC)
    names = ("www.ch.test", "intranet.ch.test", "exclu.ch.test", "site.ailleurs.test", "*.ch.test")
    chain, key = leaf(None, names, now).pem()
    (folder / "c.pem").write_bytes(chain)
    (folder / "c.key").write_bytes(key)
    tls = f"listen {SITE}:8443 ssl; ssl_certificate {folder}/c.pem; ssl_certificate_key {folder}/c.key;"
    page = "default_type text/html; return 200"
    servers = f"""
      server {{ {tls} server_name www.ch.test; return 404; }}
      server {{ {tls} server_name intranet.ch.test exclu.ch.test site.ailleurs.test;
        {page} "<html><title>Intranet</title></html>"; }}"""
    scope = Scope(domains=("ch.test",), excluded_names=("exclu.ch.test",))
    with nginx(folder / "tls", servers, [(SITE, 8443)]):
        (first, _) = await look(
            8443, "www.ch.test", *(f"a{n}.ch.test" for n in range(30)), tls_ports=(8443,), scope=scope
        )
    assert isinstance(first, VirtualHosts)
    # however many hosts are declared
    assert (first.tried, first.answered) == (25, (VirtualHost(name="intranet.ch.test", title="Intranet"),))


async def test_a_server_that_echoes_any_name_is_not_believed() -> None:
    (first, _) = await look(8081, "ancien.ch.test")
    assert isinstance(first, VirtualHosts)
    assert (first.reliable, first.answered) == (False, ())


async def test_a_server_that_never_ends_an_answer_is_asked_for_no_more_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.web.fetch.DEADLINE", 0.3)
    drip = says(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", b"x", times=1000, pause=0.05)
    async with speaking(drip, "127.78.6.2", 8080) as heard:
        with pytest.raises(ProbeError) as caught:
            await look(8080, *(f"n{n}.ch.test" for n in range(20)), site="127.78.6.2")
    assert (caught.value.reason, len(heard)) == (Reason.TIMED_OUT, 3)


async def test_only_names_that_lead_here_leave_nothing_to_ask() -> None:
    assert await look(8080, "www.ch.test") == []


async def test_an_address_that_no_network_lists_is_not_asked_for_other_names() -> None:
    assert await look(8080, "ancien.ch.test", networks=("127.78.6.53/32",)) == []
