"""Zones signed by BIND's own tools: healthy ones, and ones broken in the ways of real life."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedZone:
    """A signed zone's file, and the DS records its parent should hold."""

    file: Path
    signers: tuple[str, ...]


def sign(
    folder: Path, name: str, text: str, *options: str, algorithm: str = "ECDSAP256SHA256", bits: int = 0
) -> SignedZone:
    """Sign the zone of a name with fresh keys; ``options`` are dnssec-signzone's."""
    place = folder / f"signed-{name.strip('.') or 'root'}"
    place.mkdir(parents=True, exist_ok=True)
    file = place / "zone"
    file.write_text(f"$ORIGIN {name}\n$TTL 3600\n{text}")
    size = ("-b", str(bits)) if bits else ()
    for kind in ((), ("-f", "KSK")):
        _run("dnssec-keygen", "-q", "-K", place, "-a", algorithm, *size, *kind, name)
    _run("dnssec-signzone", "-S", "-P", "-K", place, "-d", place, *options, "-o", name, file, cwd=place)
    signers = [line for path in place.glob("dsset-*") for line in path.read_text().splitlines()]
    fields = [re.sub(r"\s+", " ", line).split(" IN DS ")[1] for line in signers if line.strip()]
    return SignedZone(file=place / "zone.signed", signers=tuple(fields))


def delegations(zones: Mapping[str, tuple[str, Iterable[str]]]) -> str:
    """Return the parent's records for children: name to (address of its server, DS records)."""
    lines = []
    for name, (address, signers) in zones.items():
        lines += [f"{name} NS ns.{name}", f"ns.{name} A {address}"]
        lines += [f"{name} DS {signer}" for signer in signers]
    return "\n".join(lines) + "\n"


def _run(*words: str | Path, cwd: Path | None = None) -> None:
    done = subprocess.run([str(w) for w in words], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{words[0]}: {done.stderr[-1000:]}")
