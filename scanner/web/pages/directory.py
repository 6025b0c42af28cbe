"""The directory: the level of each forest and domain, the points behind it, and what the next level needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rules.interface import Finding, Outcome
from rules.levels import BEST, DirectoryLevel, Interval, directory_level
from scanner.web.rights import Right
from scanner.web.route import Asked, Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """What stands between a level and the next: points that fail at it, and points that may."""

    level: int
    failing: tuple[Finding, ...]
    unknown: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A forest or a domain: its level, and its rungs from the lowest."""

    asset: str
    level: DirectoryLevel
    rungs: tuple[Rung, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Every forest and domain that was seen."""

    branches: tuple[Branch, ...]


def _directory(asked: Asked) -> Directory:
    findings = asked.store.sightings.all_findings(asked.perimeter, "directory")
    return Directory(branches=branches(findings, asked.store.sightings.levels(asked.perimeter)))


def branches(findings: tuple[Finding, ...], levels: Mapping[str, Interval]) -> tuple[Branch, ...]:
    """Return the branches that the findings of a directory are about, forests first, with their judged levels."""
    by_asset: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.asset.startswith(("forest:", "ad-domain:")):
            by_asset[finding.asset].append(finding)
    order = sorted(by_asset, key=lambda asset: (not asset.startswith("forest:"), asset))
    found = (_branch(asset, by_asset[asset], levels.get(asset)) for asset in order)
    return tuple(branch for branch in found if branch.level.evaluated)


def _branch(asset: str, findings: list[Finding], judged: Interval | None) -> Branch:
    points = [f for f in findings if f.control]
    rungs = []
    for level in range(1, BEST):
        failing = [f for f in points if f.outcome is Outcome.NOT_MET and min(f.levels, default=BEST) == level]
        unknown = [f for f in points if _may_fail(f) == level]
        if failing or unknown:
            rungs.append(Rung(level=level, failing=tuple(failing), unknown=tuple(unknown)))
    whole = directory_level(asset, findings)
    return Branch(asset=asset, level=replace(whole, level=judged or whole.level), rungs=tuple(rungs))


def _may_fail(finding: Finding) -> int:
    """The lowest level at which a point may fail for all that is known, 0 when it cannot."""
    levels = finding.levels if finding.outcome is Outcome.UNDETERMINED else finding.open_levels
    return min(levels, default=0)


DIRECTORY = Page(
    path="/p/{perimeter}/directory",
    right=Right.READ,
    template="directory.html",
    read=_directory,
    returns=Directory,
    title=("Annuaire", "Directory"),
)
