"""Discovery against real servers (Knot, NSD) and against wildcards of several shapes."""

from __future__ import annotations

import contextlib
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest

from probes.discovery.guess import mutations, words
from probes.discovery.probe import DiscoveryProbe, DiscoverySettings
from probes.discovery.reverse import ReverseProbe, ReverseSettings
from probes.facts.discovery import NamesFound, ReverseNames, WildcardShape, ZoneWalk
from probes.interface import Asset, AssetKind, FoundIn, Reason, Shortfall, Sight, Yield
from tests.lab import liars
from tests.lab.line import open_line
from tests.lab.nameservers import serving

pytestmark = pytest.mark.daemon

PORT, PARENT, ZONES, LIAR, RESOLVER, UNBOUND = (
    53053,
    "127.78.2.1",
    "127.78.2.2",
    "127.78.2.3",
    "127.78.2.4",
    "127.78.2.5",
)
SOA = "@ SOA ns dsi 1 7200 3600 1209600 3600\n@ NS ns\n"
PLAIN = f"{SOA}ns A {ZONES}\nvpn A 192.0.2.1\npacs1 A 192.0.2.2\npacs2 A 192.0.2.3\nwebmail CNAME ailleurs.exemple.\n"
PLAIN += "six AAAA 2001:db8::1\nrdv AAAA 2001:db8::2\nmx TXT texte\nad NS dc1.ad\ndc1.ad A 192.0.2.9\n"
WILD = f"{SOA}ns A {ZONES}\n* A 192.0.2.80\nvpn A 192.0.2.1\nportail A 192.0.2.80\n"
TEXTS = f'{SOA}ns A {ZONES}\n* TXT "v=spf1 -all"\nrdv AAAA 2001:db8::2\nvpn A 192.0.2.1\n'
SIXES = f"{SOA}ns A {ZONES}\n* AAAA 2001:db8::80\nrdv AAAA 2001:db8::2\nportail AAAA 2001:db8::80\n"
SIGNED = (
    f"{SOA}ns A {ZONES}\nwww A 192.0.2.1\nsecret-jamais-devine A 192.0.2.2\n_ldap._tcp SRV 0 0 389 www\nmx MX 0 .\n"
)


def _root() -> str:
    zones = {"plain": ZONES, "wild": ZONES, "texts": ZONES, "sixes": ZONES, "nsec": ZONES, "nsec3": ZONES, "liar": LIAR}
    return "@ SOA a.root. h. 1 7200 3600 1209600 3600\n@ NS a.root.\na.root. A 127.78.2.1\n" + "".join(
        f"{name}. NS ns.{name}.\nns.{name}. A {address}\n" for name, address in zones.items()
    )


def signed(folder: Path, name: str, *options: str) -> Path:
    """Sign a zone with BIND's own tools."""
    file = folder / name
    file.write_text(f"$ORIGIN {name}.\n$TTL 3600\n{SIGNED}")
    for key in ((), ("-f", "KSK")):
        words = ["dnssec-keygen", "-q", "-K", str(folder), "-a", "ECDSAP256SHA256", *key, name]
        subprocess.run(words, check=True, capture_output=True)
    words = ["dnssec-signzone", "-S", "-K", str(folder), *options, "-o", name, str(file)]
    subprocess.run(words, check=True, capture_output=True, cwd=folder)
    return folder / f"{name}.signed"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("discovery")
    zones: dict[str, str | Path] = {"plain.": PLAIN, "wild.": WILD, "texts.": TEXTS, "sixes.": SIXES}
    zones |= {"nsec.": signed(folder, "nsec"), "nsec3.": signed(folder, "nsec3", "-3", "-")}
    reverse = SOA + "7 PTR www.plain.\n8 PTR client8.operateur.exemple.\n9 PTR bad_name\\032x.\n"
    with contextlib.ExitStack() as stack:
        stack.enter_context(serving("knot", folder, PARENT, {".": _root()}))
        stack.enter_context(serving("nsd", folder, ZONES, zones))
        stub = f'stub-zone:\n  name: "plain"\n  stub-addr: {ZONES}@53053\n  stub-prime: no\n'
        stack.enter_context(serving("unbound", folder, UNBOUND, {"plain.": ""}, more=stub))
        stack.enter_context(serving("knot", folder, RESOLVER, {"2.0.192.in-addr.arpa.": reverse}))
        yield


