"""Certificates: decoded, matched with a name (RFC 9525), and led to a trusted root."""

from __future__ import annotations

import contextlib
import hashlib
import ssl
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import AuthorityInformationAccessOID

from probes.facts.tls import CertificateChain, PathState
from probes.interface import ProbeError, Reason
from probes.tls.signed import signed_by
from probes.tls.staple import read_staple, staple_required, stapled_timestamps

#: Certificates read of a chain at the most, and the longest path followed.
_MOST, _DEPTH = 20, 8
_WEAK = {"md2", "md4", "md5", "sha1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustStore:
    """Trusted roots by subject, with the words that name the store."""

    label: str
    roots: tuple[x509.Certificate, ...]
    #: Whether its roots are those that browsers know: the system's store, not one that a person named.
    public: bool = False


@cache
def trust_store(path: str, label: str) -> TrustStore | None:
    """Return the store of a PEM file, by default the system's; None when there is none."""
    file = Path(path or ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt")
    if not file.is_file():
        return None
    with _old_certificates():
        roots = tuple(x509.load_pem_x509_certificates(file.read_bytes()))
    return TrustStore(label=label or f"système, {len(roots)} racines", roots=roots, public=not path)


def read_chain(
    ders: Iterable[bytes],
    *,
    address: str,
    sni: str,
    at: datetime,
    store: TrustStore | None,
    private: TrustStore | None = None,
    staple: bytes | None = None,
    timestamps: int | None = None,
) -> CertificateChain:
    """Return the facts of a chain, leaf first; raise ``malformed-answer`` when the leaf cannot be read.

    ``staple`` is the status that came with it, b"" when none did, None when that was not looked for; ``timestamps`` how
    many of certificate logs came in the handshake, None likewise.
    """
    chain = [c for c in (_load(der) for der in list(ders)[:_MOST]) if c is not None]
    if not chain:
        raise ProbeError(Reason.MALFORMED, "no certificate could be read")
    leaf = chain[0]
    try:
        facts = _facts(leaf, chain, address=address, sni=sni, at=at, stores=(store, private), staple=staple)
        handed = None if timestamps is None else timestamps + stapled_timestamps(staple or b"", leaf)
        return replace(facts, handed_timestamps=handed)
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise ProbeError(Reason.MALFORMED, f"certificate: {type(error).__name__}") from error


def _facts(
    leaf: x509.Certificate,
    chain: list[x509.Certificate],
    *,
    address: str,
    sni: str,
    at: datetime,
    stores: tuple[TrustStore | None, TrustStore | None],
    staple: bytes | None,
) -> CertificateChain:
    store, private = stores
    names = _names(leaf)
    key_type, key_bits = _key(leaf)
    path, inner = _path(leaf, chain[1:], store, at), _path(leaf, chain[1:], private, at)
    # What the server shows beside the path that clients follow proves nothing, and harms nothing.
    signers = [c for c in path[:-1] or inner[:-1] or chain if c.subject != c.issuer] or [leaf]
    hashes = {c.signature_hash_algorithm.name for c in signers if c.signature_hash_algorithm is not None}
    spki = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return CertificateChain(
        address=address,
        sni=sni,
        subject=leaf.subject.rfc4514_string()[:500],
        issuer=leaf.issuer.rfc4514_string()[:500],
        names=names,
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
        key_type=key_type,
        key_bits=key_bits,
        signature=leaf.signature_algorithm_oid._name,
        self_signed=leaf.subject == leaf.issuer and signed_by(leaf, leaf),
        length=len(chain),
        sha256=hashlib.sha256(leaf.public_bytes(Encoding.DER)).hexdigest(),
        spki_sha256=hashlib.sha256(spki).hexdigest(),
        serial=f"{leaf.serial_number:x}",
        name_matches=matches(sni, names) if sni else None,
        path=_state(path, store),
        store=store.label if store else "",
        weak_signatures=tuple(sorted(hashes & _WEAK)),
        public=bool(path) and store is not None and store.public,
        private_path=_state(inner, private),
        private_store=private.label if private else "",
        incomplete=not path and not inner and store is not None and _may_be_fetched(chain),
        timestamps=_timestamps(leaf),
        must_staple=staple_required(leaf),
        stapled=None if staple is None else bool(staple),
        staple=read_staple(staple, leaf, _issuer(leaf, chain, stores), at) if staple else None,
    )


def _issuer(
    leaf: x509.Certificate, chain: list[x509.Certificate], stores: tuple[TrustStore | None, ...]
) -> x509.Certificate | None:
    """The certificate that signed the leaf: shown beside it, trusted, or the leaf itself."""
    trusted = (root for store in stores if store is not None for root in store.roots)
    known = (*chain[1:], *trusted, leaf)
    return next((one for one in known if one.subject == leaf.issuer and signed_by(leaf, one)), None)


def _may_be_fetched(chain: list[x509.Certificate]) -> bool:
    """Tell whether no certificate shown is a root, and the last one says by HTTP where its issuer is (RFC 5280)."""
    if any(c.subject == c.issuer for c in chain):
        return False
    try:
        places = chain[-1].extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return False
    return any(
        place.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        and isinstance(place.access_location, x509.UniformResourceIdentifier)
        and place.access_location.value.lower().startswith("http")
        for place in places
    )


def _timestamps(leaf: x509.Certificate) -> int:
    try:
        sct = leaf.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps)
    except x509.ExtensionNotFound:
        return 0
    return len(list(sct.value))


def _load(der: bytes) -> x509.Certificate | None:
    try:
        with _old_certificates():
            return x509.load_der_x509_certificate(der)
    except ValueError:
        return None


@contextlib.contextmanager
def _old_certificates() -> Iterator[None]:
    """Certificates older than today's rules (a serial number of zero…) are read all the same, without a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        yield


def names_in(der: bytes) -> tuple[str, ...]:
    """Return the alternative names of a certificate; none when it cannot be read."""
    certificate = _load(der)
    return _names(certificate) if certificate is not None else ()


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    names = san.get_values_for_type(x509.DNSName) + [str(a) for a in san.get_values_for_type(x509.IPAddress)]
    return tuple(name.lower()[:253] for name in names[:200])


def matches(name: str, names: Iterable[str]) -> bool:
    """Tell whether a name is one of the alternative names; a wildcard stands for one whole left label."""
    wanted = name.rstrip(".").lower()
    return any(known == wanted or (known.startswith("*.") and wanted.partition(".")[2] == known[2:]) for known in names)


def _key(leaf: x509.Certificate) -> tuple[str, int]:
    key = leaf.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "EC", key.curve.key_size
    if isinstance(key, dsa.DSAPublicKey):
        return "DSA", key.key_size
    if isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
        return "EdDSA", 256 if isinstance(key, ed25519.Ed25519PublicKey) else 448
    return type(key).__name__, 0


def _path(
    leaf: x509.Certificate, others: list[x509.Certificate], store: TrustStore | None, at: datetime
) -> tuple[x509.Certificate, ...]:
    """Follow issuers by name and signature to a root of the store; every link above the leaf must be valid then.

    Return the shortest path, leaf and root included; () when there is none.
    """
    if store is None:
        return ()
    current: list[tuple[x509.Certificate, ...]] = [(leaf,)]
    seen = set[x509.Certificate]()
    for _ in range(_DEPTH):
        following = []
        for path in current:
            if path[-1] in store.roots:
                return path
            for issuer in (*store.roots, *others):
                named = issuer.subject == path[-1].issuer and issuer not in seen
                if named and _may_sign(issuer, at) and signed_by(path[-1], issuer):
                    seen.add(issuer)
                    following.append((*path, issuer))
        current = following
    return ()


def _state(path: tuple[x509.Certificate, ...], store: TrustStore | None) -> PathState:
    if store is None:
        return PathState.NOT_CHECKED
    return PathState.FOUND if path else PathState.NOT_FOUND


def _may_sign(issuer: x509.Certificate, at: datetime) -> bool:
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return constraints.ca and issuer.not_valid_before_utc <= at.astimezone(UTC) <= issuer.not_valid_after_utc
