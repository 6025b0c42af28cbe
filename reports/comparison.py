"""The Comparison: many perimeters side by side, coverage first, each among its peers, forests counted once."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from probes.interface import Part
from rules.interface import Severity
from rules.levels import Interval
from rules.subject import Perimeter

#: Fewest perimeters of which a median or a percentile is told: below, it would name somebody.
FEWEST = 4
#: Upper bounds of the classes of size: by assets in scope, and by beds and places (ours).
_SIZES, _BEDS = (10, 50, 200), (99, 299, 699)

#: How many stand at each level, from 1 to 5.
Histogram = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """The level of a part at an earlier scan, and its critical and high findings."""

    at: datetime
    level: Interval | None
    grave: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFigures:
    """What the newest scan of one part of a perimeter amounts to, and its trend, oldest first.

    ``catalogue`` is the digest of the rules that judged it, ``sets`` the digests of the criteria sets by name;
    ``forests`` are levels by forest, for the directory part.
    """

    kind: Part
    scan: str
    seen_at: datetime
    level: Interval | None
    open: Mapping[Severity, int]
    met: int
    undetermined: int
    catalogue: str
    sets: Mapping[str, str]
    trend: tuple[Dated, ...] = ()
    forests: Mapping[str, Interval] = field(default_factory=dict)

    @property
    def grave(self) -> int:
        """How many findings are critical or high."""
        return self.open.get(Severity.CRITICAL, 0) + self.open.get(Severity.HIGH, 0)

    @property
    def coverage(self) -> int:
        """The share of checks that came to a conclusion, in whole percents, rounded down."""
        concluded = self.met + sum(self.open.values())
        planned = concluded + self.undetermined
        return 100 * concluded // planned if planned else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One perimeter of a comparison; ``assets`` counts those in scope. A part that was never judged is missing.

    ``beds`` are its beds and places, None when nobody told them.
    """

    perimeter: Perimeter
    assets: int
    parts: Mapping[Part, PartFigures]
    beds: int | None = None

    @property
    def category(self) -> str:
        """The commonest category of its members, or ""."""
        return category_of(self.perimeter)

    @property
    def size(self) -> str:
        """Its class of size, by assets in scope: ``1``, ``2``, ``3`` or ``4``, "" when nothing was counted."""
        return str(1 + sum(self.assets > bound for bound in _SIZES)) if self.assets else ""


def category_of(perimeter: Perimeter) -> str:
    """Return the commonest category of the members of a perimeter, or ""."""
    found = Counter(member.category for member in perimeter.members if member.category)
    return min(found, key=lambda c: (-found[c], c), default="")


def bed_class(beds: int | None) -> str:
    """Return the class of a number of beds and places: ``1`` to ``4``, "" when it is not known."""
    return "" if beds is None else str(1 + sum(beds > bound for bound in _BEDS))


class Trait(StrEnum):
    """What makes perimeters peers."""

    CATEGORY = "category"
    BEDS = "beds"
    SIZE = "size"
    REGION = "region"
    GHT = "ght"
    UNIT = "unit"


