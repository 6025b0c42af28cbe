"""What is asked of an endpoint beyond versions and suites, of an OpenSSL set up in known ways; and of silence."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from probes.facts.tls import TlsProfile
from probes.interface import ProbeError, Reason, Sight, service
from probes.tls.probe import TlsProbe, TlsSettings
from scanner.demo.certificates import leaf
from scanner.demo.listening import listening
from tests.lab.daemon import running
from tests.lab.line import open_line

ADDRESS, PORT = "127.94.0.1", 18700
OLD = ("-cipher", "ALL:@SECLEVEL=0")


async def profile(patience: float = 2.0) -> TlsProfile:
    probe = TlsProbe(TlsSettings(ports=(PORT,), patience=patience))
    asset = service("tcp", PORT, "a.test", addresses=[ADDRESS])
    found = [y async for y in probe.look(asset, open_line(domains=["test"]))]
    assert isinstance(found[0], Sight)
    assert isinstance(found[0].fact, TlsProfile)
    return found[0].fact


async def served(folder: Path, *options: str) -> TlsProfile:
    chain, key = leaf(None, ("a.test",), datetime.now(UTC), rsa_bits=2048).pem()
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(key)
    command = ["openssl", "s_server", "-quiet", "-accept", f"{ADDRESS}:{PORT}"]
    files = ["-cert", str(folder / "chain.pem"), "-key", str(folder / "key.pem")]
    with running([*command, *files, *options], [(ADDRESS, PORT)], log=folder / "log"):
        return await profile()


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
async def test_groups_are_those_that_openssl_was_told_to_take(tmp_path: Path, version: str) -> None:
    seen = await served(tmp_path, version, "-curves", "P-384:X25519")
    assert seen.groups is not None
    assert set(seen.groups) == {0x0018, 0x001D}
    assert seen.extended_master_secret is (True if version == "-tls1_2" else None)


@pytest.mark.parametrize(("options", "order"), [(("-serverpref",), True), ((), False)])
async def test_the_order_counts_when_the_server_says_so(tmp_path: Path, options: tuple[str, ...], order: bool) -> None:
    suites = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
    assert (await served(tmp_path, "-tls1_2", "-cipher", suites, *options)).server_order is order


async def test_a_descent_is_refused_by_openssl(tmp_path: Path) -> None:
    assert (await served(tmp_path, "-no_tls1_3", *OLD)).fallback_signalled is True


async def test_a_silent_peer_costs_six_connections() -> None:
    taken = 0

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        taken += 1
        await reader.read()

    async with listening(silent, ADDRESS, PORT):
        with pytest.raises(ProbeError) as caught:
            await profile(0.3)
    assert caught.value.reason is Reason.TIMED_OUT
    assert taken == 6
