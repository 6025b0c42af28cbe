"""The certificates that a directory trusts, and what is weak in them: keys, hashes, exponents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from asn1crypto.x509 import Certificate

from rules.interface import ObjectRef
from rules.views.objects import Thing
from rules.views.tables import Table

#: Primes by which a key of CVE-2017-15361 (ROCA) is known: modulo each, the modulus is a power of 65537.
_ROCA = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
_POWERS = {p: frozenset(pow(65537, n, p) for n in range(p)) for p in _ROCA}
_SOUND_HASHES = frozenset(
    {"sha224", "sha256", "sha384", "sha512", "sha512_224", "sha512_256", "sha3_256", "sha3_384", "sha3_512"}
)
#: What stands where no certificate is: the attribute is mandatory, an empty store holds one zero byte.
_NOTHING = frozenset({b"", b"\0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Weak:
    """A weak certificate: the ANSSI level it fails, what is wrong in a few words, where it is."""

    level: int
    fault: str
    ref: ObjectRef


def certificates(table: Table, container: str) -> Iterator[tuple[Thing, bytes]]:
    """Yield the certificates of the objects under a container, with the object."""
    for thing in table.below(container):
        for name in ("cacertificate", "usercertificate"):
            for data in thing.values.get(name, ()):
                if data not in _NOTHING:
                    yield thing, data


def weakness(thing: Thing, data: bytes) -> Weak | None:
    """Return what is wrong with a certificate, the worst first; None when nothing is."""
    try:
        certificate = Certificate.load(data, strict=True)
        fault = _fault(certificate)
        name = certificate.subject.human_friendly
    except (ValueError, TypeError, KeyError):
        fault, name = (2, "not decodable"), ""
    if fault is None:
        return None
    level, words = fault
    text = f"{thing.name}: {name} ({words})" if name else f"{thing.name} ({words})"
    return Weak(level=level, fault=words, ref=ObjectRef(id=hashlib.sha256(data).hexdigest(), name=text, dn=thing.dn))


def _fault(certificate: Certificate) -> tuple[int, str] | None:
    key = certificate.public_key
    if key.algorithm == "dsa":
        return 1, "DSA"
    if key.algorithm in {"rsa", "rsassa_pss"}:
        numbers = key["public_key"].parsed.native
        modulus, exponent = numbers["modulus"], numbers["public_exponent"]
        if modulus.bit_length() < 1024:
            return 1, f"RSA {modulus.bit_length()}"
        if roca(modulus):
            return 1, "ROCA"
        if modulus.bit_length() < 2048:
            return 3, f"RSA {modulus.bit_length()}"
        if exponent < 65537:
            return 3, f"RSA exponent {exponent}"
    used = certificate["signature_algorithm"]
    sound = used.signature_algo in {"ed25519", "ed448"} or used.hash_algo in _SOUND_HASHES
    return None if sound else (3, used.hash_algo)


def roca(modulus: int) -> bool:
    """Tell whether a modulus bears the mark of keys that can be factored (CVE-2017-15361)."""
    return all(modulus % p in _POWERS[p] for p in _ROCA)
