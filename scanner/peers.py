"""What the register adds to perimeters: region, group and category where nothing is declared, and beds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rules.subject import Establishment, Perimeter
from scanner.store.register import Register, Registered


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A perimeter completed by the register; ``beds`` is None unless each of its members has a number."""

    perimeter: Perimeter
    beds: int | None


def completed(perimeters: Iterable[Perimeter], register: Register) -> dict[str, Peer]:
    """Return perimeters by id; what was declared prevails over the register."""
    perimeters = list(perimeters)
    known = register.of({member.finess for perimeter in perimeters for member in perimeter.members})
    return {perimeter.id: _peer(perimeter, known) for perimeter in perimeters}


def _peer(perimeter: Perimeter, known: dict[str, Registered]) -> Peer:
    found = [known[member.finess] for member in perimeter.members if member.finess in known]
    beds = [entry.beds for entry in found if entry.beds is not None]
    return Peer(
        perimeter=replace(
            perimeter,
            region=perimeter.region or _only({entry.region for entry in found}),
            ght=perimeter.ght or _only({entry.group for entry in found}),
            members=tuple(_member(member, known.get(member.finess)) for member in perimeter.members),
        ),
        beds=sum(beds) if beds and len(beds) == len(perimeter.members) else None,
    )


def _member(member: Establishment, known: Registered | None) -> Establishment:
    if known is None:
        return member
    return replace(member, category=member.category or known.category, region=member.region or known.region)


def _only(values: set[str]) -> str:
    """The one value that all share, or "": members of two groups are of none."""
    return values.pop() if len(values) == 1 else ""
