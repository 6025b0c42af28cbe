"""The grants of design section 4: what is listed is granted, what is not is refused, exclusions win."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.interface import DnsQuestion, Hosted, Mandate, ProbeError, Reason
from scanner.scope import Grants
from tests.lab.line import mandate

RESOLVER = (ip_address("192.0.2.53"), 53)
PORTAL = Hosted(name="rdv.ch-exemple.fr", provider="Hébergeur", ports=frozenset({443}), authorisation="lettre")
GRANTED = mandate(
    domains=("ch-exemple.fr",),
    networks=("203.0.113.0/28", "2001:db8:1::/64", "10.1.0.0/24"),
    hosted=(PORTAL,),
    directories=("ldaps://10.9.9.9", "ldap://dc1.ad.ch-exemple.fr:389"),
    excluded_names=("scanner-irm.ch-exemple.fr",),
    excluded_networks=("203.0.113.9/32",),
)


def grants(granted: Mandate = GRANTED, level: int = 3) -> Grants:
    return Grants(granted, level, resolver=RESOLVER, authoritative=True)


def refusal(
    address: str, port: int = 443, *, name: str = "", level: int = 2, by: Grants | None = None
) -> Reason | None:
    try:
        (by or grants()).connection(ip_address(address), port, name=name, level=level)
    except ProbeError as error:
        return error.reason
    return None


@pytest.mark.parametrize(
    ("address", "port", "name", "reason"),
    [
        ("203.0.113.1", 443, "", None),
        ("203.0.113.1", 22, "www.ch-exemple.fr", None),
        ("2001:db8:1::5", 443, "", None),
        ("10.1.0.7", 3389, "", None),
        ("203.0.113.16", 443, "", Reason.OUT_OF_SCOPE),
        ("203.0.113.9", 443, "", Reason.EXCLUDED),
        ("203.0.113.1", 443, "scanner-irm.ch-exemple.fr", Reason.EXCLUDED),
        ("203.0.113.1", 443, "a.SCANNER-IRM.ch-exemple.fr.", Reason.EXCLUDED),
        ("::ffff:203.0.113.1", 443, "", None),
        ("::ffff:203.0.113.9", 443, "", Reason.EXCLUDED),
        ("64:ff9b::203.0.113.9", 443, "", Reason.EXCLUDED),
        ("10.9.9.9", 636, "", None),
        ("10.9.9.9", 389, "", Reason.OUT_OF_SCOPE),
        ("10.2.0.1", 443, "www.ch-exemple.fr", Reason.OUT_OF_SCOPE),
        ("127.0.0.1", 443, "", Reason.OUT_OF_SCOPE),
        ("169.254.169.254", 80, "", Reason.OUT_OF_SCOPE),
        ("::1", 443, "", Reason.OUT_OF_SCOPE),
    ],
)
def test_connections(address: str, port: int, name: str, reason: Reason | None) -> None:
    assert refusal(address, port, name=name) is reason


def test_a_hosted_name_opens_only_what_the_line_resolved_only_its_ports_and_only_level_two() -> None:
    by = grants()
    assert refusal("8.8.8.8", name="rdv.ch-exemple.fr", by=by) is Reason.OUT_OF_SCOPE
    by.learn("rdv.ch-exemple.fr", [ip_address("8.8.8.8"), ip_address("10.0.0.1")])
    assert refusal("8.8.8.8", name="RDV.ch-exemple.fr.", by=by) is None
    assert refusal("8.8.8.8", 80, name="rdv.ch-exemple.fr", by=by) is Reason.OUT_OF_SCOPE
    assert refusal("8.8.8.8", name="rdv.ch-exemple.fr", level=3, by=by) is Reason.OUT_OF_SCOPE
    assert refusal("8.8.8.8", name="autre.ch-exemple.fr", by=by) is Reason.OUT_OF_SCOPE
    assert refusal("10.0.0.1", name="rdv.ch-exemple.fr", by=by) is Reason.OUT_OF_SCOPE
    by.learn("rdv.ch-exemple.fr", [ip_address("8.8.4.4")])
    assert refusal("8.8.8.8", name="rdv.ch-exemple.fr", by=by) is Reason.OUT_OF_SCOPE


def test_a_directory_by_name_is_granted_at_the_address_resolved_when_the_internet_routes_it() -> None:
    by = grants()
    by.learn("dc1.ad.ch-exemple.fr", [ip_address("8.8.8.8"), ip_address("10.0.0.5")])
    assert refusal("8.8.8.8", 389, name="dc1.ad.ch-exemple.fr", by=by) is None
    assert refusal("10.0.0.5", 389, name="dc1.ad.ch-exemple.fr", by=by) is Reason.OUT_OF_SCOPE


def test_the_level_is_the_lower_of_mandate_and_request() -> None:
    assert grants(level=1).level == 1
    assert grants(mandate(level=2), level=3).level == 2
    assert refusal("203.0.113.1", level=3, by=grants(level=2)) is Reason.LEVEL


@pytest.mark.parametrize(
    ("server", "kind", "walking", "reason"),
    [
        ("192.0.2.53", DnsQuestion.RESOLVER, "", None),
        ("8.8.8.8", DnsQuestion.RESOLVER, "", Reason.OUT_OF_SCOPE),
        ("8.8.8.8", DnsQuestion.DELEGATION, "www.ch-exemple.fr", None),
        ("8.8.8.8", DnsQuestion.DELEGATION, "rdv.ch-exemple.fr", None),
        ("8.8.8.8", DnsQuestion.DELEGATION, "ch-exemple.fr.evil.test", Reason.OUT_OF_SCOPE),
        ("8.8.8.8", DnsQuestion.DELEGATION, "notch-exemple.fr", Reason.OUT_OF_SCOPE),
        ("10.0.0.1", DnsQuestion.DELEGATION, "www.ch-exemple.fr", Reason.OUT_OF_SCOPE),
        ("203.0.113.9", DnsQuestion.DELEGATION, "www.ch-exemple.fr", Reason.EXCLUDED),
        ("8.8.8.8", DnsQuestion.INTRUSIVE, "www.ch-exemple.fr", Reason.OUT_OF_SCOPE),
        ("203.0.113.1", DnsQuestion.INTRUSIVE, "ch-exemple.fr", None),
    ],
)
def test_questions(server: str, kind: DnsQuestion, walking: str, reason: Reason | None) -> None:
    try:
        grants().question(ip_address(server), 53, kind, walking)
        found = None
    except ProbeError as error:
        found = error.reason
    assert found is reason


@given(st.ip_addresses(), st.integers(0, 65535), st.sampled_from(["", "ch-exemple.fr", "rdv.ch-exemple.fr", "x.test"]))
def test_nothing_outside_the_listed_networks_is_ever_granted_without_a_resolution(
    address: object, port: int, name: str
) -> None:
    text = str(address)
    listed = any(ip_address(text) in n for n in GRANTED.scope.networks if n.version == ip_address(text).version)
    mapped = ip_address(text)
    if mapped.version == 6 and (mapped.ipv4_mapped or mapped.sixtofour or text.startswith("64:ff9b")):
        return
    if refusal(text, port, name=name) is None:
        assert listed or (text, port) == ("10.9.9.9", 636)
