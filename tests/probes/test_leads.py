"""Leads: what facts cite becomes hosts, addresses and networks; hostile texts become nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.facts.dns import DnsRecords, Presence, RecordSet
from probes.facts.web import Hop, WebOrigin
from probes.interface import AssetKind, FoundIn, Lead, asset_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("WWW.CH.test.", "host:www.ch.test"),
        ("*.ch.test", "host:ch.test"),
        ("hôpital.test", "host:xn--hpital-ixa.test"),
        ("_dmarc.ch.test", "host:_dmarc.ch.test"),
        ("192.0.2.7", "address:192.0.2.7"),
        ("2001:DB8::1", "address:2001:db8::1"),
        ("192.0.2.0/24", "network:192.0.2.0/24"),
        # a host bit set is no network, and not a name either
        ("192.0.2.7/24", None),
        ("localhost", None),
        ("a..b.test", None),
        ("-x.test", None),
        ("x.test\n.evil", None),
        ("x" * 64 + ".test", None),
        ("1.2.3", None),
        ("www.ch.test;rm -rf", None),
        ("", None),
    ],
)
def test_a_text_becomes_an_asset_or_nothing(text: str, expected: str | None) -> None:
    asset = asset_of(Lead(text=text, found_in=FoundIn.LINK), "domain:ch.test")
    assert (asset.id if asset else None) == expected


@given(st.text(max_size=300))
def test_no_text_makes_a_host_that_is_not_one(text: str) -> None:
    asset = asset_of(Lead(text=text, found_in=FoundIn.CERTIFICATE), "")
    if asset is not None and asset.kind is AssetKind.HOST:
        assert asset.name.isascii()
        assert len(asset.name) <= 253
        assert not set(asset.name) - set("abcdefghijklmnopqrstuvwxyz0123456789-_.")


def records(*sets: tuple[str, str]) -> DnsRecords:
    return DnsRecords(
        sets=tuple(RecordSet(owner="ch.test", rdtype=t, presence=Presence.PRESENT, values=(v,)) for t, v in sets)
    )


def test_records_lead_to_the_hosts_and_networks_they_name() -> None:
    fact = records(
        ("MX", "10 mx.ailleurs.test."),
        ("MX", "0 ."),
        ("SRV", "0 100 389 dc1.ad.ch.test."),
        ("SOA", "ns1.ch.test. dsi.ch.test. 1 2 3 4 5"),
        ("TXT", '"v=spf1 ip4:192.0.2.0/28 a:relais.ch.test " "include:_spf.ailleurs.test exists:%{i}.x.test -all"'),
        ("TXT", '"verification=abc"'),
    )
    assert {(lead.text, lead.found_in) for lead in fact.leads()} == {
        ("mx.ailleurs.test.", FoundIn.MX),
        ("dc1.ad.ch.test.", FoundIn.SRV),
        ("ns1.ch.test.", FoundIn.SOA),
        ("192.0.2.0/28", FoundIn.SPF),
        ("relais.ch.test", FoundIn.SPF),
        ("_spf.ailleurs.test", FoundIn.SPF),
    }


def test_a_page_leads_to_its_redirects_links_and_policy() -> None:
    policy = "default-src 'self' https://cdn.ailleurs.test *.ch.test:8443/x; report-uri /csp; img-src data: blob:"
    fact = WebOrigin(
        scheme="https",
        host="www.ch.test",
        port=443,
        address="192.0.2.1",
        chain=(Hop(url="https://www.ch.test/", status=302, location="https://sso.ch.test/login"),),
        own_headers=(),
        headers=(("content-security-policy", policy),),
        cookies=(),
        html=True,
        title="",
        reliable=True,
        linked_hosts=("rdv.ch.test",),
    )
    assert [(lead.text, lead.found_in.value) for lead in fact.leads()] == [
        ("sso.ch.test", "redirect"),
        ("cdn.ailleurs.test", "csp"),
        ("*.ch.test", "csp"),
        ("rdv.ch.test", "link"),
    ]
