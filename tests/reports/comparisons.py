"""Fictitious comparisons."""

from __future__ import annotations

from datetime import timedelta

from probes.interface import Part
from reports.comparison import CommonRule, Compared, Comparison, Dated, PartFigures
from rules.interface import Severity
from rules.levels import Interval
from rules.subject import Establishment, Perimeter
from tests.reports.dossiers import NOW

_CATEGORIES = ("Centre hospitalier", "Clinique privée", "ESPIC")


def region(count: int, *, catalogues: int = 1, name: str = "Établissement") -> Comparison:
    """Perimeters of two regions and a few GHT; two of three share a forest with a neighbour."""
    return Comparison(
        entries=tuple(_entry(number, catalogues, name) for number in range(count)),
        common=(
            CommonRule(rule="certificate-current", severity=Severity.HIGH, perimeters=count // 2, findings=count),
            CommonRule(rule="gone-rule", severity=Severity.LOW, perimeters=2, findings=2),
        ),
        absent=("ch-jamais-vu",),
    )


def _entry(number: int, catalogues: int, name: str) -> Compared:
    guaranteed = 1 + number * 7 % 4
    exposure = _figures(
        Part.EXPOSURE, number, Interval(guaranteed=guaranteed, best=guaranteed + number % 2), catalogues
    )
    directory = _figures(Part.DIRECTORY, number, Interval(guaranteed=1 + number % 3, best=3), catalogues)
    parts = {Part.EXPOSURE: exposure} | ({Part.DIRECTORY: directory} if number % 4 else {})
    return Compared(
        perimeter=Perimeter(
            id=f"p{number:03}",
            name=f"{name} {number:03}",
            unit="ej",
            region="84" if number % 3 else "11",
            ght=f"GHT {number % 5}" if number % 2 else "",
            members=(
                Establishment(finess="730000015", name="x", category=_CATEGORIES[number % 3] if number % 7 else ""),
            ),
        ),
        assets=5 + 13 * number,
        parts=parts,
    )


def _figures(kind: Part, number: int, level: Interval, catalogues: int) -> PartFigures:
    at = NOW - timedelta(days=number % 9)
    before = Interval(guaranteed=max(1, level.guaranteed - number % 2), best=level.best)
    forest = f"forest:f{number // 3}.local"
    return PartFigures(
        kind=kind,
        scan=f"s-{kind}-{number}",
        seen_at=at,
        level=level,
        open={Severity.CRITICAL: number % 3, Severity.HIGH: number % 5, Severity.LOW: number},
        met=80,
        undetermined=number % 6 * 9,
        catalogue=f"{number % catalogues:02}" * 32,
        sets={"care-d1@2024": "5e" * 32},
        trend=tuple(
            Dated(at=at - timedelta(days=days), level=before if days else level, grave=3) for days in (100, 50, 0)
        )
        if number % 3
        else (),
        forests={forest: level} if kind is Part.DIRECTORY else {},
    )
