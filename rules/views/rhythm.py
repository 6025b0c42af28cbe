"""The rhythm of audits: when the same asset was last audited before, read from the timeline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from probes.interface import Asset, AssetKind, Part
from rules.interface import Unseen, View, view
from rules.subject import PastScan, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class RhythmView(View):
    """One declared domain or one forest: the part that looked at it, and the last earlier scan that did, or None."""

    part: Part
    previous: datetime | None


@view(RhythmView)
def rhythms(record: Record) -> Iterable[RhythmView | Unseen]:
    """One view a declared domain and a forest of this scan; only parts of this very scan count."""
    for asset in record.assets:
        part = _part(asset)
        own = next((p for p in record.scan.parts if p.kind is part and not p.scan), None)
        if part is None or own is None:
            continue
        earlier = [past.seen_at for past in record.timeline.scans if past.kind is part and _saw(past, asset)]
        yield RhythmView(
            asset=asset,
            seen_at=own.started_at,
            vantage=own.vantage,
            evidence=(),
            part=part,
            previous=max(earlier, default=None),
        )


def _part(asset: Asset) -> Part | None:
    if asset.kind is AssetKind.DOMAIN and not asset.found_by:
        return Part.EXPOSURE
    return Part.DIRECTORY if asset.kind is AssetKind.FOREST else None


def _saw(past: PastScan, asset: Asset) -> bool:
    return any(finding.asset == asset.id for finding in past.findings.values())
