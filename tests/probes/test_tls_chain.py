"""Chains as servers show them: missing, spare, crossed or expired certificates beside a sound path."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto.x509 import Certificate
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from probes.facts.tls import CertificateChain, PathState
from probes.tls.chain import TrustStore, read_chain

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody with a name, a key and a certificate of it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def made(
    name: str, issuer: Party | None = None, *, key: ec.EllipticCurvePrivateKey | None = None, ca: bool = True,
    names: tuple[str, ...] = (), until: datetime = NOW + 300 * DAY, sha1: bool = False, fetched: str = "",
    further: tuple[x509.ExtensionType, ...] = (),
) -> Party:  # fmt: skip
    own = key or ec.generate_private_key(ec.SECP256R1())
    signer = issuer.key if issuer else own
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder(subject_name=subject, public_key=own.public_key())
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 900 * DAY)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    if fetched:
        place = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(fetched)
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([place]), critical=False)
    for extension in further:
        builder = builder.add_extension(extension, critical=False)
    certificate = builder.sign(signer, hashes.SHA256())
    return Party(key=own, certificate=signed_with_sha1(certificate, signer) if sha1 else certificate)


def signed_with_sha1(certificate: x509.Certificate, signer: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """The same certificate as an authority of 2010 would have signed it."""
    old = Certificate.load(certificate.public_bytes(Encoding.DER))
    old["tbs_certificate"]["signature"]["algorithm"] = old["signature_algorithm"]["algorithm"] = "sha1_ecdsa"
    old["signature_value"] = signer.sign(old["tbs_certificate"].dump(force=True), ec.ECDSA(hashes.SHA1()))
    return x509.load_der_x509_certificate(old.dump(force=True))


ROOT = made("Racine")
OTHER = made("Ancienne racine", until=NOW - DAY)
MIDDLE = made("Intermédiaire", ROOT, fetched="http://pki.test/racine.cer")
LEAF = made("www.ch.test", MIDDLE, ca=False, names=("www.ch.test",), fetched="http://pki.test/intermediaire.cer")
CROSSED = made("Racine", OTHER, key=ROOT.key)
CROSSED_OLD = made("Racine", OTHER, key=ROOT.key, until=NOW - DAY, sha1=True)
SHA1_MIDDLE = made("Intermédiaire ancien", ROOT, sha1=True)
SHA1_LEAF = made("www.ch.test", SHA1_MIDDLE, ca=False, names=("www.ch.test",))


def shown(*parties: Party, roots: tuple[Party, ...] = (ROOT,), private: tuple[Party, ...] = ()) -> CertificateChain:
    def store(members: tuple[Party, ...], *, public: bool) -> TrustStore:
        return TrustStore(label="essai", roots=tuple(p.certificate for p in members), public=public)

    return read_chain(
        [p.certificate.public_bytes(Encoding.DER) for p in parties], address="192.0.2.1", sni="www.ch.test", at=NOW,
        store=store(roots, public=True), private=store(private, public=False) if private else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    "parties",
    [
        (LEAF, MIDDLE),
        (LEAF, MIDDLE, ROOT),
        # out of order, and with a stranger in between
        (LEAF, ROOT, made("Étranger"), MIDDLE),
        # crossed by an authority that nobody trusts any more
        (LEAF, MIDDLE, CROSSED),
        # a spare intermediate, expired and signed with SHA-1: no path needs it
        (LEAF, MIDDLE, CROSSED_OLD),
        (LEAF, MIDDLE, SHA1_MIDDLE),
    ],
)
def test_a_sound_path_counts_whatever_is_shown_beside_it(parties: tuple[Party, ...]) -> None:
    fact = shown(*parties)
    assert (fact.path, fact.incomplete, fact.public) == (PathState.FOUND, False, True)
    assert fact.weak_signatures == ()


def test_a_weak_signature_on_the_path_counts() -> None:
    assert shown(SHA1_LEAF, SHA1_MIDDLE).weak_signatures == ("sha1",)


def test_a_missing_intermediate_is_one_when_the_last_certificate_says_where_its_issuer_is() -> None:
    assert (shown(LEAF).path, shown(LEAF).incomplete) == (PathState.NOT_FOUND, True)


def test_an_expired_intermediate_on_the_only_path_leads_nowhere() -> None:
    late = made("Intermédiaire", ROOT, until=NOW - DAY)
    fact = shown(made("www.ch.test", late, ca=False, names=("www.ch.test",)), late)
    assert (fact.path, fact.incomplete) == (PathState.NOT_FOUND, False)


def test_a_private_authority_that_shows_its_path_lacks_nothing() -> None:
    fact = shown(LEAF, MIDDLE, roots=(OTHER,), private=(ROOT,))
    assert (fact.path, fact.private_path, fact.incomplete) == (PathState.NOT_FOUND, PathState.FOUND, False)


def test_a_name_in_the_subject_alone_names_nothing_and_a_wildcard_one_label() -> None:
    assert shown(made("www.ch.test", MIDDLE, ca=False), MIDDLE).name_matches is False
    assert shown(made("*", MIDDLE, ca=False, names=("*.ch.test",)), MIDDLE).name_matches is True


def test_a_self_signed_appliance_is_seen_as_such() -> None:
    fact = shown(made("appliance", ca=False))
    assert (fact.self_signed, fact.path, fact.incomplete, fact.public) == (True, PathState.NOT_FOUND, False, False)
