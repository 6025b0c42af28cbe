"""The picture of a hospital group's directories: forests with their domains, and the trusts between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from reports.visible import visible

_COLUMN, _ROW, _PAD, _TOP, _DEPTH = 260, 40, 14, 36, 34


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A domain, its forest, the perimeter it was seen from, and whether it was read (or only met)."""

    name: str
    forest: str
    perimeter: str
    read: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustLine:
    """A trust as one domain declares it; ``direction`` is inbound 1, outbound 2, both 3 (MS-ADTS 6.1.6.7.12)."""

    source: str
    target: str
    direction: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestBox:
    """A forest, its domains, and the perimeters it serves; several is what convergence looks like."""

    name: str
    domains: tuple[Domain, ...]
    perimeters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Forests by name, and each trust once; ``outside`` are targets that no scan of the group has seen."""

    forests: tuple[ForestBox, ...]
    trusts: tuple[TrustLine, ...]
    outside: tuple[str, ...]


def picture_of(domains: Iterable[Domain], trusts: Iterable[TrustLine]) -> Picture:
    """Return the picture; a domain or a forest that several perimeters saw is there once."""
    forests: dict[str, dict[str, Domain]] = defaultdict(dict)
    serves: dict[str, set[str]] = defaultdict(set)
    for domain in domains:
        known = forests[domain.forest].get(domain.name)
        if known is None or domain.read:
            forests[domain.forest][domain.name] = domain
        serves[domain.forest].add(domain.perimeter)
    names = {name for found in forests.values() for name in found}
    once: dict[frozenset[str], TrustLine] = {}
    for trust in sorted(trusts, key=lambda t: (t.source, t.target)):
        once.setdefault(frozenset({trust.source, trust.target}), trust)
    lines = tuple(once.values())
    return Picture(
        forests=tuple(
            ForestBox(
                name=forest,
                domains=tuple(found[name] for name in sorted(found)),
                perimeters=tuple(sorted(serves[forest])),
            )
            for forest, found in sorted(forests.items())
        ),
        trusts=lines,
        outside=tuple(sorted({t.target for t in lines} - names)),
    )


def draw(picture: Picture, label: str, elsewhere: str) -> Markup:
    """Draw the picture in SVG: a column a forest, a row a domain, a curve a trust."""
    columns = [(box.name, [d.name for d in box.domains]) for box in picture.forests]
    if picture.outside:
        columns.append((elsewhere, list(picture.outside)))
    boxes: list[Markup] = []
    places: dict[str, tuple[int, float, float]] = {}
    for number, (name, rows) in enumerate(columns):
        left = _PAD + number * (_COLUMN + 4 * _PAD)
        boxes.append(_box(left, name, rows, outside=bool(picture.outside) and number == len(picture.forests)))
        places |= {row: (number, left + _COLUMN / 2, _PAD + _height(rows)) for row in rows}
    known = [t for t in picture.trusts if t.source in places and t.target in places]
    curves = [_curve(places[trust.source], places[trust.target], trust.direction) for trust in known]
    longest = max((abs(places[t.source][0] - places[t.target][0]) for t in known), default=0)
    height = max((_PAD + _height(rows) for _, rows in columns), default=0) + _PAD + _DEPTH * longest
    width = len(columns) * (_COLUMN + 4 * _PAD) - 2 * _PAD
    return Markup('<svg class="convergence" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}</svg>').format(
        width, height, label, Markup("").join(curves), Markup("").join(boxes)
    )


def _height(rows: list[str]) -> int:
    return _TOP + len(rows) * _ROW


def _box(left: float, name: str, rows: list[str], *, outside: bool) -> Markup:
    shapes = [
        Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="10"/>').format(
            "forest outside" if outside else "forest", left, _PAD, _COLUMN, _height(rows)
        ),
        Markup('<text class="forest-name" x="{}" y="{}">{}</text>').format(left + 14, _PAD + 22, visible(name, 30)),
    ]
    for row, domain in enumerate(rows):
        top = _PAD + _TOP + row * _ROW
        shapes.append(
            Markup('<rect class="domain" x="{}" y="{}" width="{}" height="{}" rx="6"/>').format(
                left + 10, top + 4, _COLUMN - 20, _ROW - 8
            )
        )
        shapes.append(Markup('<text x="{}" y="{}">{}</text>').format(left + 22, top + 25, visible(domain, 30)))
    return Markup("").join(shapes)


def _curve(start: tuple[int, float, float], end: tuple[int, float, float], direction: int) -> Markup:
    """A trust hangs below the forests it ties, the deeper the further apart they are."""
    (one, x1, y1), (other, x2, y2) = start, end
    deep = max(y1, y2) + _DEPTH * max(1, abs(one - other)) * 4 / 3
    return Markup('<path class="trust d{}" d="M{:.0f} {:.0f}C{:.0f} {:.0f} {:.0f} {:.0f} {:.0f} {:.0f}"/>').format(
        direction, x1, y1, x1, deep, x2, deep, x2, y2
    )
