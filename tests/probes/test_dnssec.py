"""DNSSEC against zones signed by BIND and served by Knot; every verdict beside that of delv."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from probes.dns.dnssec import DnssecProbe, DnssecSettings
from probes.facts.dnssec import Flaw, Security, ZoneSecurity
from probes.interface import Asset, AssetKind, Sight
from tests.lab.dig import security_of
from tests.lab.dnssec import CASES, LEAVES, PORT, VALIDATING, Lab, delv, seen, staged
from tests.lab.line import mandate, open_line

pytestmark = pytest.mark.daemon


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with staged(tmp_path_factory.mktemp("dnssec")) as running:
        yield running


@pytest.mark.parametrize(("domain", "security", "flaw"), CASES)
async def test_verdicts_are_those_of_delv(lab: Lab, domain: str, security: Security, flaw: Flaw) -> None:
    fact = await seen(domain, (lab.anchor,))
    assert (fact.security, fact.flaw) == (security, flaw)
    assert delv(domain, lab.keys) is security


async def test_proofs_keys_and_dates_are_those_that_dig_reads(lab: Lab) -> None:
    compared = [
        one for domain, _, _ in CASES for one in security_of(domain, await seen(domain, (lab.anchor,)), VALIDATING)
    ]
    assert len(compared) > 3 * len(CASES)
    # a server is read no further than the first set that is wrong
    assert [(c.where, c.what) for c in compared if c.ours != c.theirs] == [("changed", f"RRSIG at {LEAVES}")]


async def test_keys_signatures_and_hashing_are_told(lab: Lab) -> None:
    rsa, hashed = await seen("rsa", (lab.anchor,)), await seen("hashed", (lab.anchor,))
    assert {(k.algorithm, k.bits) for k in rsa.keys} == {(5, 1024)}
    assert {k.entry_point for k in rsa.keys} == {True, False}
    assert {s.digest_type for s in rsa.signers} == {2}
    assert (hashed.nsec3_iterations, hashed.nsec3_salt_bytes) == (10, 2)
    assert {s.rdtype for s in rsa.signatures} == {"DNSKEY", "SOA", "NS", "A", "MX"}
    assert [s.address for s in rsa.servers] == [LEAVES]


async def test_another_anchor_or_none_proves_nothing(lab: Lab) -> None:
    other = lab.anchor[:-8] + "0" * 8
    assert (await seen("good", (other,))).flaw is Flaw.DS_MISMATCH
    assert (await seen("good", ())).security is Security.INDETERMINATE


async def test_the_anchors_shipped_are_those_of_iana_and_silence_is_no_verdict() -> None:
    # nothing is routed to the real roots here, and the mandate does not grant them: no server tells
    line = open_line(granted=mandate(domains=["good"], excluded_networks=["0.0.0.0/0"]), dns_port=PORT)
    (sight,) = [y async for y in DnssecProbe(DnssecSettings()).look(Asset(kind=AssetKind.DOMAIN, name="good"), line)]
    assert isinstance(sight, Sight)
    assert isinstance(sight.fact, ZoneSecurity)
    assert (sight.fact.security, sight.fact.flaw) == (Security.INDETERMINATE, Flaw.SILENT)
    assert sight.fact.anchors == "IANA root-anchors.xml, 2024-07-18"
