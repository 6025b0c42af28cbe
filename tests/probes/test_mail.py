"""The mail probe against a name server: SPF counted to its leaves, DMARC climbed, DKIM, exchangers, and silence."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TypeVar

import dns.name
import dns.zone
import pytest

from probes.facts.dns import Presence
from probes.facts.mail.exchange import Exchangers, PolicyState, Tlsa, TransportPolicies
from probes.facts.mail.policies import DkimKeys, DmarcPolicy, SpfFaultKind, SpfTree
from probes.interface import Asset, AssetKind, Fact, FoundIn, ProbeError, Sight, Yield
from probes.mail.dmarc import climb
from probes.mail.probe import MailProbe, MailSettings
from scanner.demo import nameserver
from scanner.demo.nameserver import NameServer
from tests.lab.line import open_line

F = TypeVar("F", bound=Fact)
RESOLVER, PORT = "127.40.0.53", 53053
MANY = " ".join(f"a:h{n}.ch.test" for n in range(8))
ZONE = f"""
@ 60 SOA ns hygie 1 7200 3600 1209600 3600
@ 60 NS ns
ns 60 A 192.0.2.1
good 60 MX 10 mx.good
good 60 TXT "v=spf1 mx ip4:192.0.2.0/28 " "include:_spf.good.test. -all"
mx.good 60 A 192.0.2.25
_spf.good 60 TXT "v=spf1 ip6:2001:db8::/48 ~all"
_dmarc.good 60 TXT "v=DMARC1; p=reject; rua=mailto:d@good.test,mailto:r@reports.test"
good.test._report._dmarc.reports 60 TXT "v=DMARC1"
s1._domainkey.good 60 TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
_smtp._tls.good 60 TXT "v=TLSRPTv1; rua=mailto:t@good.test"
_25._tcp.mx.good 60 TLSA 3 1 1 {"ab" * 32}
ten 60 TXT "v=spf1 {MANY} mx exists:%{{i}}.x.test -all"
ten 60 MX 10 mx.good
eleven 60 TXT "v=spf1 include:ten.test a:ptr.test -all"
{"".join(f"h{n}.ch 60 A 192.0.2.{n}{chr(10)}" for n in range(8))}
ptr 60 TXT "v=spf1 ptr all"
ptr 60 A 192.0.2.7
void 60 TXT "v=spf1 a:none1.void.test a:none2.void.test include:none3.void.test -all"
loop 60 TXT "v=spf1 include:loop2.test -all"
loop2 60 TXT "v=spf1 include:loop.test -all"
after 60 TXT "v=spf1 -all a:never.test include:never.test"
moved 60 TXT "v=spf1 redirect=ptr.test"
everybody 60 TXT "v=spf1 include:moved.test mx -all"
nobody 60 TXT "v=spf1 -include:ptr.test mx all"
twice 60 TXT "v=spf1 -all"
twice 60 TXT "v=spf1 ~all"
spaced 60 TXT " v=spf1 -all"
spaced 60 TXT "v=spf10 -all"
dead 60 MX 10 mx.nowhere.test
dead 60 MX 20 alias.dead
alias.dead 60 CNAME mx.good
null 60 MX 0 .
sub.org 60 TXT "v=spf1 -all"
_dmarc.org 60 TXT "v=DMARC1; p=none; sp=reject"
two 60 MX 10 mx.good
_dmarc.two 60 TXT "v=DMARC1; p=reject"
_dmarc.two 60 TXT "v=DMARC1; p=none"
_mta-sts.two 60 TXT "v=STSv1; id=bad id"
_domainkey.two 60 TXT "o=-"
"""


@pytest.fixture
async def staged() -> AsyncIterator[None]:
    zone = dns.zone.from_text(ZONE, dns.name.from_text("test."), relativize=False)
    server = NameServer(zones=(zone,), resolver=True)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(nameserver.serving(server, RESOLVER, PORT))
        yield


async def seen(domain: str, *, selectors: tuple[str, ...] = ()) -> list[Yield]:
    line = open_line(domains=["test"], resolver=RESOLVER, resolver_port=PORT, networks=())
    probe = MailProbe(MailSettings(resolver=RESOLVER, roots=(), selectors=selectors))
    return [y async for y in probe.look(Asset(kind=AssetKind.DOMAIN, name=f"{domain}.test"), line)]


async def fact(kind: type[F], domain: str, *, selectors: tuple[str, ...] = ()) -> F:
    found = await seen(domain, selectors=selectors)
    return next(y.fact for y in found if isinstance(y, Sight) and isinstance(y.fact, kind))


@pytest.mark.usefixtures("staged")
@pytest.mark.parametrize(
    ("domain", "lookups", "voids", "least", "ending", "faults"),
    [
        ("good", 2, 0, False, "-", set()),
        # eight a, one mx whatever its hosts, one exists with a macro: ten, and no more
        ("ten", 10, 0, True, "-", set()),
        ("eleven", 12, 0, True, "-", set()),
        ("ptr", 1, 0, False, "+", set()),
        ("void", 3, 3, False, "-", {SpfFaultKind.NO_RECORD}),
        ("loop", 2, 0, False, "-", {SpfFaultKind.LOOP}),
        # terms after all are never evaluated
        ("after", 0, 0, False, "-", set()),
        # a redirect counts, and its policy ends ours
        ("moved", 2, 0, False, "+", set()),
        # an include of a policy that lets everybody pass is an "all" itself, with the include's own qualifier
        ("everybody", 3, 0, False, "+", set()),
        ("nobody", 2, 0, False, "-", set()),
        ("twice", 0, 0, False, "unknown", {SpfFaultKind.SEVERAL}),
    ],
)
async def test_spf_is_counted_to_its_leaves(
    domain: str, lookups: int, voids: int, least: bool, ending: str, faults: set[SpfFaultKind]
) -> None:
    tree = await fact(SpfTree, domain)
    assert (tree.lookups, tree.voids, tree.least, tree.ending) == (lookups, voids, least, ending)
    assert {f.kind for f in tree.faults} == faults


@pytest.mark.usefixtures("staged")
async def test_networks_are_the_domain_s_own_or_its_includes() -> None:
    tree = await fact(SpfTree, "good")
    # _spf.good is the domain's as well
    assert tree.own_networks == ("192.0.2.0/28", "2001:db8::/48")
    assert tree.networks == ("192.0.2.0/28", "2001:db8::/48")


@pytest.mark.usefixtures("staged")
async def test_what_only_looks_like_spf_is_not() -> None:
    assert (await fact(SpfTree, "spaced")).presence is Presence.ABSENT


@pytest.mark.usefixtures("staged")
async def test_dmarc_is_found_at_the_domain_or_above() -> None:
    own, inherited = await fact(DmarcPolicy, "good"), await fact(DmarcPolicy, "sub.org")
    assert (own.found_at, inherited.found_at) == ("good.test", "org.test")
    assert (inherited.organisational, inherited.organisational_walk) == ("org.test", "org.test")
    assert [s.domain for s in inherited.steps] == ["sub.org.test", "org.test", "test"]
    (inside, outside) = own.targets
    assert (inside.external, outside.external, outside.authorised) == (False, True, Presence.PRESENT)
    # two records are none (RFC 7489 6.6.3)
    assert (await fact(DmarcPolicy, "two")).record == ""


def test_the_climb_skips_to_seven_labels() -> None:
    assert climb("a.b.c") == ("a.b.c", "b.c", "c")
    assert climb("a.b.c.d.e.f.g.h.i.j")[:3] == ("a.b.c.d.e.f.g.h.i.j", "d.e.f.g.h.i.j", "e.f.g.h.i.j")


@pytest.mark.usefixtures("staged")
async def test_dkim_keys_are_those_known_or_declared() -> None:
    keys = await fact(DkimKeys, "good", selectors=("gone@good.test", "other@elsewhere.test"))
    assert {(s.selector, s.declared, s.presence, s.bits) for s in keys.selectors} == {
        ("gone", True, Presence.ABSENT, 0),
        ("s1", False, Presence.PRESENT, 256),
    }
    assert (await fact(DkimKeys, "dead")).branch is Presence.ABSENT
    # the branch exists, empty of keys we know: selectors may exist
    assert await fact(DkimKeys, "two") == DkimKeys(branch=Presence.PRESENT)


@pytest.mark.usefixtures("staged")
async def test_exchangers_are_seen_with_what_is_wrong_with_them() -> None:
    good, dead, null = await fact(Exchangers, "good"), await fact(Exchangers, "dead"), await fact(Exchangers, "null")
    assert good.hosts[0].tlsa == (Tlsa(usage=3, selector=1, matching=1, data="ab" * 32),)
    gone, alias = dead.hosts
    assert (gone.nonexistent, gone.addressed, gone.registered) == (True, Presence.ABSENT, Presence.ABSENT)
    assert (alias.addressed, alias.alias) == (Presence.PRESENT, "mx.good.test")
    assert (null.null, null.receives, good.receives) == (True, False, True)


@pytest.mark.usefixtures("staged")
async def test_transport_policies_and_their_faults() -> None:
    good, two = await fact(TransportPolicies, "good"), await fact(TransportPolicies, "two")
    assert (good.sts, good.policy, good.reports) == (Presence.ABSENT, PolicyState.NOT_ASKED, Presence.PRESENT)
    assert (two.sts, bool(two.sts_fault), two.reports) == (Presence.PRESENT, True, Presence.ABSENT)


@pytest.mark.usefixtures("staged")
async def test_names_met_are_candidates_and_those_with_an_underscore_are_no_machines() -> None:
    leads = {(lead.text, lead.found_in) for y in await seen("good") if isinstance(y, Sight) for lead in y.fact.leads()}
    # the name of the mx mechanism is the domain's own; its include stands under an underscore
    assert leads == {("mx.good.test", FoundIn.MX), ("good.test", FoundIn.SPF)}


async def test_silence_is_never_absence() -> None:
    with pytest.raises(ProbeError):
        await seen("good")
