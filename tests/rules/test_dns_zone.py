"""Rules on what a zone says: met, not met, could not tell, and the odd but healthy."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib.resources import files
from typing import Any

import pytest

from probes.facts.discovery import (
    FoundName,
    NamesFound,
    VirtualHost,
    VirtualHosts,
    Wildcard,
    WildcardShape,
    ZoneWalk,
)
from probes.facts.dns import AliasTarget, Delegation, DnsRecords, Glue, NameServerSeen, Presence, RecordSet
from probes.facts.web import Hop, WebOrigin
from probes.interface import Asset, AssetKind, Fact, FoundIn, Observation, Vantage
from rules.catalogue import dns_zone
from rules.catalogue.dns import certificate_authorities_named
from rules.interface import Confidence, Outcome, Rule, Severity, Verdict
from rules.subject import Feed
from rules.views.names import FEED, aliases, inventories
from tests.rules.test_judge import record as some_record

MET, NOT_MET, NOT_APPLICABLE, UNDETERMINED = Outcome.MET, Outcome.NOT_MET, Outcome.NOT_APPLICABLE, Outcome.UNDETERMINED
DAY = datetime(2026, 11, 24, tzinfo=UTC)
DOMAIN = Asset(kind=AssetKind.DOMAIN, name="ch.test")
HOST = Asset(kind=AssetKind.HOST, name="www.ch.test")


def observed(fact: Fact, asset: Asset = DOMAIN) -> Observation[Fact]:
    return Observation(id="o", asset=asset, fact=fact, seen_at=DAY, probe="dns@1", vantage=Vantage.INTERNET)


def judged(rule: Rule, fact: Fact, asset: Asset = DOMAIN) -> Verdict:
    return rule.judge(observed(fact, asset))


def server(address: str, **more: object) -> NameServerSeen:
    usual = NameServerSeen(
        name="ns.ch.test", address=address, udp=True, tcp=True, authoritative=True, serial=2026112401, edns=True
    )
    return replace(usual, **more)  # type: ignore[arg-type]


ZONE = Delegation(
    zone="ch.test",
    by_parent=("ns.ch.test",),
    by_zone=("ns.ch.test",),
    servers=(server("192.0.2.1"), server("198.51.100.1")),
    glue=(Glue(name="ns.ch.test", parent=("192.0.2.1",), zone=("192.0.2.1", "2001:db8::1")),),
)


def second(**more: object) -> Delegation:
    """The zone with its second server changed."""
    return replace(ZONE, servers=(ZONE.servers[0], server("198.51.100.1", **more)))


@pytest.mark.parametrize(
    ("rule", "fact", "expected"),
    [
        (dns_zone.servers_take_edns, ZONE, MET),
        (dns_zone.servers_take_edns, second(edns=False), NOT_MET),
        (dns_zone.servers_take_edns, second(edns=None), UNDETERMINED),
        # the parent hands out less than the zone has: no address is wrong
        (dns_zone.glue_true, ZONE, MET),
        (
            dns_zone.glue_true,
            replace(ZONE, glue=(Glue(name="n", parent=("192.0.2.9",), zone=("192.0.2.1",)),)),
            NOT_MET,
        ),
        (dns_zone.glue_true, replace(ZONE, glue=(Glue(name="n", parent=("192.0.2.9",), zone=None),)), UNDETERMINED),
        (dns_zone.glue_true, replace(ZONE, glue=()), NOT_APPLICABLE),
        (dns_zone.servers_hold_one_version, ZONE, MET),
        (dns_zone.servers_hold_one_version, second(serial=2026111901), NOT_MET),
        # a change of today is still spreading
        (dns_zone.servers_hold_one_version, second(serial=2026112301), MET),
        # counters and Unix times tell no date
        (dns_zone.servers_hold_one_version, second(serial=17), MET),
        (dns_zone.servers_hold_one_version, second(serial=2026139901), MET),
        (
            dns_zone.servers_hold_one_version,
            replace(ZONE, servers=(server("192.0.2.1", serial=None),)),
            UNDETERMINED,
        ),
    ],
)
def test_servers(rule: Rule, fact: Fact, expected: Outcome) -> None:
    assert judged(rule, fact).outcome is expected


def records(*sets: RecordSet) -> DnsRecords:
    return DnsRecords(sets=sets)


def rset(rdtype: str, *values: str, owner: str = "ch.test", ttl: int = 3600, **more: object) -> RecordSet:
    presence = Presence.PRESENT if values else Presence.ABSENT
    usual = RecordSet(owner=owner, rdtype=rdtype, presence=presence, values=values, ttl=ttl, asked="authoritative")
    return replace(usual, **more)  # type: ignore[arg-type]


def unknown(rdtype: str, owner: str = "ch.test") -> RecordSet:
    return rset(rdtype, owner=owner, presence=Presence.UNKNOWN, reason="timed-out")


SOA = "ns.ch.test. dsi.ch.test. 2026112401 {} {} {} {}"


@pytest.mark.parametrize(
    ("rule", "fact", "expected"),
    [
        (dns_zone.soa_values_usual, records(rset("SOA", SOA.format(7200, 3600, 1209600, 3600))), MET),
        # the values of RIPE-203, and those of a hosted Windows zone
        (dns_zone.soa_values_usual, records(rset("SOA", SOA.format(86400, 7200, 3600000, 3600))), MET),
        (dns_zone.soa_values_usual, records(rset("SOA", SOA.format(3600, 600, 604800, 300))), MET),
        (dns_zone.soa_values_usual, records(rset("SOA", SOA.format(900, 600, 86400, 3600))), NOT_MET),
        (dns_zone.soa_values_usual, records(rset("SOA", SOA.format(7200, 3600, 1209600, 604800))), NOT_MET),
        (dns_zone.soa_values_usual, records(unknown("SOA")), UNDETERMINED),
        (dns_zone.soa_values_usual, records(rset("SOA", "1 2")), UNDETERMINED),
        (dns_zone.soa_values_usual, records(rset("SOA")), NOT_APPLICABLE),
        (dns_zone.lifetimes_reasonable, records(rset("NS", "ns."), rset("MX", "0 .", ttl=300)), MET),
        (dns_zone.lifetimes_reasonable, records(rset("NS", "ns."), rset("MX", "0 .", ttl=5)), NOT_MET),
        (dns_zone.lifetimes_reasonable, records(rset("NS", "ns.", ttl=2_000_000)), NOT_MET),
        # a resolver's copy at the end of its life
        (
            dns_zone.lifetimes_reasonable,
            records(rset("NS", "ns."), rset("MX", "0 .", ttl=3, asked="resolver")),
            MET,
        ),
        (dns_zone.lifetimes_reasonable, records(unknown("NS")), UNDETERMINED),
        (dns_zone.no_secret_in_text, records(rset("TXT", '"v=spf1 -all"')), MET),
        (dns_zone.no_secret_in_text, records(rset("TXT", '"AKIAIOSFODNN7EXAMPLE"')), NOT_MET),
        (dns_zone.no_secret_in_text, records(rset("TXT", '"-----BEGIN RSA PRIVATE KEY-----"')), NOT_MET),
        # public keys and verification tokens are there to be read
        (
            dns_zone.no_secret_in_text,
            records(rset("TXT", '"v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"', '"MS=ms12345678"')),
            MET,
        ),
        (dns_zone.no_secret_in_text, records(unknown("TXT")), UNDETERMINED),
        (certificate_authorities_named, records(rset("CAA", '0 issue "ac.test"')), MET),
        (certificate_authorities_named, records(rset("CAA")), NOT_MET),
        # inherited from the domain above (RFC 8659)
        (certificate_authorities_named, records(rset("CAA"), rset("CAA", '0 issue ";"', owner="test")), MET),
        (certificate_authorities_named, records(rset("CAA"), unknown("CAA", owner="test")), UNDETERMINED),
        (certificate_authorities_named, records(rset("CAA"), rset("CAA", '0 issue ";"', owner="h.test")), NOT_MET),
    ],
)
def test_records(rule: Rule, fact: Fact, expected: Outcome) -> None:
    assert judged(rule, fact).outcome is expected


NAMES = NamesFound(
    asked_of="authoritative",
    asked=1200,
    unanswered=0,
    hidden=0,
    found=(FoundName(name="vpn.ch.test", found_in=FoundIn.WORD_LIST),),
    wildcards=(Wildcard(parent="ch.test", shape=WildcardShape.NONE, tried=10),),
    walk=ZoneWalk.UNSIGNED,
)


def shaped(shape: WildcardShape, parent: str = "ch.test", answers: tuple[str, ...] = ("A 192.0.2.1",)) -> NamesFound:
    return replace(NAMES, wildcards=(Wildcard(parent=parent, shape=shape, tried=10, answers=answers),))


BENEATH = replace(NAMES, wildcards=(*NAMES.wildcards, *shaped(WildcardShape.BOUNDED, "x.ch.test").wildcards))


@pytest.mark.parametrize(
    ("rule", "fact", "expected"),
    [
        (dns_zone.no_wildcard, NAMES, MET),
        (dns_zone.no_wildcard, shaped(WildcardShape.BOUNDED), NOT_MET),
        # texts alone, as `* TXT "v=spf1 -all"`: invented names lead nowhere
        (dns_zone.no_wildcard, shaped(WildcardShape.BOUNDED, answers=("",)), MET),
        (dns_zone.no_wildcard, shaped(WildcardShape.UNBOUNDED), NOT_MET),
        (dns_zone.no_wildcard, shaped(WildcardShape.UNKNOWN), UNDETERMINED),
        # a wildcard beneath one name only, as platforms have
        (dns_zone.no_wildcard, BENEATH, MET),
        (dns_zone.zone_not_walkable, NAMES, NOT_APPLICABLE),
        (dns_zone.zone_not_walkable, replace(NAMES, walk=ZoneWalk.HASHED), MET),
        (dns_zone.zone_not_walkable, replace(NAMES, walk=ZoneWalk.WHITE_LIES), MET),
        (dns_zone.zone_not_walkable, replace(NAMES, walk=ZoneWalk.WALKED, walked=12), NOT_MET),
        (dns_zone.zone_not_walkable, replace(NAMES, walk=ZoneWalk.UNKNOWN), UNDETERMINED),
    ],
)  # fmt: skip
def test_names(rule: Rule, fact: Fact, expected: Outcome) -> None:
    assert judged(rule, fact).outcome is expected


SERVICE = Asset(kind=AssetKind.SERVICE, name="tcp/443@www.ch.test")
SITES = VirtualHosts(address="192.0.2.1", port=443, tried=3, reliable=True)


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (SITES, MET),
        # a server that asked for less has not answered every name
        (replace(SITES, rate_limited=True), UNDETERMINED),
        (replace(SITES, answered=(VirtualHost(name="ancien.ch.test", title="Intranet"),)), NOT_MET),
        # a server that shows another page at every name and every time
        (replace(SITES, reliable=False), UNDETERMINED),
    ],
)
def test_sites(fact: VirtualHosts, expected: Outcome) -> None:
    assert judged(dns_zone.sites_still_named, fact, SERVICE).outcome is expected


def test_a_name_that_leads_elsewhere_may_come_back_through_a_relay() -> None:
    relayed = VirtualHost(name="www.ch.test", title="Accueil", led=("203.0.113.7",))
    fact = replace(SITES, answered=(relayed,))
    verdict = judged(dns_zone.sites_still_named, fact, SERVICE)
    assert (verdict.confidence, [o.name for o in verdict.objects]) == (
        Confidence.INDICATIVE,
        ["www.ch.test (203.0.113.7)"],
    )
    fact = replace(SITES, answered=(relayed, VirtualHost(name="ancien.ch.test", title="Intranet")))
    assert judged(dns_zone.sites_still_named, fact, SERVICE).confidence is None


GONE = AliasTarget(
    target="app.azurewebsites.net",
    presence=Presence.ABSENT,
    nonexistent=True,
    in_zone=False,
    asked="authoritative",
    registrable="azurewebsites.net",
    registrable_nonexistent=False,
)
TABLE = Feed(
    name=FEED,
    dated=date(2026, 8, 22),
    digest="d",
    data={
        "providers": [
            {"suffix": "azurewebsites.net", "service": "Azure App Service", "claimable": True},
            {"suffix": "elb.amazonaws.com", "service": "AWS ELB", "claimable": False},
            {"suffix": "github.io", "service": "GitHub Pages", "claimable": False, "page": "Site not found"},
        ]
    },
)


@pytest.mark.parametrize(
    ("target", "asset", "table", "expected"),
    [
        (GONE, HOST, TABLE, NOT_MET),
        (replace(GONE, nonexistent=False, presence=Presence.PRESENT), HOST, TABLE, MET),
        # a provider that never gives the same name again
        (replace(GONE, target="x.eu-west-3.elb.amazonaws.com"), HOST, TABLE, MET),
        # a suffix that only looks like a provider's
        (replace(GONE, target="app.notazurewebsites.net"), HOST, TABLE, MET),
        (replace(GONE, target="x.inconnu.test", registrable_nonexistent=None), HOST, TABLE, MET),
        (replace(GONE, asked="resolver"), HOST, TABLE, UNDETERMINED),
        (replace(GONE, presence=Presence.UNKNOWN, nonexistent=False, reason="timed-out"), HOST, TABLE, UNDETERMINED),
        (GONE, HOST, None, UNDETERMINED),
        (GONE, HOST, replace(TABLE, dated=date(2020, 1, 1)), UNDETERMINED),
        # a key of a service is no host (an ACME challenge left behind)
        (GONE, Asset(kind=AssetKind.HOST, name="_acme-challenge.ch.test"), TABLE, NOT_APPLICABLE),
        # an alias to a name of one's own: nobody else can have it
        (replace(GONE, target="old.ch.test", in_zone=True), HOST, TABLE, MET),
    ],
)
def test_aliases(target: AliasTarget, asset: Asset, table: Feed | None, expected: Outcome) -> None:
    record = replace(some_record(observed(target, asset)), feeds={FEED: table} if table else {})
    (view,) = aliases.build(record)
    assert dns_zone.alias_not_claimable.judge(view).outcome is expected


PAGE = WebOrigin(
    scheme="https", host=HOST.name, port=443, address="192.0.2.1", chain=(Hop(url="https://x/", status=404),),
    own_headers=(), headers=(), cookies=(), html=True, title="Site not found", reliable=True,
)  # fmt: skip
MOVED = (Hop(url="https://x/", status=301, location="https://y/", followed=True), Hop(url="https://y/", status=404))


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ([PAGE], NOT_MET),
        ([replace(PAGE, title="Centre hospitalier")], MET),
        # the mandate did not let the provider's address be asked
        ([], UNDETERMINED),
        # another host's page, and a page that a redirect led to, say nothing of this alias
        ([replace(PAGE, host="autre.ch.test")], UNDETERMINED),
        ([replace(PAGE, chain=MOVED)], UNDETERMINED),
    ],
)
def test_aliases_to_a_provider_whose_names_always_exist(pages: list[WebOrigin], expected: Outcome) -> None:
    target = replace(GONE, target="ch.github.io", nonexistent=False, presence=Presence.PRESENT)
    seen = [observed(p, Asset(kind=AssetKind.SERVICE, name=f"tcp/443@{p.host}")) for p in pages]
    (view,) = aliases.build(replace(some_record(observed(target, HOST), *seen), feeds={FEED: TABLE}))
    assert dns_zone.alias_not_claimable.judge(view).outcome is expected


SHIPPED = tomllib.loads((files("scanner.feeds") / "alias-providers.toml").read_text("utf-8"))
FEED_SHIPPED = Feed(name=FEED, dated=SHIPPED["dated"], digest="d", data=SHIPPED)
TOLD_BY_PAGE = [p for p in SHIPPED["providers"] if {"page", "text", "location"} & p.keys()]


def by_shipped_table(target: str, *pages: WebOrigin, chain: tuple[str, ...] = ()) -> Verdict:
    """The verdict on an alias of a host to a target that exists, with what the host was seen to answer."""
    there = replace(GONE, target=target, nonexistent=False, presence=Presence.PRESENT, chain=chain or (target,))
    seen = [observed(p, Asset(kind=AssetKind.SERVICE, name=f"tcp/443@{p.host}")) for p in pages]
    (view,) = aliases.build(replace(some_record(observed(there, HOST), *seen), feeds={FEED: FEED_SHIPPED}))
    return dns_zone.alias_not_claimable.judge(view)


def unclaimed(provider: dict[str, Any]) -> WebOrigin:
    """The page of a provider for a site that nobody has, as its entry tells it."""
    text = provider.get("text", "")
    said = text if isinstance(text, str) else " ... ".join(text)
    hop = Hop(url="https://x/", status=provider.get("status", 302), location=provider.get("location", ""))
    return replace(PAGE, title="", chain=(hop,), own_text=f"404 {said} Request 7f3a")


def below(provider: dict[str, Any]) -> str:
    return f"ch.{provider['suffix']}".replace("*", "eu-west-3")


@pytest.mark.parametrize("provider", TOLD_BY_PAGE, ids=lambda p: p["suffix"])
def test_every_provider_with_a_page_of_its_own(provider: dict[str, Any]) -> None:
    target, page = below(provider), unclaimed(provider)
    verdict = by_shipped_table(target, page)
    assert (verdict.outcome, verdict.values["held"]) == (NOT_MET, provider["service"])
    assert verdict.confidence is (Confidence.INDICATIVE if provider.get("edge") else None)
    # a site that somebody has, and one that the mandate did not let us see
    live = replace(page, chain=(Hop(url="https://x/", status=200),), own_text="Bienvenue")
    assert by_shipped_table(target, live).outcome is MET
    assert by_shipped_table(target).outcome is UNDETERMINED
    # the names inside a provider's own network are no longer under the suffix that the alias names
    inside = by_shipped_table("edge-7.reseau.test", page, chain=("alias.ch.test", target, "edge-7.reseau.test"))
    assert inside.outcome is NOT_MET
    # a page of another provider says nothing here
    assert by_shipped_table("ch.inconnu.test", page).outcome is MET


GITHUB = unclaimed(next(p for p in TOLD_BY_PAGE if p["suffix"] == "github.io"))
ARTICLE = (Hop(url="https://x/", status=200),)
TO_TLS = Hop(url="http://x/", status=301, location="https://x/", followed=False)


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        # an article about the message: a long page has no text here, a short one has another status
        ([replace(GITHUB, chain=ARTICLE, own_text="")], MET),
        ([replace(GITHUB, chain=ARTICLE)], UNDETERMINED),
        # another page that is not there, by a site that is
        ([replace(GITHUB, own_text="404 File not found")], MET),
        # in clear it only sends on; over TLS it tells
        ([replace(GITHUB, chain=(TO_TLS,), own_text="301 Moved")], UNDETERMINED),
        ([replace(GITHUB, chain=(TO_TLS,), own_text="301 Moved"), GITHUB], NOT_MET),
    ],
)
def test_pages_that_resemble_an_unclaimed_one(pages: list[WebOrigin], expected: Outcome) -> None:
    assert by_shipped_table("ch.github.io", *pages).outcome is expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("ch.blob.core.windows.net", NOT_MET),
        ("ch.trafficmanager.net", NOT_MET),
        ("ch.eu-west-3.elasticbeanstalk.com", NOT_MET),
        # names that hold a hash of their owner, or of an older kind, are given to nobody else
        ("ch-a1b2c3d4.francecentral-01.azurewebsites.net", MET),
        ("ch.elasticbeanstalk.com", MET),
        ("d111.cloudfront.net", MET),
        ("domains.tumblr.com", MET),
    ],
)
def test_names_that_no_longer_exist_by_the_shipped_table(target: str, expected: Outcome) -> None:
    fact = replace(GONE, target=target, chain=("relais.ch.test", target))
    (view,) = aliases.build(replace(some_record(observed(fact, HOST)), feeds={FEED: FEED_SHIPPED}))
    assert dns_zone.alias_not_claimable.judge(view).outcome is expected
    # only the servers of the target's own zone prove it
    (view,) = aliases.build(
        replace(some_record(observed(replace(fact, asked="resolver"), HOST)), feeds={FEED: FEED_SHIPPED})
    )
    assert dns_zone.alias_not_claimable.judge(view).outcome is UNDETERMINED


def test_the_shipped_table_says_how_each_entry_is_known() -> None:
    assert {p["known"] for p in SHIPPED["providers"]} == {"documented", "secondary", "unverified"}
    assert all(p.get("status") or p.get("location") for p in TOLD_BY_PAGE)
    assert not [p["suffix"] for p in TOLD_BY_PAGE if p["claimable"]]
    suffixes = [p["suffix"] for p in SHIPPED["providers"]]
    assert len(suffixes) == len(set(suffixes))


def test_a_domain_that_anybody_can_register_is_critical_without_any_table() -> None:
    target = replace(GONE, target="x.prestataire-disparu.test", registrable_nonexistent=True)
    (view,) = aliases.build(some_record(observed(target, HOST)))
    assert dns_zone.alias_not_claimable.judge(view).severity is Severity.CRITICAL


def host(label: str, found_in: FoundIn, *addresses: str) -> Asset:
    return Asset(
        kind=AssetKind.HOST, name=f"{label}.ch.test", addresses=addresses, found_by="domain:ch.test", found_in=found_in
    )


@pytest.mark.parametrize(
    ("assets", "fact", "expected"),
    [
        ((host("vpn", FoundIn.WORD_LIST, "192.0.2.1"),), NAMES, NOT_MET),
        # what the domain's own working needs, what has no address, what another domain holds
        (
            (host("ns1", FoundIn.NS, "192.0.2.1"), host("mx", FoundIn.MX, "192.0.2.2"), host("vide", FoundIn.LINK)),
            NAMES,
            MET,
        ),
        ((), replace(NAMES, unanswered=12), UNDETERMINED),
        ((), NAMES, MET),
    ],
)
def test_inventories(assets: tuple[Asset, ...], fact: NamesFound, expected: Outcome) -> None:
    record = some_record(observed(fact))
    mandate = replace(record.scan.mandate, scope=replace(record.scan.mandate.scope, domains=("ch.test",)))
    record = replace(record, assets=assets, scan=replace(record.scan, mandate=mandate))
    (view,) = inventories.build(record)
    assert dns_zone.names_declared.judge(view).outcome is expected
