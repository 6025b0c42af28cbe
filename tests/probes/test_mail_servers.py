"""The mail-server probe against Postfix and Dovecot, set well and badly, and against servers that lie."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from probes.facts.mail.exchange import MailServer, StartTls, Verification
from probes.facts.tls import TlsProfile
from probes.interface import Fact, ProbeError, Reason, Sight, service
from probes.mail.server import MailServerProbe, MailServerSettings
from probes.tls.probe import TlsProbe, TlsSettings
from scanner.demo.certificates import authority, leaf
from tests.lab.line import open_line
from tests.lab.mail import dovecot, postfix

pytestmark = pytest.mark.daemon
WELL, BADLY, LIAR = "127.41.0.25", "127.41.0.26", "127.41.0.66"


@pytest.fixture(scope="module", autouse=True)
def staged() -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="hygie-mail-") as temporary, ExitStack() as stack:
        folder = Path(temporary)
        os.chmod(folder, 0o755)
        now = datetime.now(UTC)
        chain, key = leaf(authority("Autorité du laboratoire", now), ("mx.ch.test",), now).pem()
        (folder / "chain.pem").write_bytes(chain)
        (folder / "key.pem").write_bytes(key)
        tls = {
            "myhostname": "mx.ch.test",
            "smtpd_banner": "$myhostname ESMTP",
            "smtpd_tls_security_level": "may",
            "smtpd_tls_cert_file": f"{folder}/chain.pem",
            "smtpd_tls_key_file": f"{folder}/key.pem",
            "disable_vrfy_command": "yes",
        }
        bare = {"myhostname": "SRV-MAIL01.ch.local", "smtpd_banner": "$myhostname ESMTP Postfix 3.7.11"}
        stack.enter_context(postfix(folder / "p1", WELL, settings=tls, submission={"smtpd_tls_auth_only": "yes"}))
        stack.enter_context(postfix(folder / "p2", BADLY, settings=bare))
        ssl = {"ssl": "required", "ssl_cert": f"<{folder}/chain.pem", "ssl_key": f"<{folder}/key.pem"}
        stack.enter_context(dovecot(folder / "d1", WELL, settings=ssl))
        clear = {"ssl": "no", "disable_plaintext_auth": "no", "auth_mechanisms": "plain login cram-md5"}
        stack.enter_context(dovecot(folder / "d2", BADLY, settings=clear))
        yield


async def seen(address: str, port: int, **settings: object) -> MailServer:
    probe = MailServerProbe(MailServerSettings(**settings))  # type: ignore[arg-type]
    asset = service("tcp", port, "mx.ch.test", addresses=[address])
    (sight,) = [y async for y in probe.look(asset, open_line())]
    assert isinstance(sight, Sight)
    assert isinstance(sight.fact, MailServer)
    return sight.fact


async def test_a_well_kept_postfix() -> None:
    fact = await seen(WELL, 25)
    assert (fact.banner, fact.protection) == ("mx.ch.test ESMTP", StartTls.OFFERED)
    assert fact.verification is Verification.REFUSED
    assert len(fact.chain) == 2
    assert "STARTTLS" in fact.clear
    assert "STARTTLS" not in fact.secure
    assert fact.clear_authentication == ()
    assert (await seen(WELL, 587)).verification is Verification.NOT_ASKED


async def test_a_bare_postfix_tells_which_addresses_exist() -> None:
    fact = await seen(BADLY, 25)
    assert fact.protection is StartTls.ABSENT
    assert "SRV-MAIL01.ch.local" in fact.banner
    assert fact.verification is Verification.DISCRIMINATES


async def test_dovecot_before_and_after_tls() -> None:
    clear, secure, bare = await seen(WELL, 143), await seen(WELL, 993), await seen(BADLY, 143)
    assert (clear.protection, secure.protection, bare.protection) == (
        StartTls.OFFERED,
        StartTls.IMPLICIT,
        StartTls.ABSENT,
    )
    assert clear.clear_authentication == ()
    assert secure.secure_authentication == clear.secure_authentication == ("LOGIN", "PLAIN")
    assert bare.clear_authentication == ("CRAM-MD5", "LOGIN", "PLAIN")


async def test_the_tls_behind_starttls_is_profiled() -> None:
    async def profile(address: str, port: int) -> TlsProfile:
        asset = service("tcp", port, "mx.ch.test", addresses=[address])
        found = [y async for y in TlsProbe(TlsSettings()).look(asset, open_line())]
        facts: list[Fact] = [y.fact for y in found if isinstance(y, Sight)]
        return next(f for f in facts if isinstance(f, TlsProfile))

    for port in (25, 143):
        assert (await profile(WELL, port)).suites
        assert (await profile(BADLY, port)).spoken is False


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def lying(talk: Talk, port: int) -> AsyncIterator[None]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, LIAR, port)
    try:
        yield
    finally:
        server.close()
        await asyncio.sleep(0.05)


def says(*lines: bytes, then: bytes = b"", times: int = 0) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for line in lines:
            writer.write(line)
            await writer.drain()
            await reader.readline()
        for _ in range(times):
            writer.write(then)
            await writer.drain()

    return talk


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for _ in range(200):
        writer.write(b"2")
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        (says(then=b"220-mx\r\n", times=100_000), Reason.TOO_LARGE),
        (says(then=b"2" * 4096, times=10_000), Reason.MALFORMED),
        (says(b"220 mx\r\n", then=b"250-X\r\n", times=100_000), Reason.TOO_LARGE),
        (says(b"220 mx\r\n"), Reason.TRUNCATED),
        (says(), Reason.TRUNCATED),
        (drips, Reason.TIMED_OUT),
        (says(b"554 go away\r\n"), Reason.REFUSED),
    ],
    ids=["endless greeting", "line without end", "endless reply", "hangs up", "says nothing", "drips", "refuses"],
)
async def test_liars_end_in_a_reason(talk: Talk, reason: Reason) -> None:
    async with lying(talk, 25):
        with pytest.raises(ProbeError) as caught:
            await asyncio.wait_for(seen(LIAR, 25, patience=1.5), 10)
    assert caught.value.reason in {reason, Reason.CONNECTION_LOST}


async def test_another_protocol_is_no_mail_server() -> None:
    async with lying(says(b"SSH-2.0-OpenSSH_9.2\r\n"), 25):
        assert (await seen(LIAR, 25)).spoken is False


async def test_a_step_up_that_fails_is_broken_and_text_sent_early_is_not_believed() -> None:
    """A server that puts replies in clear behind its 220 (CVE-2011-0411) is not heard over TLS."""
    script = says(
        b"220 mx\r\n", b"250-mx\r\n250 STARTTLS\r\n", b"500 no\r\n", b"500 no\r\n", b"220 go\r\n250 AUTH PLAIN\r\n"
    )
    async with lying(script, 25):
        fact = await seen(LIAR, 25, patience=3.0)
    assert (fact.protection, fact.secure) == (StartTls.BROKEN, ())


async def test_bytes_that_are_no_text_stay_harmless() -> None:
    async with lying(says(b"220 \xff\xfe\x1b[2J mx\r\n", b"250 mx\r\n", b"252 x\r\n", b"252 x\r\n"), 25):
        fact = await seen(LIAR, 25)
    assert "\ufffd" in fact.banner
    assert fact.verification is Verification.UNIFORM


async def test_a_greeting_of_several_lines_is_read_whole_and_so_is_the_name_after_ehlo() -> None:
    greeting = b"220-bienvenue\r\n220 mx.ch.test ESMTP Exim 4.94.2\r\n"
    async with lying(says(greeting, b"250-SRV-EXCH01.chu.local Hello [127.0.0.1]\r\n250 SIZE\r\n", b"502 no\r\n"), 25):
        fact = await seen(LIAR, 25, verify=False)
    assert (fact.banner, fact.own_name) == ("bienvenue mx.ch.test ESMTP Exim 4.94.2", "SRV-EXCH01.chu.local")
    assert fact.clear == ("SIZE",)
