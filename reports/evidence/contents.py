"""What the manifest of a pack says of a dossier, and the observations as lines that anybody can hash again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from probes.interface import Fact, Observation
from reports.dossier import Dossier
from reports.evidence.pack import SCHEMA, Described
from reports.json import attestation, line


def describe(
    dossier: Dossier,
    *,
    clock: dict[str, Any],
    signer: dict[str, Any],
    stamp: dict[str, Any],
    frozen: dict[str, Any] | None,
) -> Described:
    """Return what a manifest says: who looked at what, by which mandate, when, and what it was judged by."""
    scan, judgement = dossier.scan, dossier.judgement
    about = {
        "scan": {
            "id": scan.id,
            "state": scan.state,
            "level": scan.level,
            "parts": scan.parts,
            "versions": scan.versions,
            "config_digest": scan.config_digest,
        },
        "perimeter": scan.perimeter,
        "mandate": {
            "reference": scan.mandate.reference,
            "signatory": scan.mandate.signatory,
            "document_sha256": scan.mandate.document_sha256,
            "valid_from": scan.mandate.valid_from,
            "valid_until": scan.mandate.valid_until,
            "identify_devices": scan.mandate.identify_devices,
            "scope": scan.mandate.scope,
        },
        "judgement": {
            "id": judgement.id,
            "catalogue_digest": judgement.catalogue_digest,
            "feeds": {name: {"dated": dated, "digest": d} for name, (dated, d) in judgement.feeds.items()},
            "sets": judgement.sets,
            "timeline_digest": judgement.timeline_digest,
        },
        "attestations": [attestation(a) for a in dossier.attestations],
        "waivers": dossier.waivers,
        "clock": clock,
        "signer": signer,
        "timestamp": stamp,
        "frozen": frozen,
    }
    return Described(schema=SCHEMA, about=about)


def clock_offsets(observations: Iterable[Observation[Fact]]) -> dict[str, int]:
    """Return by how many seconds our clock was ahead of each directory's, by asset, rounded to the second."""
    found = {}
    for seen in observations:
        theirs = getattr(seen.fact, "current_time", None)
        if theirs is not None:
            found[seen.asset.id] = round((seen.seen_at - theirs).total_seconds())
    return dict(sorted(found.items()))


def observation_lines(written: Iterable[Mapping[str, Any]]) -> bytes:
    """Return one line an observation, as it was written at the time; without its ``id``, its SHA-256 begins with it."""
    return b"".join(_line(seen) for seen in sorted(written, key=lambda seen: str(seen["id"])))


def _line(seen: Mapping[str, Any]) -> bytes:
    """An observation in the form that its id is the digest of."""
    asset, at = seen["asset"], datetime.fromisoformat(seen["seen_at"])
    return line({**seen, "asset": f"{asset['kind']}:{asset['name']}", "seen_at": at.isoformat()})
