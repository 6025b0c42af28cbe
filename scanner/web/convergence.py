"""The picture of a hospital group's directories: forests with their domains, and the trusts between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from reports.visible import visible

_COLUMN, _ROW, _PAD, _TOP = 260, 40, 14, 46


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
    places: dict[str, tuple[float, float]] = {}
    boxes = []
    for number, (name, rows) in enumerate(columns):
        left = _PAD + number * (_COLUMN + 4 * _PAD)
        boxes.append(_box(left, name, rows, outside=bool(picture.outside) and number == len(picture.forests)))
        for row, domain in enumerate(rows):
            places[domain] = (left + _COLUMN / 2, _TOP + row * _ROW + _ROW / 2)
    tallest = max((len(rows) for _, rows in columns), default=1)
    height = _TOP + tallest * _ROW + 3 * _PAD
    width = _PAD + len(columns) * (_COLUMN + 4 * _PAD)
    curves = [_curve(places, trust) for trust in picture.trusts if trust.source in places and trust.target in places]
    return Markup('<svg class="convergence" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}</svg>').format(
        width, height, label, Markup("").join(curves), Markup("").join(boxes)
    )


def _box(left: float, name: str, rows: list[str], *, outside: bool) -> Markup:
    height = _TOP - _PAD + len(rows) * _ROW + _PAD
    shapes = [
        Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="10"/>').format(
            "forest outside" if outside else "forest", left, _PAD, _COLUMN, height
        ),
        Markup('<text class="forest-name" x="{}" y="{}">{}</text>').format(left + 14, _PAD + 22, visible(name, 30)),
    ]
    for row, domain in enumerate(rows):
        top = _TOP + row * _ROW
        shapes.append(
            Markup('<rect class="domain" x="{}" y="{}" width="{}" height="{}" rx="6"/>').format(
                left + 10, top + 4, _COLUMN - 20, _ROW - 8
            )
        )
        shapes.append(Markup('<text x="{}" y="{}">{}</text>').format(left + 22, top + 25, visible(domain, 30)))
    return Markup("").join(shapes)


def _curve(places: dict[str, tuple[float, float]], trust: TrustLine) -> Markup:
    (x1, y1), (x2, y2) = places[trust.source], places[trust.target]
    side = _COLUMN / 2 - 10
    left, right = (x1 + side, x2 - side) if x1 <= x2 else (x1 - side, x2 + side)
    if x1 == x2:
        left, right = x1 + side, x2 + side
    bend = max(40.0, abs(right - left) / 2)
    out = bend if x1 <= x2 else -bend
    back = -out if x1 != x2 else out
    return Markup('<path class="trust d{}" d="M{:.0f} {:.0f}C{:.0f} {:.0f} {:.0f} {:.0f} {:.0f} {:.0f}"/>').format(
        trust.direction, left, y1, left + out, y1, right + back, y2, right, y2
    )
