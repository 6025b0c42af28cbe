"""The TLS probe against real endpoints of the demo's stage, and against peers that lie."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.facts.tls import Acceptance, CertificateChain, TlsProfile, Version
from probes.facts.tls_suites import known_suites, suite
from probes.interface import ProbeError, Reason, Shortfall, Sight, Yield, service
from probes.tls import hello
from probes.tls.chain import matches
from probes.tls.probe import TlsProbe, TlsSettings
from scanner.demo import establishment, services
from scanner.demo.listening import listening
from tests.lab.line import open_line
from tests.lab.relay import relayed

ADDRESS = "127.91.0.1"


async def seen(name: str, address: str, port: int) -> list[Yield]:
    probe = TlsProbe(TlsSettings(patience=1.0))
    return [y async for y in probe.look(service("tcp", port, name, addresses=[address]), open_line(domains=["test"]))]


async def test_the_demo_stage_is_seen_as_it_was_staged() -> None:
    stage = establishment.stage(datetime.now(UTC))
    async with contextlib.AsyncExitStack() as stack:
        for staged in stage.services:
            await stack.enter_async_context(services.serving(staged))
        found = {s.name.partition(".")[0]: await seen(s.name, s.address, s.port) for s in stage.services[:6]}
    profiles = {name: y[0].fact for name, y in found.items() if isinstance(y[0], Sight)}
    chains = {n: y[1].fact for n, y in found.items() if len(y) > 1 and isinstance(y[1], Sight)}
    accepted = {
        name: {v.version for v in p.versions if v.state is Acceptance.ACCEPTED}
        for name, p in profiles.items()
        if isinstance(p, TlsProfile)
    }
    assert accepted["www"] == {Version.TLS12, Version.TLS13}
    assert accepted["pacs"] == {Version.TLS10, Version.TLS11, Version.TLS12, Version.TLS13}
    assert accepted["ged"] == {Version.SSL3}
    www, rdv, webmail, pacs = chains["www"], chains["rdv"], chains["webmail"], chains["pacs"]
    assert isinstance(www, CertificateChain)
    assert isinstance(rdv, CertificateChain)
    assert isinstance(webmail, CertificateChain)
    assert isinstance(pacs, CertificateChain)
    assert www.not_after < datetime.now(UTC)
    assert (www.name_matches, rdv.name_matches) == (True, False)
    assert (webmail.self_signed, www.self_signed) == (True, False)
    assert (pacs.key_type, pacs.key_bits) == ("RSA", 1024)
    for profile in profiles.values():
        assert isinstance(profile, TlsProfile)
        assert profile.connections <= len(profile.suites) * 4 + 25


async def test_the_suites_are_those_that_openssl_was_told_to_take() -> None:
    assert shutil.which("openssl"), "openssl is missing"
    identity = establishment.stage(datetime.now(UTC)).services[0]
    assert isinstance(identity, services.Site)
    assert identity.identity
    site = services.Site(name="a.test", address=ADDRESS, port=18443, identity=identity.identity)
    async with services.serving(site):
        (first, *_) = await seen("a.test", ADDRESS, 18443)
    assert isinstance(first, Sight)
    assert isinstance(first.fact, TlsProfile)
    listed = subprocess.run(
        ["openssl", "ciphers", "-s", "-tls1_2", "-stdname", "ECDHE+AESGCM:ECDHE+CHACHA20"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    told = {name for name in listed if name.startswith("TLS_ECDHE_ECDSA")}
    twelve = next(v for v in first.fact.versions if v.version is Version.TLS12)
    assert {suite(n).name for n in twelve.suites} == told


async def test_a_slow_line_changes_nothing_of_what_is_seen() -> None:
    staged = establishment.stage(datetime.now(UTC)).services[0]
    assert isinstance(staged, services.Site)
    site = services.Site(name="a.test", address=ADDRESS, port=18443, identity=staged.identity)
    async with services.serving(site), relayed("127.91.0.3", 18443, (ADDRESS, 18443), delay=0.04):
        near, far = await seen("a.test", ADDRESS, 18443), await seen("a.test", "127.91.0.3", 18443)
    direct, late = (
        replace(y.fact, address="")
        for y in (near[0], far[0])
        if isinstance(y, Sight) and isinstance(y.fact, TlsProfile)
    )
    assert direct == late


@contextlib.asynccontextmanager
async def liar(*answers: bytes, port: int, drip: float = 0.0) -> AsyncIterator[None]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read(1)
            for piece in answers:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(drip)

    async with listening(answer, ADDRESS, port):
        yield


async def test_a_service_that_does_not_speak_tls_is_seen_as_such() -> None:
    async with liar(b"220 mx.ch.test ESMTP\r\n", port=18444):
        (first,) = await seen("a.test", ADDRESS, 18444)
    assert isinstance(first, Sight)
    assert isinstance(first.fact, TlsProfile)
    assert not first.fact.spoken


@pytest.mark.parametrize(
    ("answers", "drip", "reason"),
    [
        ((b"\x16\x03\x03\x00\x10" + b"\x02\x00\x00",), 5.0, Reason.TIMED_OUT),
        ((b"\x16\x03\x03\x00\x06\x02\x00\x00\x02\x03\x03",), 0.0, Reason.MALFORMED),
        ((b"\x16\x03\x03\x10\x00", *(b"\x02" for _ in range(40))), 0.2, Reason.TIMED_OUT),
    ],
)
async def test_a_peer_that_lies_is_a_typed_failure(answers: tuple[bytes, ...], drip: float, reason: Reason) -> None:
    async with liar(*answers, port=18445, drip=drip):
        with pytest.raises(ProbeError) as caught:
            await seen("a.test", ADDRESS, 18445)
    assert caught.value.reason is reason


async def test_nobody_there_is_refused() -> None:
    with pytest.raises(ProbeError) as caught:
        await seen("a.test", ADDRESS, 18446)
    assert caught.value.reason is Reason.REFUSED


async def test_one_address_of_two_that_fails_is_missed_and_the_other_seen() -> None:
    probe = TlsProbe(TlsSettings(patience=1.0))
    asset = service("tcp", 18447, "a.test", addresses=[ADDRESS, "127.91.0.2"])
    async with liar(b"220 no tls\r\n", port=18447):
        found = [y async for y in probe.look(asset, open_line(domains=["test"]))]
    assert [type(y) for y in found] == [Sight, Shortfall]


@given(st.binary(max_size=200))
def test_parsers_raise_nothing_but_their_own_error(data: bytes) -> None:
    for parse in (hello.server_hello, hello.certificates, hello.dh_prime_bits):
        with contextlib.suppress(hello.HelloError):
            parse(data)
    hello.is_ssl2_server_hello(data)


def test_names_match_as_rfc_9525_says() -> None:
    assert matches("WWW.ch.test.", ["www.ch.test"])
    assert matches("a.ch.test", ["*.ch.test"])
    assert not matches("a.b.ch.test", ["*.ch.test"])
    assert not matches("ch.test", ["*.ch.test"])
    assert not matches("xch.test", ["ch.test"])


def test_the_table_of_suites_is_whole() -> None:
    assert len(known_suites()) > 120
    assert suite(0xC02F).name == "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
    assert suite(0x1301).tls13
    assert ip_address(ADDRESS).is_loopback
