"""DKIM public keys (RFC 6376 3.6.1, RFC 8463 for Ed25519)."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from probes.facts.mail.tags import TagSyntaxError, tags


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimKey:
    """A key record: ``algorithm`` rsa or ed25519, ``bits`` of the modulus (0 when revoked), ``testing`` for ``t=y``."""

    algorithm: str
    bits: int
    revoked: bool
    testing: bool


def parse(text: str) -> DkimKey:
    """Return the key; raise ``TagSyntaxError`` when verifiers could not use it."""
    found = tags(text)
    if found.get("v", "DKIM1") != "DKIM1" or "p" not in found:
        raise TagSyntaxError("not a DKIM key")
    algorithm = found.get("k", "rsa").lower()
    flags = {flag.strip().lower() for flag in found.get("t", "").split(":")}
    value = "".join(found["p"].split())
    bits = _bits(algorithm, value) if value else 0
    return DkimKey(algorithm=algorithm, bits=bits, revoked=not value, testing="y" in flags)


def _bits(algorithm: str, value: str) -> int:
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError as error:
        raise TagSyntaxError("the key is not base64") from error
    if algorithm == "ed25519":
        if len(raw) != 32:
            raise TagSyntaxError("an Ed25519 key has 32 bytes")
        return 256
    if algorithm != "rsa":
        raise TagSyntaxError(f"unknown key type {algorithm[:20]!r}")
    try:
        key = load_der_public_key(raw)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TagSyntaxError("the key cannot be decoded") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise TagSyntaxError("the key is not RSA")
    return key.key_size
