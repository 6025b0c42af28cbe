"""The certificate status that a server hands out with its certificate (OCSP, RFC 6960; stapled, RFC 6066 section 8)."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from probes.facts.tls import Staple, StapleStatus
from probes.tls.signed import signed_by

_STATUS = {
    ocsp.OCSPCertStatus.GOOD: StapleStatus.GOOD,
    ocsp.OCSPCertStatus.REVOKED: StapleStatus.REVOKED,
    ocsp.OCSPCertStatus.UNKNOWN: StapleStatus.UNKNOWN,
}


def read_staple(der: bytes, leaf: x509.Certificate, issuer: x509.Certificate | None, at: datetime) -> Staple:
    """Return what a staple says of ``leaf``; its signature is not told when the issuer was not found."""
    try:
        return _read(der, leaf, issuer, at)
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        return Staple(status=StapleStatus.UNREADABLE)


def staple_required(leaf: x509.Certificate) -> bool:
    """Tell whether a certificate is only worth something with its status (TLS feature, RFC 7633)."""
    try:
        features = leaf.extensions.get_extension_for_class(x509.TLSFeature).value
    except x509.ExtensionNotFound:
        return False
    return bool({x509.TLSFeatureType.status_request, x509.TLSFeatureType.status_request_v2} & set(features))


def stapled_timestamps(der: bytes, leaf: x509.Certificate) -> int:
    """Return how many timestamps of certificate logs a staple holds for ``leaf`` (RFC 6962 3.3)."""
    try:
        response = ocsp.load_der_ocsp_response(der)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return 0
        # only the extensions of the first answer can be read
        if next(iter(response.responses)).serial_number != leaf.serial_number:
            return 0
        found = response.single_extensions.get_extension_for_class(x509.SignedCertificateTimestamps)
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.ExtensionNotFound, StopIteration):
        return 0
    return len(list(found.value))


def _read(der: bytes, leaf: x509.Certificate, issuer: x509.Certificate | None, at: datetime) -> Staple:
    response = ocsp.load_der_ocsp_response(der)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return Staple(status=StapleStatus.REFUSED, refusal=response.response_status.name.lower())
    own = next((one for one in response.responses if one.serial_number == leaf.serial_number), None)
    if own is None:
        return Staple(status=StapleStatus.FOREIGN)
    return Staple(
        status=_STATUS[own.certificate_status],
        signed=_signed(response, issuer, at),
        this_update=own.this_update_utc,
        next_update=own.next_update_utc,
        revoked_at=own.revocation_time_utc,
    )


def _signed(response: ocsp.OCSPResponse, issuer: x509.Certificate | None, at: datetime) -> bool | None:
    """Whether the issuer signed, or somebody whom it let sign in its stead (RFC 6960 4.2.2.2).

    None when the issuer was not found, or when the signature is of a kind that we do not know: no fault of the server.
    """
    if issuer is None:
        return None
    signers = [issuer, *(one for one in response.certificates if _delegated(one, issuer, at))]
    try:
        return any(_verifies(signer, response) for signer in signers)
    except UnsupportedAlgorithm:
        return None


def _delegated(one: x509.Certificate, issuer: x509.Certificate, at: datetime) -> bool:
    try:
        usage = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    timely = one.not_valid_before_utc <= at <= one.not_valid_after_utc
    return ExtendedKeyUsageOID.OCSP_SIGNING in usage and timely and signed_by(one, issuer)


def _verifies(signer: x509.Certificate, response: ocsp.OCSPResponse) -> bool:
    key, signature, signed = signer.public_key(), response.signature, response.tbs_response_bytes
    algorithm = response.signature_hash_algorithm
    try:
        match key:
            case rsa.RSAPublicKey() if algorithm is not None:
                key.verify(signature, signed, padding.PKCS1v15(), algorithm)
            case ec.EllipticCurvePublicKey() if algorithm is not None:
                key.verify(signature, signed, ec.ECDSA(algorithm))
            case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
                key.verify(signature, signed)
            case _:
                return False
    except InvalidSignature:
        return False
    return True
