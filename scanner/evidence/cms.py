"""Verifying a detached CMS signature (RFC 5652, section 5.4): the content's digest, the signed attributes, the key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from asn1crypto import cms
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from reports.words import load, said

_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


#: Largest signature read, in bytes.
_LARGEST = 4 << 20
#: What parsers raise on bytes that are no signature, or no certificate.
UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
)


class SignatureFault(Exception):
    """A signature that does not hold: ``why`` in one sentence."""

    def __init__(self, why: str, **values: object) -> None:
        self.why = said(f"signature.{why}", **values)
        super().__init__(self.why.in_(load("en", "scanner")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signature that holds: who made it, over which digest, and when the signer says."""

    certificate: x509.Certificate
    message_digest: bytes
    algorithm: str
    signed_at: datetime | None


def verify(signature: bytes, content: bytes | None = None) -> Signed:
    """Return a signature that holds; without ``content`` only the digest it signs is known. Raise ``SignatureFault``.

    The certificate is the one the signature carries; whether it is the right one is for the caller to say.
    """
    if len(signature) > _LARGEST:
        raise SignatureFault("too-large", limit=f"{_LARGEST >> 20} MiB")
    try:
        return _verified(signature, content)
    except UNREADABLE as error:
        raise SignatureFault("unreadable", error=type(error).__name__) from error


def _verified(signature: bytes, content: bytes | None) -> Signed:
    info = cms.ContentInfo.load(signature, strict=True)
    if info["content_type"].native != "signed_data":
        raise SignatureFault("no-signed-data")
    data = info["content"]
    if len(data["signer_infos"]) != 1:
        raise SignatureFault("signers")
    signer = data["signer_infos"][0]
    certificate = _certificate(data, signer)
    algorithm = signer["digest_algorithm"]["algorithm"].native
    if algorithm not in _HASHES:
        raise SignatureFault("digest", algorithm=algorithm)
    attributes = {a["type"].native: a["values"] for a in signer["signed_attrs"]}
    digest: bytes = attributes["message_digest"][0].native
    if attributes["content_type"][0].native != data["encap_content_info"]["content_type"].native:
        raise SignatureFault("content-type")
    if content is not None and hashlib.new(algorithm, content).digest() != digest:
        raise SignatureFault("other-bytes")
    # The signature is over the attributes as a SET OF, whatever tag they carry inside.
    # Read now what is told of it later: a damaged certificate is no certificate.
    certificate.subject.rfc4514_string(), certificate.not_valid_before_utc, certificate.not_valid_after_utc
    signed = signer["signed_attrs"].untag().dump(force=True)
    _check(certificate, signer, _HASHES[algorithm](), signed)
    at = attributes["signing_time"][0].native if "signing_time" in attributes else None
    return Signed(
        certificate=certificate,
        message_digest=digest,
        algorithm=algorithm,
        signed_at=at.astimezone(UTC) if at else None,
    )


def _certificate(data: cms.SignedData, signer: cms.SignerInfo) -> x509.Certificate:
    """The certificate that the signer's identifier names, among those the signature carries."""
    sid = signer["sid"]
    for choice in data["certificates"]:
        certificate = choice.chosen
        if sid.name == "issuer_and_serial_number":
            named = sid.chosen
            same = (
                certificate.issuer.dump() == named["issuer"].dump()
                and certificate.serial_number == named["serial_number"].native
            )
        else:
            same = certificate.key_identifier == sid.chosen.native
        if same:
            return x509.load_der_x509_certificate(certificate.dump())
    raise SignatureFault("no-certificate")


def _check(certificate: x509.Certificate, signer: cms.SignerInfo, digest: hashes.HashAlgorithm, signed: bytes) -> None:
    key, value = certificate.public_key(), signer["signature"].native
    scheme = signer["signature_algorithm"].signature_algo
    try:
        match key:
            case ec.EllipticCurvePublicKey() if scheme == "ecdsa":
                key.verify(value, signed, ec.ECDSA(digest))
            case rsa.RSAPublicKey() if scheme == "rsassa_pkcs1v15":
                key.verify(value, signed, padding.PKCS1v15(), digest)
            case rsa.RSAPublicKey() if scheme == "rsassa_pss":
                key.verify(value, signed, padding.PSS(padding.MGF1(digest), padding.PSS.AUTO), digest)
            case _:
                raise SignatureFault("scheme", scheme=scheme)
    except InvalidSignature:
        raise SignatureFault("value") from None


def issued_by(certificate: x509.Certificate, anchors: list[x509.Certificate], between: list[x509.Certificate]) -> bool:
    """Whether a chain of signatures leads from a certificate to one of the anchors."""
    current, left = certificate, list(between)
    while True:
        if any(current == anchor or _issued(current, anchor) for anchor in anchors):
            return True
        upper = next((c for c in left if c != current and _issued(current, c)), None)
        if upper is None:
            return False
        left.remove(upper)
        current = upper


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