async def look(domain: str, *, level: int = 2, **settings: object) -> list[Yield]:
    line = open_line(domains=[domain], dns_port=PORT, level=level)
    probe = DiscoveryProbe(DiscoverySettings(roots=(PARENT,), **settings))  # type: ignore[arg-type]
    return [y async for y in probe.look(Asset(kind=AssetKind.DOMAIN, name=domain), line)]


def names(found: list[Yield]) -> NamesFound:
    return next(y.fact for y in found if isinstance(y, Sight) and isinstance(y.fact, NamesFound))


async def test_the_list_finds_what_exists_and_a_cut_is_a_domain_of_its_own(servers: None) -> None:
    found = await look("plain")
    fact = names(found)
    assert {f.name.removesuffix(".plain") for f in fact.found} == {"ns", "vpn", "pacs1", "pacs2", "webmail", "rdv"}
    assert (fact.unanswered, fact.hidden, fact.asked_of, fact.walk) == (0, 0, "authoritative", ZoneWalk.UNSIGNED)
    assert [w.shape for w in fact.wildcards] == [WildcardShape.NONE]
    assert [(y.id, y.found_in) for y in found if isinstance(y, Asset)] == [("domain:ad.plain", FoundIn.NS)]
    assert not [y for y in found if isinstance(y, Shortfall)]


async def test_where_the_mandate_keeps_to_the_resolver_it_is_asked(servers: None) -> None:
    line = open_line(domains=["plain"], resolver=UNBOUND, resolver_port=PORT, dns_port=PORT)
    # no root answers: the walk is cut, as it is where authoritative questions are not granted
    probe = DiscoveryProbe(DiscoverySettings(resolver=UNBOUND, roots=("127.78.2.99",)))
    fact = names([y async for y in probe.look(Asset(kind=AssetKind.DOMAIN, name="plain"), line)])
    # an alias and a zone cut lead where this resolver finds nobody: that is no absence
    assert (fact.asked_of, fact.walk, fact.unanswered) == ("resolver", ZoneWalk.UNKNOWN, 2)
    assert {f.name.removesuffix(".plain") for f in fact.found} >= {"vpn", "pacs1", "pacs2", "rdv"}


async def test_mutations_reach_what_no_list_holds(servers: None, tmp_path: Path) -> None:
    own = tmp_path / "words"
    own.write_text("pacs1  # un commentaire\nvpn[1-3]\n-faux-\n")
    fact = names(await look("plain", words=str(own)))
    assert [(f.name, f.found_in.value) for f in fact.found] == [
        ("pacs1.plain", "word-list"), ("pacs2.plain", "mutation"),
    ]  # fmt: skip


async def test_at_level_one_nothing_is_guessed(servers: None) -> None:
    fact = names(await look("plain", level=1))
    assert (fact.asked, fact.found) == (0, ())


async def test_behind_a_wildcard_only_another_answer_is_a_discovery_imported_names_too(servers: None) -> None:
    labels = ("vpn.wild", "extranet-inconnu.wild", "portail.wild", "www.ailleurs")
    imported = tuple((name, FoundIn.CT) for name in labels)
    fact = names(await look("wild", names=imported))
    assert {f.name: f.found_in.value for f in fact.found} == {
        "vpn.wild": "certificate-transparency", "ns.wild": "word-list",
    }  # fmt: skip
    assert fact.wildcards[0].shape is WildcardShape.BOUNDED
    assert fact.wildcards[0].answers == ("A 192.0.2.80",)
    assert fact.hidden > 1000


