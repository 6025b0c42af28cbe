"""Staples: whose, how fresh, how signed; by OpenSSL, by an nginx that fetches its own, by authorities that lie."""

from __future__ import annotations

import base64
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import core
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from probes.facts.tls import CertificateChain, Staple, StapleStatus
from probes.interface import Observation, Sight, Vantage, service
from probes.tls.probe import TlsProbe, TlsSettings
from probes.tls.staple import read_staple, staple_required, stapled_timestamps
from rules.catalogue import certificate as rules
from rules.interface import Outcome
from tests.lab.daemon import running
from tests.lab.line import open_line
from tests.lab.nginx import nginx
from tests.lab.responders import responding
from tests.probes.test_tls_chain import DAY, LEAF, MIDDLE, NOW, Party, made

GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
ADDRESS, PORT, RESPONDER = "127.94.0.9", 18709, 18710
MUST = made("www.ch.test", MIDDLE, ca=False, names=("www.ch.test",),
            further=(x509.TLSFeature([x509.TLSFeatureType.status_request]),))  # fmt: skip
SIGNER = made("Répondeur", MIDDLE, ca=False, further=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]),))
STRANGER = made("Étranger")


def status(
    of: Party = LEAF, by: Party = MIDDLE, *, state: ocsp.OCSPCertStatus = GOOD, at: datetime = NOW,
    until: datetime | None = NOW + 7 * DAY, shown: tuple[Party, ...] = (), issuer: Party = MIDDLE,
) -> bytes:  # fmt: skip
    """The status of a certificate, as an authority or its responder signs it."""
    revoked = at - DAY if state is REVOKED else None
    reason = x509.ReasonFlags.key_compromise if state is REVOKED else None
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(of.certificate, issuer.certificate, hashes.SHA1(), state, at, until, revoked, reason)
        .responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate)
    )
    if shown:
        builder = builder.certificates([party.certificate for party in shown])
    return builder.sign(by.key, hashes.SHA256()).public_bytes(Encoding.DER)


def read(der: bytes, of: Party = LEAF, issuer: Party | None = MIDDLE) -> Staple:
    return read_staple(der, of.certificate, issuer.certificate if issuer else None, NOW)


@pytest.mark.parametrize(
    ("der", "expected", "signed"),
    [
        (status(), StapleStatus.GOOD, True),
        (status(state=REVOKED), StapleStatus.REVOKED, True),
        (status(state=UNKNOWN), StapleStatus.UNKNOWN, True),
        # somebody whom the authority let sign in its stead
        (status(by=SIGNER, shown=(SIGNER,)), StapleStatus.GOOD, True),
        # the same, not shown; a certificate of the authority that is for no such use; a stranger
        (status(by=SIGNER), StapleStatus.GOOD, False),
        (status(by=MUST, shown=(MUST,)), StapleStatus.GOOD, False),
        (status(by=STRANGER, shown=(STRANGER,)), StapleStatus.GOOD, False),
        (status(of=MUST), StapleStatus.FOREIGN, None),
        (b"", StapleStatus.UNREADABLE, None),
        (b"\x30\x03\x0a\x01\x03", StapleStatus.REFUSED, None),
    ],
)
def test_a_staple_is_read_for_its_certificate_and_its_signer(
    der: bytes, expected: StapleStatus, signed: bool | None
) -> None:
    staple = read(der)
    assert (staple.status, staple.signed) == (expected, signed)
    if expected is StapleStatus.REVOKED:
        assert (staple.this_update, staple.next_update, staple.revoked_at) == (NOW, NOW + 7 * DAY, NOW - DAY)
    assert staple.refusal == ("try_later" if expected is StapleStatus.REFUSED else "")


def test_without_its_issuer_a_signature_is_not_told() -> None:
    assert read(status(), issuer=None).signed is None
    assert read(status(until=None)).next_update is None
    # nor is one of a kind that we do not know (an ECDSA identifier that is not given out)
    known, unknown = bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a8648ce3d04037f")
    strange = read(status().replace(known, unknown))
    assert (strange.status, strange.signed) == (StapleStatus.GOOD, None)


def test_must_staple_is_read_of_the_certificate() -> None:
    assert staple_required(MUST.certificate)
    assert not staple_required(LEAF.certificate)


