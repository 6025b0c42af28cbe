"""Files, sums, manifest, seals and archive of an evidence pack: the same files always give the same bytes.

``SHA256SUMS`` covers the files, ``manifest.json`` covers them again and ``SHA256SUMS`` itself, the signature covers
the manifest, the time-stamp covers the signature; ``SEALS`` lets ``sha256sum`` name a change in those three.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reports.json import canonical

MANIFEST, SIGNATURE, TOKEN, SUMS, SEALS = "manifest.json", "manifest.p7s", "manifest.tsr", "SHA256SUMS", "SEALS"
GUIDE, SIGNER, AUTHORITY = "VERIFIER.md", "signer.pem", "authority.pem"
#: What the sums do not cover: the manifest covers the sums.
SEALED = (MANIFEST, SIGNATURE, TOKEN)
SCHEMA, REDACTED_SCHEMA = "hygie/evidence/1", "hygie/evidence-redacted/1"
#: The date of every member of the archive, the first that ZIP can write.
_DATE = (1980, 1, 1, 0, 0, 0)
_TYPES = {
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "html": "text/html",
    "pdf": "application/pdf",
    "md": "text/markdown",
    "toml": "application/toml",
    "pem": "application/x-pem-file",
    "p7s": "application/pkcs7-signature",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a manifest says of a pack beside its files: plain data, without floats."""

    schema: str
    about: Mapping[str, object]


def digest(data: bytes) -> str:
    """Return the SHA-256 in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sums(files: Mapping[str, bytes], names: Iterable[str] | None = None) -> bytes:
    """Return the lines that ``sha256sum -c`` reads, sorted by name."""
    chosen = sorted(files if names is None else names)
    return "".join(f"{digest(files[name])}  {name}\n" for name in chosen).encode()


def manifest(described: Described, files: Mapping[str, bytes]) -> bytes:
    """Return the manifest of files, ``SHA256SUMS`` among them."""
    listed = {
        name: {"media_type": media_type(name), "sha256": digest(data), "size": len(data)}
        for name, data in files.items()
    }
    return canonical({**described.about, "schema": described.schema, "files": listed})


def seals(files: Mapping[str, bytes]) -> bytes:
    """Return the seals of the manifest, its signature and its time-stamp, those that there are."""
    return sums(files, [name for name in SEALED if name in files])


def media_type(name: str) -> str:
    """Return the media type of a file by its suffix."""
    return _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return the ZIP of files: stored, sorted by name, one date; the same files always give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system = 3
            entry.external_attr = 0o100600 << 16
            packed.writestr(entry, files[name])
    return out.getvalue()
