"""The MTA-STS policy file as senders read it: strict TLS, no redirect, plain text, and never outside the mandate."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import dns.name
import dns.zone
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from probes.facts.mail.exchange import PolicyState, TransportPolicies
from probes.interface import Asset, AssetKind, Sight
from probes.mail.probe import MailProbe, MailSettings
from scanner.demo import nameserver, services
from scanner.demo.certificates import authority, leaf
from scanner.demo.nameserver import NameServer
from scanner.demo.services import Page, Site
from tests.lab.line import mandate, open_line

HOST, RESOLVER, PORT, HTTPS = "127.43.0.10", "127.43.0.53", 53053, 8443
PLAIN = {"Content-Type": "text/plain"}
POLICY = b"version: STSv1\nmode: enforce\nmx: *.ch.test\nmax_age: 604800\n"
ZONE = f"""
@ 60 SOA ns hygie 1 7200 3600 1209600 3600
@ 60 NS ns
ns 60 A 192.0.2.1
ch 60 MX 10 mx.ch
mx.ch 60 A {HOST}
_mta-sts.ch 60 TXT "v=STSv1; id=1"
mta-sts.ch 60 A {HOST}
"""


async def read(
    tmp_path: Path, page: Page, *, name: str = "mta-sts.ch.test", networks: tuple[str, ...] = (f"{HOST}/32",)
) -> TransportPolicies:
    now = datetime.now(UTC)
    signer = authority("Autorité du laboratoire", now)
    anchors = tmp_path / "ca.pem"
    anchors.write_bytes(signer.chain[0].public_bytes(Encoding.PEM))
    site = Site(
        name=name,
        address=HOST,
        port=HTTPS,
        identity=leaf(signer, (name,), now),
        pages={"/.well-known/mta-sts.txt": page, "/elsewhere": Page(headers=PLAIN, body=POLICY)},
    )
    zone = dns.zone.from_text(ZONE, dns.name.from_text("test."), relativize=False)
    granted = mandate(domains=["ch.test"], networks=networks)
    line = open_line(granted=granted, resolver=RESOLVER, resolver_port=PORT)
    settings = MailSettings(resolver=RESOLVER, roots=(), policy_port=HTTPS, anchors=str(anchors), usual_selectors=())
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(nameserver.serving(NameServer(zones=(zone,), resolver=True), RESOLVER, PORT))
        await stack.enter_async_context(services.serving(site))
        found = [y async for y in MailProbe(settings).look(Asset(kind=AssetKind.DOMAIN, name="ch.test"), line)]
    return next(y.fact for y in found if isinstance(y, Sight) and isinstance(y.fact, TransportPolicies))


async def test_a_policy_is_read(tmp_path: Path) -> None:
    fact = await read(tmp_path, Page(headers=PLAIN, body=POLICY))
    assert (fact.policy, fact.mode, fact.max_age, fact.patterns) == (
        PolicyState.READ,
        "enforce",
        604800,
        ("*.ch.test",),
    )


@pytest.mark.parametrize(
    ("page", "state"),
    [
        (Page(status=404), PolicyState.ABSENT),
        (Page(status=503), PolicyState.UNKNOWN),
        # senders follow no redirect (RFC 8461 3.3), even to a good policy
        (Page(status=302, headers={"Location": "/elsewhere"}), PolicyState.REDIRECTED),
        (Page(headers={"Content-Type": "text/html"}, body=POLICY), PolicyState.MALFORMED),
        (Page(headers=PLAIN, body=b"version: STSv1\nmode: perhaps\n"), PolicyState.MALFORMED),
        (Page(headers=PLAIN, body=POLICY + b"x" * 300_000), PolicyState.MALFORMED),
    ],
    ids=["absent", "overloaded", "redirected", "a page", "another mode", "too long"],
)
async def test_what_senders_would_not_use(tmp_path: Path, page: Page, state: PolicyState) -> None:
    assert (await read(tmp_path, page)).policy is state


async def test_a_certificate_of_another_name_is_refused(tmp_path: Path) -> None:
    fact = await read(tmp_path, Page(headers=PLAIN, body=POLICY), name="www.ch.test")
    assert fact.policy is PolicyState.CERTIFICATE


async def test_a_policy_host_outside_the_mandate_is_not_asked(tmp_path: Path) -> None:
    fact = await read(tmp_path, Page(headers=PLAIN, body=POLICY), networks=("192.0.2.0/24",))
    assert (fact.policy, fact.policy_detail) == (PolicyState.OUT_OF_SCOPE, "out-of-scope")
