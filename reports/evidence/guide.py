"""VERIFIER.md: how anybody verifies a pack with openssl, sha256sum and unzip alone."""

from __future__ import annotations

import tomllib
from importlib.resources import files


def guide(fingerprint: str, *, self_signed: bool, stamped: bool) -> bytes:
    """Return the page for a signer's certificate, by its SHA-256 as openssl prints it."""
    folder = files("reports.evidence")
    said = tomllib.loads((folder / "guide.fr.toml").read_text("utf-8"))
    text = (folder / "guide.fr.md").read_text("utf-8")
    standing = said["self-signed" if self_signed else "issued"]
    date = said["stamped" if stamped else "unstamped"]
    return text.format(standing=standing.strip(), fingerprint=fingerprint, timestamp=date.strip()).encode()
