"""The cipher suites known by name, and what a name says of key exchange, cipher and integrity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A cipher suite: its IANA number and name."""

    number: int
    name: str

    @property
    def tls13(self) -> bool:
        """A suite of TLS 1.3 only."""
        return self.number >> 8 == 0x13

    @property
    def forward_secret(self) -> bool:
        """Each session has keys of its own: ephemeral Diffie-Hellman."""
        return self.tls13 or self.name.startswith(("TLS_DHE_", "TLS_ECDHE_"))

    @property
    def anonymous(self) -> bool:
        """Nobody is authenticated."""
        return "_anon_" in self.name

    @property
    def null(self) -> bool:
        """Nothing is encrypted."""
        return "_NULL_" in self.name

    @property
    def export(self) -> bool:
        """Keys of 40 or 56 bits, made weak for export in the 1990s."""
        return "_EXPORT_" in self.name

    @property
    def rc4(self) -> bool:
        """RC4 (forbidden by RFC 7465)."""
        return "_RC4_" in self.name

    @property
    def small_block(self) -> bool:
        """A block cipher of 64 bits: DES, 3DES, IDEA, RC2 (SWEET32)."""
        return any(c in self.name for c in ("_DES_", "_DES40_", "_3DES_", "_IDEA_", "_RC2_"))

    @property
    def single_des(self) -> bool:
        """DES with one key of 56 bits or less."""
        return "_DES_CBC" in self.name or "_DES40_" in self.name

    @property
    def aead(self) -> bool:
        """Encryption and integrity in one."""
        return any(c in self.name for c in ("_GCM_", "_CCM", "_CHACHA20_"))


@cache
def known_suites() -> MappingProxyType[int, Suite]:
    """Return every suite known, by number."""
    lines = (files("probes.facts") / "tls_suites.txt").read_text().splitlines()
    pairs = (line.split() for line in lines if line and not line.startswith("#"))
    return MappingProxyType({int(n, 16): Suite(number=int(n, 16), name=name) for n, name in pairs})


def suite(number: int) -> Suite:
    """Return the suite of a number; an unknown one is named by it."""
    return known_suites().get(number) or Suite(number=number, name=f"0x{number:04X}")
