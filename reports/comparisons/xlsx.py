"""XLSX: coverage, exposure, directories, peers and common rules, each on a sheet."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from probes.interface import Part
from reports.comparison import Comparison, Trait
from reports.interface import Format
from reports.prose import plain
from reports.standing import named, standings
from reports.words import Words, load
from reports.workbook import Cell, workbook
from rules.interface import Card, Severity
from rules.territory import category_name, region_name

Row = tuple[Cell, ...]

_COVERAGE = {"perimeter": 44, "part": 24, "date": 20, "coverage": 14, "undetermined": 16, "assets": 12, "rules": 20}
_STANDINGS = {
    "perimeter": 44, "region": 12, "ght": 26, "category": 16, "guaranteed": 12, "best": 12, "critical": 10, "high": 10,
    "medium": 10, "low": 10, "percentile": 12, "peers": 30, "date": 20,
}  # fmt: skip
_FORESTS = {"forest": 44, "guaranteed": 12, "best": 12, "perimeters": 80}
_GROUPS = {
    "part": 24, "trait": 20, "group": 26, "count": 10, "median-level": 14, "lower": 12, "upper": 12, "median-grave": 18,
    "median-coverage": 18,
}  # fmt: skip
_COMMON = {"requirement": 60, "severity": 14, "perimeters-count": 14, "findings": 12, "rule": 40}


def render(comparison: Comparison, cards: Mapping[str, Card], language: str) -> bytes:
    """Return the workbook."""
    words, out = load(language), io.BytesIO()
    seen = [part.seen_at for entry in comparison.entries for part in entry.parts.values()]
    sheets: tuple[tuple[str, Mapping[str, int], Iterator[Row]], ...] = (
        (words("coverage.short"), _COVERAGE, _coverage(comparison, words)),
        (words("comparison.exposure"), _STANDINGS, _standings(comparison, Part.EXPOSURE, words)),
        (words("comparison.directory"), _STANDINGS, _standings(comparison, Part.DIRECTORY, words)),
        (words("comparison.forests"), _FORESTS, _forests(comparison)),
        (words("comparison.peers"), _GROUPS, _groups(comparison, words)),
        (words("comparison.common"), _COMMON, _common(comparison, cards, words)),
    )
    at = max(seen, default=datetime(1980, 1, 1, tzinfo=UTC))
    with workbook(out, title=words("comparison.title"), language=language, at=at) as book:
        for name, columns, rows in sheets:
            book.sheet(name, {words(f"column.{c}"): width for c, width in columns.items()}, rows)
    return out.getvalue()


def _coverage(comparison: Comparison, words: Words) -> Iterator[Row]:
    for entry in comparison.entries:
        for part in entry.parts.values():
            yield (
                entry.perimeter.name,
                words(f"part.{part.kind.value}"),
                part.seen_at.isoformat(),
                part.coverage,
                part.undetermined,
                entry.assets,
                part.catalogue[:16],
            )
    for absent in comparison.absent:
        yield absent, words("comparison.never"), "", 0, 0, 0, ""


def _standings(comparison: Comparison, kind: Part, words: Words) -> Iterator[Row]:
    for row in standings(comparison, kind):
        level, perimeter = row.part.level, row.entry.perimeter
        yield (
            perimeter.name,
            region_name(perimeter.region),
            perimeter.ght,
            category_name(row.entry.category, words.language),
            level.guaranteed if level else "",
            level.best if level else "",
            *(row.part.open.get(severity, 0) for severity in Severity if severity is not Severity.INFO),
            "" if row.percentile is None else row.percentile,
            _peers(row.peers.trait, row.peers.value, words) if row.peers else words("comparison.everybody"),
            row.part.seen_at.isoformat(),
        )


def _forests(comparison: Comparison) -> Iterator[Row]:
    names = {entry.perimeter.id: entry.perimeter.name for entry in comparison.entries}
    for forest, (level, shared) in comparison.forests().items():
        yield forest, level.guaranteed, level.best, ", ".join(names[i] for i in shared)


def _groups(comparison: Comparison, words: Words) -> Iterator[Row]:
    for kind in (Part.EXPOSURE, Part.DIRECTORY):
        for trait in Trait:
            for group in comparison.groups(trait, kind):
                told = (group.level.median, group.level.lower, group.level.upper)
                more = (group.grave.median, group.coverage.median)
                yield (
                    words(f"part.{kind.value}"),
                    words(f"trait.{trait.value}"),
                    named(trait, group.value, words),
                    len(group.members),
                    *("" if value is None else value for value in (*told, *more)),
                )


def _common(comparison: Comparison, cards: Mapping[str, Card], words: Words) -> Iterator[Row]:
    for common in comparison.common:
        card = cards.get(common.rule)
        title = plain(card.words(words.language).title, words) if card else common.rule
        yield title, words(f"severity.{common.severity.value}"), common.perimeters, common.findings, common.rule


def _peers(trait: Trait, value: str, words: Words) -> str:
    return f"{words(f'trait.{trait.value}')}{words('colon')}{named(trait, value, words)}"


FORMAT: Format[Comparison] = Format(
    suffix="xlsx",
    media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    render=render,
)
