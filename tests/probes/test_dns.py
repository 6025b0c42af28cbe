"""The DNS probe against the demo's name servers, and against servers that lie or stay silent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import TypeVar, cast

import dns.flags
import dns.message
import dns.rcode
import pytest

from probes.dns.probe import DnsProbe, DnsSettings
from probes.facts.dns import AliasTarget, Delegation, DnsRecords, Presence
from probes.interface import Asset, AssetKind, ProbeError, Reason, Shortfall, Sight, Yield
from scanner.demo import establishment as stage
from scanner.demo import nameserver
from tests.lab.line import open_line

F = TypeVar("F")
FAULTY = Asset(kind=AssetKind.DOMAIN, name=stage.FAULTY)
HEALTHY = Asset(kind=AssetKind.DOMAIN, name=stage.HEALTHY)


def host(label: str) -> Asset:
    return Asset(kind=AssetKind.HOST, name=f"{label}.{stage.FAULTY}")


@contextlib.asynccontextmanager
async def staged() -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        for address, server in stage.stage(datetime.now(UTC)).nameservers:
            await stack.enter_async_context(nameserver.serving(server, address, stage.DNS_PORT))
        yield


async def seen(asset: Asset, *, resolver: str = stage.RESOLVER, root: str = stage.ROOT) -> list[Yield]:
    line = open_line(
        domains=[stage.FAULTY, stage.HEALTHY],
        resolver=resolver,
        resolver_port=stage.DNS_PORT,
        dns_port=stage.DNS_PORT,
    )
    probe = DnsProbe(DnsSettings(resolver=resolver, roots=(root,)))
    return [y async for y in probe.look(asset, line)]


def fact(kind: type[F], found: list[Yield]) -> F:
    return next(y.fact for y in found if isinstance(y, Sight) and isinstance(y.fact, kind))


async def test_a_domain_is_seen_from_its_own_servers() -> None:
    async with staged():
        found = await seen(FAULTY)
    records, delegation = fact(DnsRecords, found), fact(Delegation, found)
    mx, caa = records.find("MX"), records.find("CAA")
    assert mx is not None
    assert (mx.presence, mx.values, mx.asked) == (Presence.PRESENT, (f"10 mx.{stage.FAULTY}.",), "authoritative")
    assert caa is not None
    assert (caa.presence, caa.nonexistent) == (Presence.ABSENT, False)
    (server,) = delegation.servers
    assert (server.authoritative, server.tcp, server.recursive, server.version) == (True, True, False, "9.9.4-demo")
    assert (server.transfer or 0) > 10
    met = {lead.text.rstrip(".") for lead in (*records.leads(), *delegation.leads())}
    assert {f"mx.{stage.FAULTY}", f"dc1.ad.{stage.FAULTY}"} <= met


async def test_the_healthy_twin_gives_nothing_away() -> None:
    async with staged():
        delegation = fact(Delegation, await seen(HEALTHY))
    assert delegation.by_parent == delegation.by_zone
    assert [(s.transfer, s.recursive, s.version) for s in delegation.servers] == [(0, False, ""), (0, False, "")]


async def test_an_alias_to_nothing_is_surely_nothing() -> None:
    async with staged():
        alias = fact(AliasTarget, await seen(host("ancien-portail")))
    assert (alias.target, alias.presence, alias.nonexistent) == (
        "ch-valmorel.prestataire-disparu.test", Presence.ABSENT, True,
    )  # fmt: skip


async def test_a_host_is_met_again_with_its_addresses() -> None:
    async with staged():
        found = await seen(host("www"))
    assert [y.addresses for y in found if isinstance(y, Asset)] == [("127.77.10.10",)]


async def test_a_name_that_does_not_exist_is_surely_absent_and_said_so() -> None:
    async with staged():
        found = await seen(host("inconnu"))
    assert all(s.nonexistent for s in fact(DnsRecords, found).sets)
    assert [y.reason for y in found if isinstance(y, Shortfall)] == [Reason.UNKNOWN_HOST]


Answer = Callable[[dns.message.Message, bytes], bytes | None]


class _Liar(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        wire = self._answer(dns.message.from_wire(data), data)
        if wire is not None:
            self._transport.sendto(wire, addr)


def _says(rcode: dns.rcode.Rcode) -> Answer:
    def answer(query: dns.message.Message, wire: bytes) -> bytes:
        response = dns.message.make_response(query)
        response.set_rcode(rcode)
        return response.to_wire()

    return answer


def _other_question(query: dns.message.Message, wire: bytes) -> bytes:
    other = dns.message.make_query("elsewhere.test", "A")
    other.id = query.id
    return dns.message.make_response(other).to_wire()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda query, wire: None, Reason.TIMED_OUT),
        (_says(dns.rcode.SERVFAIL), Reason.SERVER_FAILURE),
        (_says(dns.rcode.REFUSED), Reason.SERVER_FAILURE),
        (lambda query, wire: wire[:2] + b"\xff" * 40, Reason.MALFORMED),
        (lambda query, wire: b"\0\0" + wire[2:], Reason.TIMED_OUT),
        (_other_question, Reason.MALFORMED),
    ],
    ids=["silence", "servfail", "refused", "garbage", "wrong id", "other question"],
)
async def test_what_cannot_be_told_is_never_absence(answer: Answer, reason: Reason) -> None:
    loop = asyncio.get_running_loop()
    local = ("127.77.99.1", stage.DNS_PORT)
    transport, _ = await loop.create_datagram_endpoint(lambda: _Liar(answer), local_addr=local)
    try:
        with pytest.raises(ProbeError) as caught:
            await asyncio.wait_for(seen(host("www"), resolver="", root="127.77.99.1"), 120)
    finally:
        transport.close()
    assert caught.value.reason in {reason, Reason.UNREACHABLE}


async def test_a_name_that_only_a_lead_gave_and_that_does_not_exist_is_not_missed() -> None:
    led = Asset(kind=AssetKind.HOST, name=f"inconnu.{stage.FAULTY}", found_by="service:tcp/443@x")
    async with staged():
        found = await seen(led)
    assert not [y for y in found if isinstance(y, Shortfall)]
