"""A hospital group (GHT): its forests, domains and trusts as one picture and one evidence item."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from probes.interface import AssetKind
from reports.json import canonical
from rules.subject import Perimeter
from rules.views.domain import DomainView, domains
from scanner.peers import completed
from scanner.web.convergence import Domain, Picture, TrustLine, picture_of
from scanner.web.rights import Right
from scanner.web.route import Asked, Download, Page, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A perimeter of the group, the scan its directories were seen in ("" when none), and when."""

    perimeter: str
    name: str
    scan: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """How many directories a group still has: what stands in the way of one technical directory."""

    ght: str
    sources: tuple[Source, ...]
    picture: Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Ght:
    """A group in the list: its perimeters that are seen."""

    name: str
    perimeters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The groups of the perimeters that are seen, by name."""

    groups: tuple[Ght, ...]


def _groups(asked: Asked) -> Groups:
    groups: dict[str, list[Perimeter]] = defaultdict(list)
    for perimeter in _declared(asked):
        if name := _name(perimeter):
            groups[name].append(perimeter)
    return Groups(
        groups=tuple(Ght(name=n, perimeters=tuple((p.id, p.name) for p in groups[n])) for n in sorted(groups))
    )


def _declared(asked: Asked) -> list[Perimeter]:
    """The perimeters seen, with the groups that the register tells where none is declared."""
    return [peer.perimeter for peer in completed(asked.declared(), asked.store.register).values()]


def _name(perimeter: Perimeter) -> str:
    return perimeter.ght or (perimeter.name if perimeter.unit == "ght" else "")


def _members(asked: Asked, ght: str) -> list[Perimeter]:
    return [p for p in _declared(asked) if _name(p) == ght]


def _convergence(asked: Asked) -> Convergence:
    members = _members(asked, asked.path["ght"])
    if not members:
        raise Unknown
    sources, found, trusts = [], [], []
    for perimeter in members:
        standing = asked.store.boards.standings(perimeter.id).get("directory")
        scan = standing.scan if standing else ""
        at = standing.at if standing else None
        sources.append(Source(perimeter=perimeter.id, name=perimeter.name, scan=scan, at=at))
        if scan:
            seen, between = _seen(asked, perimeter, scan)
            found += seen
            trusts += between
    return Convergence(ght=asked.path["ght"], sources=tuple(sources), picture=picture_of(found, trusts))


def _seen(asked: Asked, perimeter: Perimeter, scan: str) -> tuple[list[Domain], list[TrustLine]]:
    """The domains that a scan met, and their trusts where the domain was read."""
    record = asked.store.record(scan)
    met = [
        Domain(name=a.name, forest=a.found_by.removeprefix("forest:") or a.name, perimeter=perimeter.name, read=False)
        for a in record.assets
        if a.kind is AssetKind.AD_DOMAIN
    ]
    read: set[str] = set()
    trusts: list[TrustLine] = []
    for seen in domains.build(record):
        if not isinstance(seen, DomainView):
            continue
        read.add(seen.asset.name)
        trusts += [TrustLine(source=seen.asset.name, target=t.name.lower(), direction=t.direction) for t in seen.trusts]
    return [Domain(name=d.name, forest=d.forest, perimeter=d.perimeter, read=d.name in read) for d in met], trusts


def _evidence(asked: Asked) -> tuple[str, str, bytes]:
    """The evidence item: canonical JSON, so that its SHA-256 names it; that it was taken is noted."""
    found = _convergence(asked)
    about: dict[str, Any] = {"schema": "hygie/convergence/1", "convergence": found}
    body = canonical(about)
    asked.store.audit.note("export", kind="convergence", ght=found.ght)
    return "convergence.json", "application/json", body


GROUPS = Page(
    path="/ght",
    right=Right.READ,
    template="groups.html",
    read=_groups,
    returns=Groups,
    title=("Groupements", "Hospital groups"),
)
CONVERGENCE = Page(
    path="/ght/{ght}",
    right=Right.READ,
    template="convergence.html",
    read=_convergence,
    returns=Convergence,
    title=("Convergence des annuaires", "Convergence of directories"),
)
EVIDENCE = Download(
    path="/ght/{ght}/convergence.json",
    right=Right.EXPORT,
    make=_evidence,
    title=("Pièce : convergence des annuaires", "Evidence: convergence of directories"),
)
