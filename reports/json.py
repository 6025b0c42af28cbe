"""The JSON report, `hygie/report/1` (`schema/report-1.json`): the same judgement gives the same, canonical bytes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from probes.interface import Asset, Attempt, Status
from reports.canonical import write
from reports.dossier import Dossier, SeenAsset
from rules.interface import Card, Finding
from rules.subject import Attestation

SCHEMA = "hygie/report/1"


def render(dossier: Dossier, cards: Mapping[str, Card]) -> bytes:
    """Return the report; ``cards`` is taken so that every format is called alike, and says nothing here."""
    return canonical(tree(dossier))


def canonical(value: object) -> bytes:
    """Return domain values as sorted, compact UTF-8 with one final newline; lone surrogates are escaped."""
    return write(value).encode("utf-8", "backslashreplace") + b"\n"


def tree(dossier: Dossier) -> dict[str, Any]:
    """Return the report as plain data."""
    scan = dossier.scan
    return {
        "schema": SCHEMA,
        "scan": {
            "id": scan.id,
            "state": scan.state,
            "level": scan.level,
            "parts": scan.parts,
            "versions": scan.versions,
            "config_digest": scan.config_digest,
            "perimeter_digest": scan.perimeter.digest,
        },
        "judgement": {
            "id": dossier.judgement.id,
            "catalogue_digest": dossier.judgement.catalogue_digest,
            "feeds": {name: {"dated": d, "digest": s} for name, (d, s) in dossier.judgement.feeds.items()},
            "sets": dossier.judgement.sets,
            "timeline_digest": dossier.judgement.timeline_digest,
            "attestations_digest": hashlib.sha256(canonical(dossier.attestations)).hexdigest(),
            "waivers_digest": hashlib.sha256(canonical(dossier.waivers)).hexdigest(),
        },
        "perimeter": scan.perimeter,
        "mandate": scan.mandate,
        "assets": [_asset(seen) for seen in dossier.assets],
        "attempts": _attempts(dossier.attempts),
        "findings": [_finding(finding) for finding in dossier.findings],
        "directory": dossier.directory,
        "exposure": {"level": dossier.exposure} if dossier.exposure else None,
        "criteria": dossier.criteria,
        "objectives": dossier.objectives,
        "history": dossier.history,
        "trends": dossier.trends,
        "attestations": [attestation(a) for a in dossier.attestations],
        "waivers": dossier.waivers,
    }


def attestation(value: Attestation) -> dict[str, Any]:
    """Return an attestation as plain data; where the person kept the file stays with the person."""
    return {k: v for k, v in plain(value).items() if k not in {"document", "withdrawn_at"}}


def _asset(seen: SeenAsset) -> dict[str, Any]:
    asset: Asset = seen.asset
    return {
        "id": asset.id,
        "kind": asset.kind,
        "name": asset.name,
        "addresses": asset.addresses,
        "port": asset.port,
        "transport": asset.transport,
        "found_by": asset.found_by,
        "found_in": asset.found_in,
        "in_scope": seen.in_scope,
        "vantage": seen.vantage,
    }


def _attempts(attempts: tuple[Attempt, ...]) -> dict[str, Any]:
    counts = Counter((a.probe, a.status.value, a.reason.value) for a in attempts)
    told = [a for a in attempts if a.status is not Status.COMPLETED]
    told.sort(key=lambda a: (a.probe, a.asset, a.look, a.started_at))
    return {
        "counts": [{"probe": p, "status": s, "reason": r, "count": n} for (p, s, r), n in sorted(counts.items())],
        "not_completed": told,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {f.name: getattr(finding, f.name) for f in fields(finding)}


def plain(value: Any) -> Any:  # noqa: ANN401 - any domain value goes in, plain data comes out
    """Return domain values as plain data: dataclasses as tables, sets sorted, instants in UTC."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (datetime, date)) or hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (IPv4Network, IPv6Network)):
        return str(value)
    return value


def line(value: object) -> bytes:
    """Return plain data as one line of sorted, compact UTF-8, with its newline."""
    text = json.dumps(plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"