_TRAITS: Mapping[Trait, Callable[[Compared], str]] = {
    Trait.UNIT: lambda c: c.perimeter.unit,
    Trait.CATEGORY: lambda c: c.category,
    Trait.BEDS: lambda c: bed_class(c.beds),
    Trait.SIZE: lambda c: c.size,
    Trait.REGION: lambda c: c.perimeter.region,
    Trait.GHT: lambda c: c.perimeter.ght,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The quartiles of a measure over some perimeters; None when there are too few to tell."""

    count: int
    lower: float | None
    median: float | None
    upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Peers that share a trait: who, how the guaranteed levels 1 to 5 fall, and the spread of three measures.

    Perimeters that share the same forests count once in what is measured of directories.
    """

    trait: Trait
    value: str
    members: tuple[str, ...]
    levels: Histogram
    level: Spread
    grave: Spread
    coverage: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonRule:
    """A rule that is not met in several perimeters."""

    rule: str
    severity: Severity
    perimeters: int
    findings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Many perimeters of one store, each by its newest judged parts; ``absent`` were asked for and never judged."""

    entries: tuple[Compared, ...]
    common: tuple[CommonRule, ...]
    absent: tuple[str, ...] = ()

    def catalogues(self) -> Mapping[str, tuple[str, ...]]:
        """Return the perimeters by the digest of the rules that judged them: several digests do not compare fairly."""
        found: dict[str, set[str]] = defaultdict(set)
        for entry in self.entries:
            for part in entry.parts.values():
                found[part.catalogue].add(entry.perimeter.id)
        return {digest: tuple(sorted(ids)) for digest, ids in sorted(found.items())}

    def sets(self) -> Mapping[str, frozenset[str]]:
        """Return the digests that each criteria set appears under; one digest a set compares fairly."""
        found: dict[str, set[str]] = defaultdict(set)
        for entry in self.entries:
            for part in entry.parts.values():
                for name, digest in part.sets.items():
                    found[name].add(digest)
        return {name: frozenset(digests) for name, digests in sorted(found.items())}

    def forests(self) -> Mapping[str, tuple[Interval, tuple[str, ...]]]:
        """Return each forest once, with its newest level and the perimeters that share it."""
        seen: dict[str, list[tuple[datetime, Interval, str]]] = defaultdict(list)
        for entry in self.entries:
            if part := entry.parts.get(Part.DIRECTORY):
                for forest, level in part.forests.items():
                    seen[forest].append((part.seen_at, level, entry.perimeter.id))
        return {
            forest: (max(own, key=lambda o: o[0])[1], tuple(sorted(o[2] for o in own)))
            for forest, own in sorted(seen.items())
        }

    def of(self, kind: Part) -> tuple[Compared, ...]:
        """Return the perimeters with a level of a part: the lowest guaranteed level first, then the gravest."""

        def order(entry: Compared) -> tuple[int, int, int, str]:
            part = entry.parts[kind]
            level = part.level or Interval(guaranteed=0, best=0)
            return level.guaranteed, level.best, -part.grave, entry.perimeter.name

        return tuple(sorted((e for e in self.entries if kind in e.parts and e.parts[kind].level), key=order))

    def histogram(self, kind: Part) -> Histogram:
        """Return how guaranteed levels fall: of perimeters for exposure, of distinct forests for directories."""
        if kind is Part.DIRECTORY:
            return histogram(level.guaranteed for level, _ in self.forests().values())
        return histogram(_levels([entry.parts[kind] for entry in self.of(kind)]))

    def groups(self, trait: Trait, kind: Part) -> tuple[Group, ...]:
        """Return the peers by a trait, over a part; perimeters without the trait are a group of their own, ""."""
        grouped: dict[str, list[Compared]] = defaultdict(list)
        for entry in self.of(kind):
            grouped[_TRAITS[trait](entry)].append(entry)
        return tuple(_group(trait, value, own, kind) for value, own in sorted(grouped.items()))


def spread(values: Sequence[float]) -> Spread:
    """Return the quartiles of some values (inclusive method), or none of them below ``FEWEST`` values."""
    if len(values) < FEWEST:
        return Spread(count=len(values), lower=None, median=None, upper=None)
    lower, middle, upper = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(count=len(values), lower=round(lower, 1), median=round(middle, 1), upper=round(upper, 1))


def percentile(value: float, among: Iterable[float]) -> int | None:
    """Return the share (whole percents) of others that stand strictly lower, or None below ``FEWEST`` values."""
    values = list(among)
    if len(values) < FEWEST:
        return None
    return round(100 * sum(other < value for other in values) / len(values))


def histogram(levels: Iterable[int]) -> Histogram:
    """Return how often each level from 1 to 5 comes."""
    counted = Counter(levels)
    return counted[1], counted[2], counted[3], counted[4], counted[5]


def _levels(parts: Iterable[PartFigures]) -> list[int]:
    return [part.level.guaranteed for part in parts if part.level]


def _distinct(own: list[Compared], kind: Part) -> list[PartFigures]:
    """The figures of a part, once for perimeters that share the same forests: the newest."""
    newest: dict[object, PartFigures] = {}
    for entry in own:
        part = entry.parts[kind]
        key = tuple(sorted(part.forests)) or entry.perimeter.id
        if key not in newest or newest[key].seen_at < part.seen_at:
            newest[key] = part
    return list(newest.values())


def _group(trait: Trait, value: str, own: list[Compared], kind: Part) -> Group:
    parts = _distinct(own, kind)
    levels = _levels(parts)
    return Group(
        trait=trait,
        value=value,
        members=tuple(entry.perimeter.id for entry in own),
        levels=histogram(levels),
        level=spread(levels),
        grave=spread([part.grave for part in parts]),
        coverage=spread([part.coverage for part in parts]),
    )
