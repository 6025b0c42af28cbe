"""Name servers as they are run: Knot, NSD, BIND and unbound, well kept, badly kept, lame, stale and lying."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest

from probes.dns.probe import DnsProbe, DnsSettings
from probes.dns.walk import Walker
from probes.facts.dns import AliasTarget, Delegation, DnsRecords, NameServerSeen, Presence
from probes.interface import Asset, AssetKind, Fact, FoundIn, ProbeError, Sight
from tests.lab import liars
from tests.lab.line import open_line
from tests.lab.nameservers import serving

pytestmark = pytest.mark.daemon

PORT, ROOT, TLD = 53053, "127.78.4.1", "127.78.4.2"
KNOT, NSD, BIND, UNBOUND, LIAR, GONE = "127.78.4.3", "127.78.4.4", "127.0.0.1", "127.78.4.6", "127.78.4.7", "127.78.4.8"
SOA = "@ SOA ns1 dsi 2026112401 7200 3600 1209600 3600\n"
#: A domain a case: its servers by the parent (name, address), and the zone's own text.
CASES = {
    "tenu": {"ns1": KNOT, "ns2": NSD},
    "bavard": {"ns1": BIND},
    "ouvert": {"ns1": UNBOUND},
    "boiteux": {"ns1": KNOT, "ns2": NSD},
    "perime": {"ns1": "127.78.4.99", "ns2": KNOT},
    "ancien": {"ns1": LIAR},
    "muet": {"ns1": GONE},
}
TLD_TEXT = "@ SOA ns h 1 7200 3600 1209600 3600\n@ NS ns\nns A 127.78.4.2\n" + "".join(
    f"{case} NS {name}.{case}\n{name}.{case} A {address}\n"
    for case, servers in CASES.items()
    for name, address in servers.items()
)
TENU = (
    SOA
    + f'@ NS ns1\n@ NS ns2\nns1 A {KNOT}\nns2 A {NSD}\n@ CAA 0 issue "ac.test"\nwww A 192.0.2.1\n'
    + ("vers-app CNAME app.disparu.test.\nlong CNAME etape.tenu.test.\netape CNAME fin.disparu.test.\n")
)
BAVARD = SOA + f"@ NS ns1\nns1 A {BIND}\n" + "".join(f"poste{i} A 192.0.2.{i}\n" for i in range(30))
PERIME = SOA + f"@ NS ns1\n@ NS ns2\nns1 A {KNOT}\nns2 A {KNOT}\n"
BOITEUX = SOA + f"@ NS ns1\n@ NS ns2\n@ NS ns9.nulle-part.test.\nns1 A {KNOT}\nns2 A {NSD}\n"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("servers")
    root = f"@ SOA a.root. h. 1 7200 3600 1209600 3600\n@ NS a.root.\na.root. A {ROOT}\n"
    root += f"test. NS ns.test.\nns.test. A {TLD}\n"
    with contextlib.ExitStack() as stack:
        up = stack.enter_context
        up(serving("knot", folder, ROOT, {".": root}))
        up(serving("nsd", folder, TLD, {"test.": TLD_TEXT}))
        knot = {"tenu.test.": TENU, "boiteux.test.": BOITEUX, "perime.test.": PERIME}
        up(serving("knot", folder, KNOT, knot))
        # the secondary of one case does not know the other
        up(serving("nsd", folder, NSD, {"tenu.test.": TENU}))
        up(serving("bind", folder, BIND, {"bavard.test.": BAVARD}, more='allow-transfer { any; }; version "9.8.1-P1";'))
        more = '  local-zone: "root-servers.net." static\n  local-data: "a.root-servers.net. A 198.41.0.4"\n'
        up(serving("unbound", folder, UNBOUND, {}, more=more))
        yield


async def look(name: str, *, kind: AssetKind = AssetKind.DOMAIN) -> list[Fact]:
    domain = ".".join(name.split(".")[-2:])
    line = open_line(domains=[domain], dns_port=PORT)
    probe = DnsProbe(DnsSettings(roots=(ROOT,)))
    return [y.fact async for y in probe.look(Asset(kind=kind, name=name), line) if isinstance(y, Sight)]


async def delegation(case: str) -> tuple[Delegation, dict[str, NameServerSeen]]:
    found = next(f for f in await look(f"{case}.test") if isinstance(f, Delegation))
    return found, {s.name.split(".")[0]: s for s in found.servers}


async def test_two_servers_well_kept(servers: None) -> None:
    fact, by_name = await delegation("tenu")
    assert fact.by_parent == fact.by_zone == ("ns1.tenu.test", "ns2.tenu.test")
    for server in by_name.values():
        assert (server.udp, server.tcp, server.edns, server.authoritative) == (True, True, True, True)
        assert (server.transfer, server.recursive, server.serial) == (0, False, 2026112401)
    assert [(g.parent, g.zone) for g in fact.glue] == [((KNOT,), (KNOT,)), ((NSD,), (NSD,))]
    assert (fact.dangling, fact.registrable) == ((), ())


async def test_a_server_that_gives_its_zone_and_its_version(servers: None) -> None:
    fact, by_name = await delegation("bavard")
    assert (by_name["ns1"].transfer, by_name["ns1"].version) == (32, "9.8.1-P1")
    led = {lead.text for lead in fact.leads() if lead.found_in is FoundIn.TRANSFER}
    assert {"poste0.bavard.test", "poste29.bavard.test", "ns1.bavard.test"} <= led


async def test_a_resolver_open_to_anybody_in_the_place_of_a_name_server(servers: None) -> None:
    _, by_name = await delegation("ouvert")
    assert (by_name["ns1"].recursive, by_name["ns1"].authoritative) == (True, False)


async def test_a_lame_server_and_one_whose_name_is_gone(servers: None) -> None:
    fact, by_name = await delegation("boiteux")
    assert (by_name["ns1"].authoritative, by_name["ns2"].authoritative) == (True, False)
    assert fact.dangling == fact.registrable == ("ns9.nulle-part.test",)


async def test_an_old_address_at_the_parent(servers: None) -> None:
    fact, by_name = await delegation("perime")
    assert [(g.name, g.parent, g.zone) for g in fact.glue] == [
        ("ns1.perime.test", ("127.78.4.99",), (KNOT,)), ("ns2.perime.test", (KNOT,), (KNOT,)),
    ]  # fmt: skip
    assert by_name["ns1"].udp is False


def without_edns(query: dns.message.Message, wire: bytes, tcp: bool) -> bytes | None:
    """A server of before 1999: it refuses what it does not know, and its firewall lets no TCP in."""
    if tcp:
        return None
    if query.edns >= 0:
        refusal = liars.response(query, dns.rcode.FORMERR)
        refusal.use_edns(False)
        return refusal.to_wire()
    answer = liars.response(query)
    name, kind = query.question[0].name, query.question[0].rdtype
    if str(name) == "ancien.test." and kind in {2, 6}:
        text = "ns1.ancien.test." if kind == 2 else "ns1.ancien.test. h. 7 7200 3600 1209600 3600"
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, text))
    return answer.to_wire()


async def test_a_server_without_edns_nor_tcp(servers: None) -> None:
    async with liars.lying(without_edns, LIAR, PORT):
        _, by_name = await delegation("ancien")
    assert (by_name["ns1"].udp, by_name["ns1"].edns, by_name["ns1"].tcp, by_name["ns1"].serial) == (
        True,
        False,
        None,
        7,
    )


@pytest.mark.parametrize("alias", ["vers-app", "long"])
async def test_an_alias_is_followed_over_zones_to_a_domain_that_nobody_holds(alias: str, servers: None) -> None:
    facts = await look(f"{alias}.tenu.test", kind=AssetKind.HOST)
    target = next(f for f in facts if isinstance(f, AliasTarget))
    assert (target.presence, target.nonexistent, target.asked) == (Presence.ABSENT, True, "authoritative")
    assert (target.registrable, target.registrable_nonexistent) == ("disparu.test", True)


async def test_authorities_named_above_are_read_for_a_domain_beneath(servers: None) -> None:
    line = open_line(domains=["www.tenu.test"], dns_port=PORT)
    probe = DnsProbe(DnsSettings(roots=(ROOT,)))
    asset = Asset(kind=AssetKind.DOMAIN, name="www.tenu.test")
    facts = [y.fact async for y in probe.look(asset, line) if isinstance(y, Sight)]
    records = next(f for f in facts if isinstance(f, DnsRecords))
    own, above = records.find("CAA"), records.find("CAA", "tenu.test")
    assert own is not None
    assert above is not None
    assert (own.presence, above.values) == (Presence.ABSENT, ('0 issue "ac.test"',))


def poisoning(query: dns.message.Message, wire: bytes, tcp: bool) -> bytes:
    """A parent that hands out an address of its choice for another zone's server."""
    answer = dns.message.make_response(query)
    answer.authority.append(dns.rrset.from_text("cible.ancien.test.", 60, "IN", "NS", "ns1.tenu.test."))
    answer.additional.append(dns.rrset.from_text("ns1.tenu.test.", 60, "IN", "A", GONE))
    return answer.to_wire()


async def test_an_address_outside_the_zone_that_gives_it_is_looked_for_where_it_belongs(servers: None) -> None:
    line = open_line(domains=["ancien.test"], dns_port=PORT)
    walker = Walker(line, (ROOT,), "cible.ancien.test")
    async with liars.lying(poisoning, LIAR, PORT):
        # the true server of that name is asked, and knows nothing of this zone
        with pytest.raises(ProbeError, match=f"{KNOT}: REFUSED"):
            await walker.zone_of(dns.name.from_text("cible.ancien.test."))
