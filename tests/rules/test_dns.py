"""Rules on DNS: met, not met, could not tell, and the odd but healthy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from probes.facts.dns import AliasTarget, Delegation, DnsRecords, NameServerSeen, Presence, RecordSet
from probes.interface import Asset, AssetKind, Fact, Observation, Vantage
from rules.catalogue import dns
from rules.interface import Confidence, Outcome, Rule, Severity, Verdict

MET, NOT_MET, NOT_APPLICABLE, UNDETERMINED = Outcome.MET, Outcome.NOT_MET, Outcome.NOT_APPLICABLE, Outcome.UNDETERMINED
DAY = datetime(2026, 11, 24, tzinfo=UTC)
DOMAIN = Asset(kind=AssetKind.DOMAIN, name="ch.test")
HOST = Asset(kind=AssetKind.HOST, name="www.ch.test")


def judged(rule: Rule, fact: Fact, asset: Asset = DOMAIN) -> Verdict:
    seen = Observation(id="o", asset=asset, fact=fact, seen_at=DAY, probe="dns@1", vantage=Vantage.INTERNET)
    return rule.judge(seen)


def server(name: str, address: str, **more: object) -> NameServerSeen:
    usual = NameServerSeen(
        name=name,
        address=address,
        udp=True,
        tcp=True,
        authoritative=True,
        serial=1,
        recursive=False,
        transfer=0,
        version="",
    )
    return replace(usual, **more)  # type: ignore[arg-type]


GOOD = Delegation(
    zone="ch.test",
    by_parent=("ns1.ch.test", "ns2.ght.test"),
    by_zone=("ns1.ch.test", "ns2.ght.test"),
    servers=(server("ns1.ch.test", "192.0.2.1"), server("ns2.ght.test", "198.51.100.1")),
)


def zone(**more: object) -> Delegation:
    """The good zone, its first server changed."""
    return replace(GOOD, servers=(replace(GOOD.servers[0], **more), GOOD.servers[1]))  # type: ignore[arg-type]


ALONE = replace(GOOD, by_parent=("ns1.ch.test",), by_zone=("ns1.ch.test",), servers=GOOD.servers[:1])
NEIGHBOURS = replace(GOOD, servers=(GOOD.servers[0], server("ns2.ght.test", "192.0.2.200")))
SIX = replace(GOOD, servers=(GOOD.servers[0], server("ns2.ght.test", "2001:db8::1")))


@pytest.mark.parametrize(
    ("rule", "fact", "expected"),
    [
        (dns.servers_on_two_networks, GOOD, MET),
        (dns.servers_on_two_networks, SIX, MET),
        (dns.servers_on_two_networks, ALONE, NOT_MET),
        (dns.servers_on_two_networks, NEIGHBOURS, NOT_MET),
        (
            dns.servers_on_two_networks,
            replace(GOOD, servers=(GOOD.servers[0], server("ns2.ght.test", "", reason="no-address"))),
            UNDETERMINED,
        ),
        (dns.servers_authoritative, GOOD, MET),
        (dns.servers_authoritative, zone(authoritative=False), NOT_MET),
        (dns.servers_authoritative, zone(authoritative=None), UNDETERMINED),
        (dns.servers_authoritative, replace(GOOD, dangling=("ns3.gone.test",)), NOT_MET),
        (dns.servers_authoritative, zone(authoritative=None, udp=False, tcp=False, reason="refused"), NOT_MET),
        # silence may be the way's: it proves nothing
        (dns.servers_authoritative, zone(authoritative=None, udp=None, tcp=None, reason="timed-out"), UNDETERMINED),
        (dns.parent_and_zone_agree, GOOD, MET),
        (dns.parent_and_zone_agree, replace(GOOD, by_zone=("ns1.ch.test",)), NOT_MET),
        (dns.parent_and_zone_agree, replace(GOOD, by_zone=()), UNDETERMINED),
        (dns.servers_answer_tcp, GOOD, MET),
        (dns.servers_answer_tcp, zone(tcp=False), NOT_MET),
        (dns.servers_answer_tcp, zone(tcp=None), UNDETERMINED),
        (dns.transfer_closed, GOOD, MET),
        (dns.transfer_closed, zone(transfer=12), NOT_MET),
        # an empty zone that gives its apex away gives nothing away
        (dns.transfer_closed, zone(transfer=1), MET),
        (dns.transfer_closed, zone(transfer=None), UNDETERMINED),
        (dns.recursion_closed, GOOD, MET),
        (dns.recursion_closed, zone(recursive=True), NOT_MET),
        (dns.recursion_closed, zone(recursive=None), UNDETERMINED),
        (dns.version_hidden, GOOD, MET),
        (dns.version_hidden, zone(version="9.9.4"), NOT_MET),
        # a joke is no version
        (dns.version_hidden, zone(version="none of your business"), MET),
        (dns.version_hidden, zone(version=None), UNDETERMINED),
    ],
)
def test_delegations(rule: Rule, fact: Fact, expected: Outcome) -> None:
    assert judged(rule, fact).outcome is expected


def test_a_whole_zone_given_away_and_a_single_machine_weigh_more() -> None:
    assert judged(dns.transfer_closed, zone(transfer=80)).severity is Severity.HIGH
    inside = ("ch.test", "dc1.ch.test", "www.ch.test")
    assert judged(dns.transfer_closed, zone(transfer=3, transferred=inside)).severity is Severity.HIGH
    outside = ("ch.test", "dcd-medical.ch.test", "adresses.ch.test", "www.ch.test")
    assert judged(dns.transfer_closed, zone(transfer=4, transferred=outside)).severity is None
    assert judged(dns.servers_on_two_networks, ALONE).severity is Severity.MEDIUM


GONE = AliasTarget(target="x.prestataire.test", presence=Presence.ABSENT, nonexistent=True, in_zone=False)


@pytest.mark.parametrize(
    ("fact", "asset", "expected"),
    [
        (GONE, HOST, NOT_MET),
        (replace(GONE, presence=Presence.PRESENT, nonexistent=False), HOST, MET),
        # the target exists without an address: a name kept for mail, say
        (replace(GONE, presence=Presence.ABSENT, nonexistent=False), HOST, MET),
        (replace(GONE, presence=Presence.UNKNOWN, nonexistent=False, reason="timed-out"), HOST, UNDETERMINED),
        (GONE, Asset(kind=AssetKind.HOST, name="_acme-challenge.ch.test"), NOT_APPLICABLE),
    ],
)
def test_aliases(fact: AliasTarget, asset: Asset, expected: Outcome) -> None:
    assert judged(dns.alias_target_exists, fact, asset).outcome is expected


def records(*sets: RecordSet) -> DnsRecords:
    """The record sets of ch.test; those not given are surely absent."""
    owners = {("ch.test", t) for t in ("A", "AAAA", "MX", "TXT", "CAA", "DS")} | {("_dmarc.ch.test", "TXT")}
    owners |= {(f"{label}.ch.test", "SRV") for label in dns._LOCATORS}
    given = {(s.owner, s.rdtype): s for s in sets}
    absent = [RecordSet(owner=o, rdtype=t, presence=Presence.ABSENT) for o, t in sorted(owners - given.keys())]
    return DnsRecords(sets=tuple(sorted((*sets, *absent), key=lambda s: (s.owner != "ch.test", s.owner, s.rdtype))))


def has(rdtype: str, *values: str, owner: str = "ch.test") -> RecordSet:
    return RecordSet(owner=owner, rdtype=rdtype, presence=Presence.PRESENT, values=values)


def silent(rdtype: str, owner: str = "ch.test") -> RecordSet:
    return RecordSet(owner=owner, rdtype=rdtype, presence=Presence.UNKNOWN, reason="timed-out")


SRV = has("SRV", "0 100 389 dc1.ad.ch.test.", owner="_ldap._tcp.dc._msdcs.ch.test")


@pytest.mark.parametrize(
    ("rule", "fact", "expected"),
    [
        (dns.certificate_authorities_named, records(has("CAA", '0 issue "a.test"')), MET),
        (dns.certificate_authorities_named, records(), NOT_MET),
        (dns.certificate_authorities_named, records(silent("CAA")), UNDETERMINED),
        (dns.zone_signed, records(has("DS", "1 13 2 00")), MET),
        (dns.zone_signed, records(), NOT_MET),
        (dns.zone_signed, records(silent("DS")), UNDETERMINED),
        (dns.no_private_addresses, records(has("A", "8.8.8.8")), MET),
        (dns.no_private_addresses, records(has("A", "10.1.2.3", "8.8.8.8")), NOT_MET),
        (dns.no_private_addresses, records(has("AAAA", "fd00::1")), NOT_MET),
        (dns.no_private_addresses, records(silent("A"), silent("AAAA")), UNDETERMINED),
        (dns.directory_locators_private, records(), MET),
        (dns.directory_locators_private, records(SRV), NOT_MET),
        # decidedly no such service (RFC 2782)
        (dns.directory_locators_private, records(replace(SRV, values=("0 0 0 .",))), MET),
        (dns.directory_locators_private, records(silent("SRV", owner="_gc._tcp.ch.test")), UNDETERMINED),
        (dns.directory_locators_private, records(SRV, silent("SRV", owner="_gc._tcp.ch.test")), NOT_MET),
    ],
)
def test_records(rule: Rule, fact: DnsRecords, expected: Outcome) -> None:
    verdict = judged(rule, fact)
    assert verdict.outcome is expected
    # a host beneath the domain is not blamed for what its domain must say
    if rule is not dns.no_private_addresses:
        assert judged(rule, fact, HOST).outcome is NOT_APPLICABLE


def test_a_lone_kerberos_record_may_be_another_s() -> None:
    lone = has("SRV", "0 5 88 kdc.ch.test.", owner="_kerberos._tcp.ch.test")
    assert judged(dns.directory_locators_private, records(lone)).confidence is Confidence.PROBABLE
