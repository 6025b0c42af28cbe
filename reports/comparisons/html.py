"""HTML: the comparison as one self-contained page, without script and without any request."""

from __future__ import annotations

from collections.abc import Mapping

from probes.interface import Part
from reports import standing
from reports.comparison import Comparison, Trait
from reports.interface import Format
from reports.pages import environment
from reports.words import load
from rules.interface import Card

_PARTS = (Part.EXPOSURE, Part.DIRECTORY)


def render(comparison: Comparison, cards: Mapping[str, Card], language: str) -> bytes:
    """Return the page."""
    seen = [part.seen_at for entry in comparison.entries for part in entry.parts.values()]
    text = (
        environment(language)
        .get_template("comparison/page.html")
        .render(
            comparison=comparison,
            cards=cards,
            parts=_PARTS,
            entries=sorted(comparison.entries, key=lambda e: (_coverage(e.parts), e.perimeter.name)),
            first=min(seen, default=None),
            last=max(seen, default=None),
            rows={kind: standing.standings(comparison, kind) for kind in _PARTS},
            overall=[(kind.value, standing.bars(comparison.histogram(kind))) for kind in _PARTS],
            forests=comparison.forests(),
            names={entry.perimeter.id: entry.perimeter.name for entry in comparison.entries},
            groups={
                (trait, kind): [(group, standing.bars(group.levels)) for group in comparison.groups(trait, kind)]
                for trait in Trait
                for kind in _PARTS
            },
            traits=tuple(Trait),
            named=lambda trait, value: standing.named(trait, value, load(language)),
            drawing=standing,
        )
    )
    return text.encode("utf-8", "backslashreplace")


def _coverage(parts: Mapping[Part, object]) -> int:
    return sum(getattr(parts.get(kind), "coverage", 0) for kind in _PARTS)


FORMAT: Format[Comparison] = Format(suffix="html", media_type="text/html; charset=utf-8", render=render)
