"""What a folder of outputs holds: `SHA256SUMS` for `sha256sum -c`, and a manifest of what was seen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from reports.dossier import Dossier
from reports.json import canonical

SUMS, MANIFEST = "SHA256SUMS", "manifest.json"


def manifest(dossier: Dossier, files: Mapping[str, bytes]) -> bytes:
    """Return the manifest of files by name: digests, sizes, versions, mandate, perimeter and judgement."""
    return canonical(
        {
            "schema": "hygie/manifest/1",
            "files": {name: {"sha256": _digest(data), "size": len(data)} for name, data in files.items()},
            "scan": dossier.scan.id,
            "parts": dossier.scan.parts,
            "versions": dossier.scan.versions,
            "mandate": dossier.scan.mandate.reference,
            "mandate_document_sha256": dossier.scan.mandate.document_sha256,
            "perimeter": dossier.perimeter.id,
            "perimeter_digest": dossier.perimeter.digest,
            "judgement": dossier.judgement.id,
        }
    )


def sums(files: Mapping[str, bytes]) -> bytes:
    """Return the lines that ``sha256sum -c`` reads, sorted by name."""
    return "".join(f"{_digest(data)}  {name}\n" for name, data in sorted(files.items())).encode()


def differences(sums_text: str, files: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Return (``altered``, ``missing`` or ``added``, name) of what differs between the sums and the files present."""
    pairs = (line.partition("  ") for line in sums_text.splitlines() if "  " in line)
    wanted = {name: digest for digest, _, name in pairs}
    found = [("missing", name) for name in sorted(wanted.keys() - files.keys())]
    found += [("altered", n) for n in sorted(wanted.keys() & files.keys()) if _digest(files[n]) != wanted[n]]
    return found + [("added", name) for name in sorted(files.keys() - wanted.keys())]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
