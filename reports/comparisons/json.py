"""JSON, `hygie/comparison/1`: every perimeter and its figures, the forests once, the peers."""

from __future__ import annotations

from collections.abc import Mapping

from probes.interface import Part
from reports.comparison import Comparison, Trait
from reports.interface import Format
from reports.json import canonical
from rules.interface import Card


def render(comparison: Comparison, cards: Mapping[str, Card], language: str) -> bytes:
    """Return the comparison as canonical JSON; it has no language."""
    forests = [
        {"forest": forest, "level": level, "perimeters": shared}
        for forest, (level, shared) in comparison.forests().items()
    ]
    groups = [
        {"part": kind, "group": group}
        for kind in (Part.EXPOSURE, Part.DIRECTORY)
        for trait in Trait
        for group in comparison.groups(trait, kind)
    ]
    return canonical(
        {
            "schema": "hygie/comparison/1",
            "perimeters": comparison.entries,
            "absent": comparison.absent,
            "catalogues": comparison.catalogues(),
            "sets": comparison.sets(),
            "forests": forests,
            "groups": groups,
            "common": comparison.common,
        }
    )


FORMAT: Format[Comparison] = Format(suffix="json", media_type="application/json", render=render)