def test_an_authority_with_an_rsa_key_is_verified() -> None:
    key = rsa.generate_private_key(65537, 2048)
    own = ocsp.OCSPResponseBuilder().add_response(
        LEAF.certificate, MIDDLE.certificate, hashes.SHA1(), GOOD, NOW, None, None, None
    )
    signer = (
        x509.CertificateBuilder(MIDDLE.certificate.subject, x509.Name([]), key.public_key(), 7, NOW - DAY, NOW + DAY)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
        .sign(MIDDLE.key, hashes.SHA256())
    )
    answer = own.responder_id(ocsp.OCSPResponderEncoding.HASH, signer).certificates([signer])
    assert read(answer.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)).signed is True


@given(cut=st.integers(0, 300), at=st.integers(0, 300), byte=st.integers(0, 255))
def test_a_staple_that_lies_is_read_or_unreadable(cut: int, at: int, byte: int) -> None:
    der = bytearray(status(by=SIGNER, shown=(SIGNER,))[: -cut or None])
    if at < len(der):
        der[at] = byte
    assert isinstance(read(bytes(der)), Staple)


#: One timestamp of a log (RFC 6962 3.2): version, log, instant, no extensions, ECDSA with SHA-256, a signature.
_ONE = bytes(33) + (1_790_000_000_000).to_bytes(8, "big") + b"\0\0\4\3\0\x08" + bytes.fromhex("3006020101020101")


def logged(count: int) -> bytes:
    """A SignedCertificateTimestampList."""
    entries = (len(_ONE).to_bytes(2, "big") + _ONE) * count
    return len(entries).to_bytes(2, "big") + entries


def with_timestamps(der: bytes) -> bytes:
    """A staple whose answer holds two timestamps; its signature no longer holds."""
    whole = asn1_ocsp.OCSPResponse.load(der)
    basic = whole["response_bytes"]["response"].parsed
    value = core.OctetString(logged(2))
    entry = {"extn_id": "1.3.6.1.4.1.11129.2.4.5", "critical": False, "extn_value": value}
    basic["tbs_response_data"]["responses"][0]["single_extensions"] = [entry]
    whole["response_bytes"]["response"] = basic
    return bytes(whole.dump(force=True))


@pytest.mark.parametrize(
    ("der", "expected"),
    [
        (with_timestamps(status()), 2),
        (status(), 0),
        # those of another certificate
        (with_timestamps(status(of=MUST)), 0),
        (b"", 0),
        (b"\x30\x03\x0a\x01\x03", 0),
    ],
)
def test_timestamps_in_a_staple_are_counted(der: bytes, expected: int) -> None:
    assert stapled_timestamps(der, LEAF.certificate) == expected


@pytest.mark.parametrize(
    ("version", "served", "stapled", "expected"),
    [
        ("-no_tls1_3", logged(3), False, 3),
        ("-no_tls1_3", logged(3), True, 5),
        ("-no_tls1_3", b"", True, 2),
        ("-no_tls1_3", b"", False, 0),
        # a list that says more than there is
        ("-no_tls1_3", logged(2)[:-3], False, 1),
        ("-no_tls1_3", b"\xff\xff\0\0\0", False, 0),
        # within TLS 1.3 alone nobody looked
        ("-tls1_3", logged(3), False, None),
    ],
)
async def test_timestamps_that_openssl_hands_out_beside_a_certificate(
    tmp_path: Path, version: str, served: bytes, *, stapled: bool, expected: int | None
) -> None:
    written(tmp_path, LEAF)
    command = ["openssl", "s_server", "-quiet", "-accept", f"{ADDRESS}:{PORT}", version,
               "-cert", str(tmp_path / "chain.pem"), "-key", str(tmp_path / "key.pem")]  # fmt: skip
    if served:
        extension = base64.b64encode(b"\0\x12" + len(served).to_bytes(2, "big") + served).decode()
        text = f"-----BEGIN SERVERINFO FOR CT-----\n{extension}\n-----END SERVERINFO FOR CT-----\n"
        (tmp_path / "info.pem").write_text(text)
        command += ["-serverinfo", str(tmp_path / "info.pem")]
    if stapled:
        (tmp_path / "ocsp.der").write_bytes(with_timestamps(status(at=today(-1), until=today(6))))
        command += ["-status", "-status_file", str(tmp_path / "ocsp.der")]
    with running(command, [(ADDRESS, PORT)], log=tmp_path / "log"):
        seen = await chain()
    assert (seen.fact.timestamps, seen.fact.handed_timestamps) == (0, expected)


def written(folder: Path, own: Party) -> None:
    chain = b"".join(party.certificate.public_bytes(Encoding.PEM) for party in (own, MIDDLE))
    (folder / "chain.pem").write_bytes(chain)
    key = own.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(key)


