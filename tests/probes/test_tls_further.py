"""What is asked of an endpoint beyond versions and suites, of an OpenSSL set up in known ways; and of silence."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import pem
from asn1crypto.algos import DHParameters
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from probes.facts.tls import Acceptance, TlsProfile, Version
from probes.interface import ProbeError, Reason, Sight, service
from probes.tls.probe import TlsProbe, TlsSettings
from scanner.demo.certificates import Identity, leaf
from scanner.demo.listening import listening
from tests.lab.daemon import running
from tests.lab.line import open_line
from tests.lab.nginx import nginx

ADDRESS, PORT = "127.94.0.1", 18700
#: The second Oakley group (RFC 2409), which many old servers still give, and the modulus of ffdhe2048 (RFC 7919).
PRIMES = {
    1024: """
        FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD
        EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED
        EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF
    """,
    2048: """
        FFFFFFFFFFFFFFFFADF85458A2BB4A9AAFDC5620273D3CF1D8B9C583CE2D3695A9E13641146433FBCC939DCE249B3EF9
        7D2FE363630C75D8F681B202AEC4617AD3DF1ED5D5FD65612433F51F5F066ED0856365553DED1AF3B557135E7F57C935
        984F0C70E0E68B77E2A689DAF3EFE8721DF158A136ADE73530ACCA4F483A797ABC0AB182B324FB61D108A94BB2C8E3FB
        B96ADAB760D7F4681D4F42A3DE394DF4AE56EDE76372BB190B07A7C8EE0A6D709E02FCE1CDF7E2ECC03404CD28342F61
        9172FE9CE98583FF8E4F1232EEF28183C3FE3B1B4C6FAD733BB5FCBC2EC22005C58EF1837D1683B2C6F34A26C1B2EFFA
        886B423861285C97FFFFFFFFFFFFFFFF
    """,
}
OLD = ("-cipher", "ALL:@SECLEVEL=0")


async def profile(patience: float = 2.0) -> TlsProfile:
    probe = TlsProbe(TlsSettings(ports=(PORT,), patience=patience))
    asset = service("tcp", PORT, "a.test", addresses=[ADDRESS])
    found = [y async for y in probe.look(asset, open_line(domains=["test"]))]
    assert isinstance(found[0], Sight)
    assert isinstance(found[0].fact, TlsProfile)
    return found[0].fact


def identity(folder: Path) -> Identity:
    own = leaf(None, ("a.test",), datetime.now(UTC), rsa_bits=2048)
    chain, key = own.pem()
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(key)
    return own


def staple(folder: Path, own: Identity) -> Path:
    """An OCSP answer as its authority would give it."""
    at = datetime.now(UTC)
    (certificate,) = own.chain
    builder = ocsp.OCSPResponseBuilder().add_response(
        certificate, certificate, hashes.SHA256(), ocsp.OCSPCertStatus.GOOD, at, at + timedelta(days=7), None, None
    )
    answer = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, certificate).sign(own.key, hashes.SHA256())
    path = folder / "ocsp.der"
    path.write_bytes(answer.public_bytes(Encoding.DER))
    return path


async def served(folder: Path, *options: str) -> TlsProfile:
    identity(folder)
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


@pytest.mark.parametrize("bits", [1024, 2048])
async def test_the_prime_is_the_one_that_openssl_was_given(tmp_path: Path, bits: int) -> None:
    parameters = tmp_path / "dh.pem"
    prime = int("".join(PRIMES[bits].split()), 16)
    parameters.write_bytes(pem.armor("DH PARAMETERS", DHParameters({"p": prime, "g": 2}).dump()))
    suites = "ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"
    seen = await served(tmp_path, "-tls1_2", "-dhparam", str(parameters), "-cipher", suites)
    assert {0xC02F, 0x009E} == seen.suites
    assert seen.dh_bits == bits


async def test_without_finite_fields_there_is_no_prime(tmp_path: Path) -> None:
    assert (await served(tmp_path, "-tls1_2", "-cipher", "ECDHE")).dh_bits == 0


async def test_a_staple_is_seen_when_it_comes(tmp_path: Path) -> None:
    path = staple(tmp_path, identity(tmp_path))
    options = ("-tls1_2", "-status", "-status_file", str(path))
    command = ["openssl", "s_server", "-quiet", "-accept", f"{ADDRESS}:{PORT}", *options]
    files = ["-cert", str(tmp_path / "chain.pem"), "-key", str(tmp_path / "key.pem")]
    with running([*command, *files], [(ADDRESS, PORT)], log=tmp_path / "log"):
        assert (await profile()).stapled is True
    assert (await served(tmp_path, "-tls1_2")).stapled is False


@pytest.mark.daemon
async def test_nginx_is_seen_as_it_was_set(tmp_path: Path) -> None:
    path = staple(tmp_path, identity(tmp_path))
    suites = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"
    server = f"""server {{ listen {ADDRESS}:{PORT} ssl; ssl_certificate {tmp_path}/chain.pem;
      ssl_certificate_key {tmp_path}/key.pem; ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers {suites};
      ssl_prefer_server_ciphers on; ssl_ecdh_curve secp384r1:X25519; ssl_stapling on; ssl_stapling_file {path};
      ssl_conf_command Options -ExtendedMasterSecret; }}"""
    with nginx(tmp_path / "nginx", server, [(ADDRESS, PORT)]):
        seen = await profile()
    assert {v.version for v in seen.versions if v.state is Acceptance.ACCEPTED} == {Version.TLS12, Version.TLS13}
    assert (seen.server_order, seen.secure_renegotiation, seen.compression) == (True, True, False)
    assert (seen.extended_master_secret, seen.stapled, seen.fallback_signalled) == (False, True, True)
    assert seen.groups == (0x0018, 0x001D)
    assert seen.complete


@pytest.mark.daemon
async def test_a_server_that_refuses_the_name_is_a_failure_and_not_a_service_without_tls(tmp_path: Path) -> None:
    server = f"server {{ listen {ADDRESS}:{PORT} ssl; ssl_reject_handshake on; }}"
    with nginx(tmp_path / "nginx", server, [(ADDRESS, PORT)]), pytest.raises(ProbeError) as caught:
        await profile()
    assert "112" in caught.value.detail


def offered(hello: bytes) -> list[int]:
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]
    (size,) = struct.unpack_from("!H", hello, at)
    return list(struct.unpack_from(f"!{size // 2}H", hello, at + 2))


def chosen(suite: int, *, version: int = 0x0303, compression: int = 0) -> bytes:
    body = struct.pack("!H", version) + bytes(32) + b"\0" + struct.pack("!HB", suite, compression)
    return struct.pack("!BHH", 22, version, 4 + len(body)) + b"\x02" + len(body).to_bytes(3, "big") + body


ALERT = b"\x15\x03\x03\x00\x02\x02\x28"
OURS = (0xC02F, 0x009C, 0x000A)


class Script:
    """Chooses among three suites of TLS 1.2 as told, and counts who came."""

    def __init__(self, pick: Callable[[list[int], int], bytes | None], ssl2: bytes | None = b"") -> None:
        self.pick, self.ssl2, self.taken = pick, ssl2, 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken += 1
        head = await reader.readexactly(5)
        if head[0] & 0x80:
            reaction = self.ssl2
        else:
            hello = head + await reader.readexactly(int.from_bytes(head[3:], "big"))
            version = struct.unpack_from("!H", hello, 9)[0]
            reaction = (
                self.pick(offered(hello), self.taken) if version == 0x0303 and b"\0\x2b\0" not in hello else ALERT
            )
        if reaction is None:
            await reader.read()
        else:
            writer.write(reaction)


async def told(script: Script, patience: float = 1.0) -> TlsProfile:
    async with listening(script.answer, ADDRESS, PORT):
        return await profile(patience)


def first_of(order: tuple[int, ...], suites: list[int], **choice: int) -> bytes:
    return next((chosen(s, **choice) for s in order if s in suites), ALERT)


async def test_compression_and_bare_renegotiation_are_seen() -> None:
    seen = await told(Script(lambda suites, turn: first_of(OURS, suites, compression=1)))
    assert (seen.compression, seen.secure_renegotiation, seen.extended_master_secret) == (True, False, False)
    assert (seen.groups, seen.stapled) == (None, None)


async def test_silence_after_a_hello_of_ssl_2_is_no_ssl_2_where_others_are_answered() -> None:
    seen = await told(Script(lambda suites, turn: first_of(OURS, suites), ssl2=None), patience=0.3)
    assert seen.state(Version.SSL2) is Acceptance.REFUSED
    assert seen.complete


async def test_an_order_that_puts_chacha20_first_for_who_does_is_not_taken_for_none() -> None:
    own = (0xC030, 0xC02F, 0xCCA8)

    def pick(suites: list[int], turn: int) -> bytes:
        return first_of((0xCCA8, *own) if suites[0] >> 8 == 0xCC else own, suites)

    assert (await told(Script(pick))).server_order is None


async def test_two_servers_in_turn_behind_one_address_are_not_taken_for_one_without_order() -> None:
    def pick(suites: list[int], turn: int) -> bytes:
        return first_of(((0xC02F, 0xC030), (0xC030, 0x009D))[turn % 2], suites)

    assert (await told(Script(pick))).server_order is not False


async def test_a_peer_that_takes_everything_is_left_before_two_hundred_connections() -> None:
    taken = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        taken += 1
        head = await reader.readexactly(5)
        hello = head + await reader.readexactly(int.from_bytes(head[3:], "big"))
        version = 0x0304 if b"\0\x2b\0" in hello else struct.unpack_from("!H", hello, 9)[0]
        writer.write(chosen(offered(hello)[0], version=version))

    async with listening(answer, ADDRESS, PORT):
        seen = await profile(1.0)
    assert taken <= 200
    assert seen.connections <= 200
    assert not seen.complete
    assert (seen.compression, seen.server_order) == (None, None)


@pytest.mark.parametrize("leaving", [0, 1, 3, 6])
async def test_an_enumeration_that_is_cut_is_not_complete(leaving: int) -> None:
    script = Script(lambda suites, turn: first_of(OURS, suites) if turn <= 2 + leaving else None)
    seen = await told(script, patience=0.2)
    assert not seen.complete
    assert (seen.compression, script.taken < 60) == (None, True)


async def test_a_peer_that_drips_is_left_in_time_and_after_few_connections() -> None:
    taken = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        taken += 1
        with contextlib.suppress(ConnectionError):
            for byte in chosen(0xC02F):
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.1)

    async with listening(answer, ADDRESS, PORT), asyncio.timeout(10):
        with pytest.raises(ProbeError) as caught:
            await profile(0.4)
    assert (caught.value.reason, taken) == (Reason.TIMED_OUT, 6)


async def test_a_peer_that_resets_everything_is_not_told() -> None:
    taken = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        taken += 1
        await reader.read(5)
        writer.transport.abort()

    async with listening(answer, ADDRESS, PORT):
        with pytest.raises(ProbeError) as caught:
            await profile()
    assert (caught.value.reason, taken) == (Reason.CONNECTION_LOST, 6)


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