@pytest.mark.parametrize(
    ("zone", "found", "answers"),
    [("texts", {"ns", "rdv", "vpn"}, ("",)), ("sixes", {"ns", "rdv"}, ("AAAA 2001:db8::80",))],
)
async def test_a_wildcard_without_ipv4_hides_no_name_that_has_its_own_address(
    servers: None, zone: str, found: set[str], answers: tuple[str, ...]
) -> None:
    fact = names(await look(zone))
    assert {f.name.partition(".")[0] for f in fact.found} == found
    assert (fact.wildcards[0].shape, fact.wildcards[0].answers) == (WildcardShape.BOUNDED, answers)


async def test_a_zone_linked_by_nsec_gives_every_host_without_a_guess(servers: None) -> None:
    fact = names(await look("nsec"))
    assert (fact.walk, fact.walk_cut, fact.asked) == (ZoneWalk.WALKED, False, 0)
    assert {f.name for f in fact.found} == {"ns.nsec", "www.nsec", "secret-jamais-devine.nsec"}
    assert {f.found_in for f in fact.found} == {FoundIn.ZONE_WALK}


async def test_hashed_names_are_told_and_not_cracked(servers: None) -> None:
    fact = names(await look("nsec3"))
    assert fact.walk is ZoneWalk.HASHED
    assert {f.name for f in fact.found} == {"ns.nsec3", "www.nsec3"}


def _address(query: dns.message.Message, text: str) -> bytes:
    answer = liars.response(query)
    answer.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", text))
    return answer.to_wire()


def ever_new(query: dns.message.Message, wire: bytes, tcp: bool) -> bytes:
    return _address(query, f"192.0.2.{random.randrange(256)}")


def words_only(query: dns.message.Message, wire: bytes, tcp: bool) -> bytes:
    """A wildcard for labels made of letters alone, as some hosters have."""
    label = query.question[0].name.labels[0].decode()
    if label.isalpha():
        return _address(query, f"192.0.2.{1 + label.startswith('v')}")
    return liars.response(query, dns.rcode.NXDOMAIN).to_wire()


def white_lies(query: dns.message.Message, wire: bytes, tcp: bool) -> bytes:
    """RFC 4470: the next name is the smallest one after the name asked."""
    answer = liars.response(query, dns.rcode.NXDOMAIN)
    name = query.question[0].name
    following = dns.name.Name((b"\0", *name.labels))
    answer.authority.append(dns.rrset.from_text(name, 60, "IN", "NSEC", f"{following} A RRSIG NSEC"))
    return answer.to_wire()


@pytest.mark.parametrize(
    ("answer", "shape", "walk"),
    [
        (ever_new, WildcardShape.UNBOUNDED, ZoneWalk.UNSIGNED),
        (words_only, WildcardShape.BOUNDED, ZoneWalk.UNSIGNED),
        (white_lies, WildcardShape.NONE, ZoneWalk.WHITE_LIES),
    ],
    ids=["ever new", "words only", "white lies"],
)
async def test_a_server_that_invents_names_gives_no_discovery(
    answer: liars.Answer, shape: WildcardShape, walk: ZoneWalk, servers: None
) -> None:
    async with liars.lying(answer, LIAR, PORT):
        fact = names(await look("liar"))
    assert (fact.wildcards[0].shape, fact.walk) == (shape, walk)
    # two answers by the first letter: the rarer one may never have been sampled
    assert len(fact.found) <= (60 if answer is words_only else 0)


