"""Who signs a pack: an own key made on first use, a PKCS#12 file, or an external command; a detached CMS (RFC 5652)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs7,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from scanner.config.load import ConfigError

_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
#: How long the own certificate lasts, in days, and an external signer may take, in seconds.
_YEARS_10, _PATIENCE = 3653, 120.0
#: Largest signature taken from an external signer, in bytes.
_LARGEST = 1 << 20


class Signer(Protocol):
    """Signs bytes; ``certificates`` begin with the signer's own."""

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """The signer's certificate, then its chain."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Return a detached CMS signature, DER."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySigner:
    """A key that this machine holds."""

    key: _Key
    certificates: tuple[x509.Certificate, ...]

    def sign(self, data: bytes) -> bytes:
        """Return a detached CMS signature, DER, with SHA-256."""
        builder = pkcs7.PKCS7SignatureBuilder().set_data(data)
        builder = builder.add_signer(self.certificates[0], self.key, hashes.SHA256())
        for certificate in self.certificates[1:]:
            builder = builder.add_certificate(certificate)
        options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoCapabilities]
        return builder.sign(Encoding.DER, options)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSigner:
    """An external signer: a command that reads the manifest and writes a detached CMS, DER."""

    command: tuple[str, ...]
    certificates: tuple[x509.Certificate, ...]

    def sign(self, data: bytes) -> bytes:
        """Return what the command writes; raise ``ConfigError`` when it fails."""
        try:
            done = subprocess.run(self.command, input=data, capture_output=True, timeout=_PATIENCE, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ConfigError(f"evidence.signer: {self.command[0]}: {error}") from error
        if done.returncode != 0 or not 0 < len(done.stdout) <= _LARGEST:
            said = done.stderr.decode("utf-8", "replace").strip()[:200]
            raise ConfigError(f"evidence.signer: {self.command[0]} ended with {done.returncode}: {said}")
        return done.stdout


def own(path: Path, at: datetime) -> KeySigner:
    """Return the own key of a file, made on first use (mode 0600) with a self-signed certificate of ten years."""
    if not path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        text += _self_signed(key, at).public_bytes(Encoding.PEM)
        try:
            # Exclusive, and for the owner alone from its first byte on; another process may have been first.
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(text)
        except FileExistsError:
            return own(path, at)
        except OSError as error:
            raise ConfigError(f"{path}: the signing key cannot be written: {error.strerror}") from error
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path} can be read by others than its owner: chmod 600 {path}")
        data = path.read_bytes()
        key_read = load_pem_private_key(data, None)
        certificates = tuple(x509.load_pem_x509_certificates(data))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: this is no key with its certificate ({error})") from error
    return _signer(path, key_read, certificates)


def from_pkcs12(path: Path, password: bytes | None) -> KeySigner:
    """Return the key of a PKCS#12 file."""
    try:
        key, certificate, chain = pkcs12.load_key_and_certificates(path.read_bytes(), password)
    except (OSError, ValueError) as error:
        raise ConfigError(f"evidence.key: {path} cannot be read as PKCS#12: wrong file or wrong password") from error
    if certificate is None:
        raise ConfigError(f"evidence.key: {path} holds no certificate")
    return _signer(path, key, (certificate, *chain))


def from_command(command: Sequence[str], certificate: Path) -> CommandSigner:
    """Return an external signer and the certificate, with its chain, that it signs for."""
    try:
        certificates = tuple(x509.load_pem_x509_certificates(certificate.read_bytes()))
    except (OSError, ValueError) as error:
        raise ConfigError(f"evidence.signer_certificate: {certificate} holds no PEM certificate") from error
    return CommandSigner(command=tuple(command), certificates=certificates)


def self_signed(certificate: x509.Certificate) -> bool:
    """Whether a certificate vouches for itself only."""
    return certificate.issuer == certificate.subject


def _signer(path: Path, key: object, certificates: tuple[x509.Certificate, ...]) -> KeySigner:
    if not isinstance(key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)) or not certificates:
        raise ConfigError(f"{path}: expected an RSA or elliptic key with its certificate")
    if key.public_key() != certificates[0].public_key():
        raise ConfigError(f"{path}: the certificate is of another key")
    return KeySigner(key=key, certificates=certificates)


def _self_signed(key: ec.EllipticCurvePrivateKey, at: datetime) -> x509.Certificate:
    # No name of the establishment: redacted packs carry this certificate too.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Hygie, clé locale (non qualifié)")])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(at - timedelta(days=1)).not_valid_after(at + timedelta(days=_YEARS_10))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())