async def chain() -> Observation[CertificateChain]:
    asset = service("tcp", PORT, "www.ch.test", addresses=[ADDRESS])
    probe = TlsProbe(TlsSettings(ports=(PORT,), patience=2.0))
    found = [y async for y in probe.look(asset, open_line(domains=["test"]))]
    sight = found[-1]
    assert isinstance(sight, Sight)
    fact = sight.fact
    assert isinstance(fact, CertificateChain)
    assert len(sight.captures) == fact.length + bool(fact.stapled)
    return Observation(
        id="o", asset=asset, fact=fact, seen_at=datetime.now(UTC), probe="tls@3", vantage=Vantage.INTERNET
    )


MET, NOT_MET, NOT_APPLICABLE, UNDETERMINED = Outcome.MET, Outcome.NOT_MET, Outcome.NOT_APPLICABLE, Outcome.UNDETERMINED


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the three rules say."""

    revoked: Outcome
    usable: Outcome
    given: Outcome = NOT_APPLICABLE

    @classmethod
    def of(cls, seen: Observation[CertificateChain]) -> Told:
        judges = rules.not_revoked.judge, rules.staple_usable.judge, rules.staple_given.judge
        revoked, usable, given = (judge(seen).outcome for judge in judges)
        return cls(revoked=revoked, usable=usable, given=given)


def today(days: int = 0) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)


@pytest.mark.parametrize(
    ("version", "state", "until", "expected"),
    [
        ("-no_tls1_3", GOOD, 7, Told(revoked=MET, usable=MET)),
        ("-no_tls1_3", REVOKED, 7, Told(revoked=NOT_MET, usable=MET)),
        ("-no_tls1_3", GOOD, -1, Told(revoked=UNDETERMINED, usable=NOT_MET)),
        # odd but healthy: no staple, on a certificate that requires none
        ("-no_tls1_3", None, 0, Told(revoked=NOT_APPLICABLE, usable=NOT_APPLICABLE)),
        # within TLS 1.3 alone it was not looked for, and is not said to be absent
        ("-tls1_3", REVOKED, 7, Told(revoked=NOT_APPLICABLE, usable=NOT_APPLICABLE)),
    ],
)
async def test_what_openssl_staples_is_judged(
    tmp_path: Path, version: str, state: ocsp.OCSPCertStatus | None, until: int, expected: Told
) -> None:
    written(tmp_path, LEAF)
    files = ["-cert", str(tmp_path / "chain.pem"), "-cert_chain", str(tmp_path / "chain.pem")]
    options = [version, "-key", str(tmp_path / "key.pem")]
    if state is not None:
        (tmp_path / "ocsp.der").write_bytes(status(state=state, at=today(-9), until=today(until)))
        options += ["-status", "-status_file", str(tmp_path / "ocsp.der")]
    command = ["openssl", "s_server", "-quiet", "-accept", f"{ADDRESS}:{PORT}", *files, *options]
    with running(command, [(ADDRESS, PORT)], log=tmp_path / "log"):
        assert Told.of(await chain()) == expected


@pytest.mark.daemon
@pytest.mark.parametrize("answers", [True, False], ids=["a responder that answers", "none"])
async def test_an_nginx_that_fetches_its_staple_when_first_asked_gives_it(tmp_path: Path, *, answers: bool) -> None:
    written(tmp_path, MUST)
    body = status(MUST, at=today(-1), until=today(6))
    head = f"HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: {len(body)}\r\n\r\n"
    server = f"""server {{ listen {ADDRESS}:{PORT} ssl; ssl_certificate {tmp_path}/chain.pem;
      ssl_certificate_key {tmp_path}/key.pem; ssl_protocols TLSv1.2; ssl_stapling on;
      ssl_stapling_responder http://{ADDRESS}:{RESPONDER}/; }}"""
    async with contextlib.AsyncExitStack() as stack:
        if answers:
            await stack.enter_async_context(responding(ADDRESS, RESPONDER, [b"", head.encode() + body], close=True))
        stack.enter_context(nginx(tmp_path / "nginx", server, [(ADDRESS, PORT)]))
        seen = Told.of(await chain())
    healthy, faulty = (
        Told(revoked=MET, usable=MET, given=MET),
        Told(revoked=NOT_APPLICABLE, usable=NOT_APPLICABLE, given=NOT_MET),
    )
    assert seen == (healthy if answers else faulty)