def but_for_the_apex(lie: liars.Answer) -> liars.Answer:
    """Tell the truth of the apex, so that the zone is reached, and lie about every name."""

    def answer(query: dns.message.Message, wire: bytes, tcp: bool) -> bytes | None:
        name = query.question[0].name
        return liars.response(query).to_wire() if len(name) == 2 else lie(query, wire, tcp)

    return answer


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (liars.silence, Reason.TIMED_OUT),
        (liars.says(dns.rcode.SERVFAIL), Reason.SERVER_FAILURE),
        (liars.garbage, Reason.TIMED_OUT),
        (liars.truncated, Reason.TRUNCATED),
    ],
    ids=["silence", "servfail", "garbage", "truncated"],
)
async def test_what_the_server_did_not_tell_is_a_shortfall(lie: liars.Answer, reason: Reason, servers: None) -> None:
    async with liars.lying(but_for_the_apex(lie), LIAR, PORT):
        found = await look("liar", patience=0.02, tries=2)
    fact = names(found)
    assert (fact.found, fact.unanswered == fact.asked > 1000) == ((), True)
    assert [y.reason for y in found if isinstance(y, Shortfall)] == [reason]


@pytest.mark.parametrize("lie", [liars.compression_loop, liars.huge], ids=["compression loop", "huge"])
async def test_records_that_cannot_be_read_are_no_discovery(lie: liars.Answer, servers: None) -> None:
    async with liars.lying(but_for_the_apex(lie), LIAR, PORT):
        fact = names(await look("liar", patience=0.02, tries=2))
    assert fact.found == ()


async def test_addresses_of_a_declared_network_are_named_backwards(servers: None) -> None:
    line = open_line(resolver=RESOLVER, resolver_port=PORT)
    probe = ReverseProbe(ReverseSettings(resolver=RESOLVER))
    asset = Asset(kind=AssetKind.NETWORK, name="192.0.2.0/28")
    (sight,) = [y async for y in probe.look(asset, line)]
    assert isinstance(sight, Sight)
    assert sight.fact == ReverseNames(
        asked=16, unanswered=0, names=(("192.0.2.7", "www.plain"), ("192.0.2.8", "client8.operateur.exemple"))
    )


async def test_a_network_too_large_is_cut_and_said_so_and_silence_names_nothing(servers: None) -> None:
    line = open_line(resolver=LIAR, resolver_port=PORT)
    probe = ReverseProbe(ReverseSettings(resolver=LIAR, most_addresses=4))
    asset = Asset(kind=AssetKind.NETWORK, name="192.0.2.0/28")
    async with liars.lying(liars.says(dns.rcode.REFUSED), LIAR, PORT):
        found = [y async for y in probe.look(asset, line)]
    assert [y.fact for y in found if isinstance(y, Sight)] == [ReverseNames(asked=4, unanswered=4, names=())]
    assert [y.reason for y in found if isinstance(y, Shortfall)] == [Reason.BUDGET, Reason.SERVER_FAILURE]


@pytest.mark.parametrize(
    ("network", "wanted"), [("10.0.0.0/8", True), ("2001:db8::/120", True), ("2001:db8::/64", False)]
)
def test_networks_that_can_be_gone_through(network: str, wanted: bool) -> None:
    assert ReverseProbe(ReverseSettings()).wants(Asset(kind=AssetKind.NETWORK, name=network)) is wanted


def test_the_list_shipped_holds_labels_once_and_the_words_of_the_trade() -> None:
    shipped = list(words())
    assert len(shipped) == len(set(shipped)) > 1000
    assert {
        "dpi",
        "pacs",
        "rdv",
        "portail",
        "extranet",
        "vpn",
        "citrix",
        "webmail",
        "imagerie",
        "labo",
        "ght38",
    } <= set(shipped)


def test_mutations_are_neighbours() -> None:
    assert {"pacs2", "pacs"} <= set(mutations(["pacs1"]))
    assert {"dpi-test", "dpi-rec", "dpi2"} <= set(mutations(["dpi"]))
    assert "dpi" in mutations(["dpi-test"])
    assert not {"dpi", "vpn"} & set(mutations(["dpi", "vpn"]))
