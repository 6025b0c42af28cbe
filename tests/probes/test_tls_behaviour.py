"""Heartbleed, early ChangeCipherSpec and their like: no real server is vulnerable, scripted ones react as old ones."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from probes.facts.tls_behaviour import Oracle, Reaction, TlsBehaviour
from probes.interface import ProbeError, Reason, Shortfall, Sight, Yield, service
from probes.tls.behaviour import TlsBehaviourProbe, TlsBehaviourSettings
from scanner.demo.certificates import leaf
from scanner.demo.listening import listening
from tests.lab.daemon import running
from tests.lab.line import open_line
from tests.lab.nginx import nginx

ADDRESS, PORT = "127.93.0.1", 18600
BAD, GOOD, UNKNOWN = Reaction.VULNERABLE, Reaction.NOT_VULNERABLE, Reaction.UNKNOWN
ALERT = b"\x15\x03\x03\x00\x02\x02"


async def looked(port: int = PORT, *, level: int = 3) -> list[Yield]:
    probe = TlsBehaviourProbe(TlsBehaviourSettings(ports=(port,), patience=2.0, reaction=0.3))
    asset = service("tcp", port, "a.test", addresses=[ADDRESS])
    return [y async for y in probe.look(asset, open_line(domains=["test"], level=level))]


async def seen(port: int = PORT) -> TlsBehaviour:
    (only,) = await looked(port)
    assert isinstance(only, Sight)
    assert not only.captures
    assert isinstance(only.fact, TlsBehaviour)
    return only.fact


def identity(folder: Path) -> tuple[Path, Path]:
    chain, key = leaf(None, ("a.test",), datetime.now(UTC), rsa_bits=2048).pem()
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(key)
    return folder / "chain.pem", folder / "key.pem"


def openssl(folder: Path, *options: str) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    chain, key = identity(folder)
    command = ["openssl", "s_server", "-quiet", "-accept", f"{ADDRESS}:{PORT}", "-cert", str(chain), "-key", str(key)]
    return running([*command, *options], [(ADDRESS, PORT)], log=folder / "log")


@pytest.mark.parametrize("options", [["-tls1_2", "-cipher", "AES128-SHA"], ["-tls1", "-cipher", "ALL:@SECLEVEL=0"], []])
async def test_openssl_is_not_vulnerable(tmp_path: Path, options: list[str]) -> None:
    with openssl(tmp_path, *options):
        fact = await seen()
    assert (fact.older_spoken, fact.heartbleed, fact.early_cipher_change) == (True, GOOD, GOOD)
    assert (fact.padding_oracle, fact.ticket_echo) == (Oracle.NONE, GOOD)


async def test_tls_13_alone_has_neither_question(tmp_path: Path) -> None:
    with openssl(tmp_path, "-tls1_3"):
        assert not (await seen()).older_spoken


async def test_a_library_that_knows_heartbeats_and_checks_them_is_not_vulnerable(tmp_path: Path) -> None:
    chain, key = identity(tmp_path)
    tlslite = Path(sys.executable).parent / "tls.py"
    command: list[str | Path] = [
        sys.executable,
        "-W",
        "ignore",
        tlslite,
        "server",
        "-k",
        key,
        "-c",
        chain,
        f"{ADDRESS}:{PORT}",
    ]
    with running(command, [(ADDRESS, PORT)], log=tmp_path / "log"):
        fact = await seen()
    assert (fact.heartbleed, fact.early_cipher_change) == (GOOD, GOOD)
    assert (fact.padding_oracle, fact.ticket_echo) == (Oracle.NONE, GOOD)


async def test_forward_secrecy_alone_has_no_padding_and_no_tickets_no_echo(tmp_path: Path) -> None:
    with openssl(tmp_path, "-tls1_2", "-cipher", "ECDHE", "-no_ticket"):
        fact = await seen()
    assert (fact.padding_oracle, fact.ticket_echo) == (Oracle.NO_OBJECT, GOOD)


async def test_a_server_that_requires_a_client_certificate_is_not_told(tmp_path: Path) -> None:
    with openssl(tmp_path, "-tls1_2", "-Verify", "1"):
        fact = await seen()
    assert (fact.heartbleed, fact.padding_oracle, fact.ticket_echo) == (GOOD, Oracle.UNKNOWN, UNKNOWN)


@pytest.mark.daemon
async def test_nginx_is_not_vulnerable(tmp_path: Path) -> None:
    chain, key = identity(tmp_path)
    server = f"""server {{ listen {ADDRESS}:{PORT} ssl; ssl_certificate {chain}; ssl_certificate_key {key};
      ssl_protocols TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0; ssl_session_cache shared:a:1m; }}"""
    with nginx(tmp_path / "nginx", server, [(ADDRESS, PORT)]):
        fact = await seen()
    assert (fact.heartbleed, fact.early_cipher_change) == (GOOD, GOOD)
    assert (fact.padding_oracle, fact.ticket_echo) == (Oracle.NONE, GOOD)


def greeting(*, heartbeat: bool, version: int = 0x0303) -> bytes:
    """A ServerHello, an unreadable Certificate and a ServerHelloDone, as one record."""
    extensions = struct.pack("!HHB", 15, 1, 1) if heartbeat else b""
    body = struct.pack("!H", version) + bytes(32) + b"\0\xc0\x2f\0" + struct.pack("!H", len(extensions)) + extensions
    messages = b"".join(bytes([k]) + len(b).to_bytes(3, "big") + b for k, b in ((2, body), (11, bytes(3)), (14, b"")))
    return struct.pack("!BHH", 22, version, len(messages)) + messages


def beat(announced: int, padding: int = 16, *, what: int = 2) -> bytes:
    body = struct.pack("!BH", what, announced) + b"S" * announced + bytes(padding)
    return struct.pack("!BHH", 24, 0x0303, len(body)) + body


@dataclass(kw_only=True)
class Script:
    """How a server reacts to what follows its greeting: at once, and to a second message; None hangs up."""

    heartbeat: bool = False
    version: int = 0x0303
    at_once: bytes | None = b""
    later: bytes | None = b""
    heard: list[bytes] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = (await reader.readexactly(5))[3:]
        await reader.readexactly(int.from_bytes(length, "big"))
        writer.write(greeting(heartbeat=self.heartbeat, version=self.version))
        for reaction in (self.at_once, self.later):
            self.heard.append(await reader.read(4096))
            if reaction is None or not self.heard[-1]:
                return
            writer.write(reaction)
        await reader.read(1)


@pytest.mark.parametrize(
    ("reaction", "expected"),
    [
        (beat(1) + beat(0), BAD),  # OpenSSL 1.0.1f answers both
        (beat(0), GOOD),  # OpenSSL 1.0.1g discards the first
        (ALERT + b"\x0a", GOOD),  # no heartbeat during a handshake (RFC 6520)
        (beat(0) + beat(0), GOOD),  # answers, but with nothing that it was not sent
        (beat(1, what=1), UNKNOWN),  # a request of its own
        (b"\x18\x03\x03\x00\x01\x02", UNKNOWN),
        (b"\x17\x03\x03\x00\x03abc", UNKNOWN),
        (b"\x18\x03", UNKNOWN),
        (b"", UNKNOWN),  # silence
        (None, UNKNOWN),  # a filter that cuts the connection says nothing of the server behind
    ],
)
async def test_heartbleed_is_told_by_the_length_that_an_answer_announces(
    reaction: bytes | None, expected: Reaction
) -> None:
    script = Script(heartbeat=True, at_once=reaction)
    async with listening(script.answer, ADDRESS, PORT):
        fact = await seen()
    assert fact.heartbleed is expected
    assert script.heard[0] == bytes.fromhex("18030300030100011803030013010000") + bytes(16)


async def test_no_heartbeat_is_sent_where_none_is_spoken() -> None:
    script = Script(at_once=ALERT + b"\x0a")
    async with listening(script.answer, ADDRESS, PORT):
        assert (await seen()).heartbleed is GOOD
    assert script.heard[0] == b""


@pytest.mark.parametrize(
    ("at_once", "later", "expected"),
    [
        (ALERT + b"\x0a", b"", GOOD),  # OpenSSL since 1.0.1h: unexpected_message
        (ALERT + b"\x14", b"", GOOD),  # refused the first message, by whatever name
        (None, b"", GOOD),  # Schannel hangs up
        (b"", ALERT + b"\x14", BAD),  # OpenSSL 1.0.1g: took the first, could not decipher the second
        (b"", ALERT + b"\x15", BAD),
        (b"", ALERT + b"\x0a", GOOD),  # refused, but late
        (b"", b"", UNKNOWN),
        (b"", None, UNKNOWN),
        (b"\x16", b"", UNKNOWN),
        (b"", b"\x15\x03\x03\x40\x00", UNKNOWN),
    ],
)
async def test_an_early_cipher_change_is_told_by_who_refuses_what(
    at_once: bytes | None, later: bytes | None, expected: Reaction
) -> None:
    script = Script(at_once=at_once, later=later, version=0x0302)
    async with listening(script.answer, ADDRESS, PORT):
        fact = await seen()
    assert fact.early_cipher_change is expected
    assert {heard for heard in script.heard if heard} == {b"\x14\x03\x02\x00\x01\x01"}


async def test_five_connections_are_all_it_takes_where_neither_encrypted_keys_nor_tickets_are() -> None:
    script, taken = Script(heartbeat=True, at_once=None), 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        taken += 1
        await script.answer(reader, writer)

    async with listening(counted, ADDRESS, PORT):
        await seen()
    # the third is offered RSA alone and told that it is not taken, the fourth sees that the server is still there
    assert taken == 5


async def test_a_service_without_tls_has_neither_question() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.ch.test ESMTP\r\n")
        await reader.read(4096)

    async with listening(answer, ADDRESS, PORT):
        assert not (await seen()).older_spoken


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", Reason.TIMED_OUT),
        (ALERT + b"\x28", Reason.TRUNCATED),
        (greeting(heartbeat=True)[:40], Reason.TIMED_OUT),
        (b"\x16\x03\x03\x00\x08\x02\x00\x00\x00\x0e\x00\x00\x00", Reason.MALFORMED),
    ],
)
async def test_a_handshake_that_fails_is_a_typed_failure(answer: bytes, reason: Reason) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await reader.read()

    async with listening(serve, ADDRESS, PORT):
        with pytest.raises(ProbeError) as caught:
            await looked()
    assert caught.value.reason is reason


async def test_it_asks_nothing_below_level_3() -> None:
    script = Script()
    async with listening(script.answer, ADDRESS, PORT):
        with pytest.raises(ProbeError) as caught:
            await looked(level=2)
    assert caught.value.reason is Reason.LEVEL
    assert not script.heard


async def test_one_address_of_two_that_fails_is_missed_and_the_other_seen() -> None:
    probe = TlsBehaviourProbe(TlsBehaviourSettings(ports=(PORT,), patience=2.0))
    asset = service("tcp", PORT, "a.test", addresses=[ADDRESS, "127.93.0.2"])
    script = Script(at_once=None)
    async with listening(script.answer, ADDRESS, PORT):
        found = [y async for y in probe.look(asset, open_line(domains=["test"], level=3))]
    assert [type(y) for y in found] == [Sight, Shortfall]
