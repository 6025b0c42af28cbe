"""Where each perimeter of a comparison stands: its row, its peers, its percentile, and the drawings beside it."""

from __future__ import annotations

from dataclasses import dataclass

from probes.interface import Part
from reports.comparison import FEWEST, Compared, Comparison, Dated, Group, Histogram, PartFigures, Trait, percentile
from reports.words import Words
from rules.territory import category_name, region_name

#: Size of a sparkline and of a histogram, in SVG units.
SPARK_WIDTH, SPARK_HEIGHT = 96, 26
BARS_WIDTH, BARS_HEIGHT = 150, 58


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The row of one perimeter for one part. ``peers`` are the smallest group that is large enough; None is all."""

    entry: Compared
    part: PartFigures
    peers: Group | None
    among: int
    percentile: int | None
    spark: Spark | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spark:
    """A small drawing of a trend: the band between both ends, and the line of what is guaranteed."""

    band: str
    line: str
    first: Dated
    last: Dated


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar of a histogram of levels."""

    level: int
    count: int
    x: float
    y: float
    width: float
    height: float


def standings(comparison: Comparison, kind: Part) -> tuple[Standing, ...]:
    """Return the rows of a part, the lowest guaranteed level first."""
    entries = comparison.of(kind)
    groups = [group for trait in Trait for group in comparison.groups(trait, kind) if group.value]
    levels = {entry.perimeter.id: _guaranteed(entry.parts[kind]) for entry in entries}
    rows = []
    for entry in entries:
        mine = [g for g in groups if entry.perimeter.id in g.members and FEWEST <= len(g.members) < len(entries)]
        peers = min(mine, key=lambda g: (len(g.members), list(Trait).index(g.trait)), default=None)
        among = [levels[i] for i in peers.members] if peers else list(levels.values())
        rows.append(
            Standing(
                entry=entry,
                part=entry.parts[kind],
                peers=peers,
                among=len(among),
                percentile=percentile(levels[entry.perimeter.id], among),
                spark=spark(entry.parts[kind].trend),
            )
        )
    return tuple(rows)


def spark(trend: tuple[Dated, ...]) -> Spark | None:
    """Return the drawing of a trend with at least two levels."""
    known = [(dated, dated.level) for dated in trend if dated.level]
    if len(known) < 2:
        return None
    begin, end = known[0][0].at, known[-1][0].at
    span = (end - begin).total_seconds() or 1.0
    points = [
        (round(3 + (SPARK_WIDTH - 6) * (dated.at - begin).total_seconds() / span, 1), level) for dated, level in known
    ]
    low = [f"{x},{_y(level.guaranteed)}" for x, level in points]
    high = [f"{x},{_y(level.best)}" for x, level in points]
    return Spark(band=" ".join(high + low[::-1]), line=" ".join(low), first=known[0][0], last=known[-1][0])


def bars(levels: Histogram) -> tuple[Bar, ...]:
    """Return the histogram of levels 1 to 5."""
    most = max(levels) or 1
    width, room = BARS_WIDTH / 5, BARS_HEIGHT - 26
    found = []
    for index, count in enumerate(levels):
        height = round(room * count / most, 1)
        bar = Bar(
            level=index + 1,
            count=count,
            x=index * width + 3,
            y=round(12 + room - height, 1),
            width=width - 6,
            height=height,
        )
        found.append(bar)
    return tuple(found)


def _y(level: int) -> float:
    return round(3 + (5 - level) * (SPARK_HEIGHT - 6) / 4, 1)


def _guaranteed(part: PartFigures) -> int:
    return part.level.guaranteed if part.level else 0


def named(trait: Trait, value: str, words: Words) -> str:
    """Return how the value of a trait is told: by its official name where there is one."""
    if not value:
        return words("comparison.unknown")
    match trait:
        case Trait.CATEGORY:
            return category_name(value, words.language)
        case Trait.REGION:
            return region_name(value)
        case Trait.GHT:
            return value
        case _:
            return words(f"{trait.value}.{value}")
