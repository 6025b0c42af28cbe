"""What scoring weighs of one perimeter at one instant, and the dated audits among it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from probes.interface import Part
from rules.attestations import OWN, kinds
from rules.history import part_of
from rules.interface import Finding
from rules.levels import DirectoryLevel, Interval
from rules.origins import AuditType, Text
from rules.subject import Attestation, PastScan, Perimeter, Scan, Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A judged scan, the scans before it, and the documents attached to its perimeter."""

    scan: Scan
    findings: tuple[Finding, ...]
    directory: tuple[DirectoryLevel, ...]
    exposure: Interval | None
    timeline: Timeline
    attestations: tuple[Attestation, ...]

    @property
    def perimeter(self) -> Perimeter:
        """The perimeter judged."""
        return self.scan.perimeter

    @property
    def at(self) -> date:
        """The day of the newest part of the scan: the only clock that scoring has."""
        return max(part.started_at for part in self.scan.parts).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One dated audit: its type, its level if it has one, and the scan or attestation it comes from."""

    type: str
    day: date
    level: Interval | None
    reference: str
    same_perimeter: bool = True


def audits_of(case: Case, types: Iterable[AuditType], part: Part) -> tuple[Audit, ...]:
    """Return the attested audits of some types and our own scans of a part, by day; at most one of ours a day."""
    wanted = {accepted.type for accepted in types} - {OWN}
    attested = [
        Audit(type=a.type, day=a.dated, level=attested_level(a), reference=a.id)
        for a in case.attestations
        if a.type in wanted
    ]
    return tuple(sorted([*attested, *_own(case, part)], key=lambda audit: (audit.day, audit.type, audit.reference)))


def attested_level(attestation: Attestation) -> Interval | None:
    """Return the level transcribed from a document, or None."""
    level = attestation.values.get("level")
    return Interval(guaranteed=level, best=level) if isinstance(level, int) else None


def own_level(case: Case, part: Part) -> Interval | None:
    """Return the level of the scan judged: of the exposure, or the lowest over its forests."""
    return case.exposure if part is Part.EXPOSURE else _lowest(level.level for level in forests(case.directory))


def forests(levels: tuple[DirectoryLevel, ...]) -> tuple[DirectoryLevel, ...]:
    """Return the levels of the forests, or of the domains where no forest was seen."""
    return tuple(level for level in levels if level.asset.startswith("forest:")) or levels


def audit_name(type: str) -> Text:
    """Return how a type of audit is called."""
    return kinds()[type].label if type in kinds() else Text(fr="scan Hygie", en="Hygie scan")


def _own(case: Case, part: Part) -> list[Audit]:
    """Our own scans that went to their end, at most one a day."""
    found = {
        past.seen_at.date(): _past(case, past, part)
        for past in case.timeline.scans
        if past.kind is part and past.complete
    }
    current, level = part_of(case.scan, part), own_level(case, part)
    seen = any(f.part is part for f in case.findings) or any(p.kind is part for p in case.scan.parts)
    if current is not None and current.ended_at is not None and seen:
        day = current.started_at.date()
        found[day] = Audit(type=OWN, day=day, level=level, reference=current.scan or case.scan.id)
    return list(found.values())


def _past(case: Case, past: PastScan, part: Part) -> Audit:
    subjects = sorted(past.levels)
    if part is Part.DIRECTORY:
        subjects = [s for s in subjects if s.startswith("forest:")] or subjects
    return Audit(
        type=OWN,
        day=past.seen_at.date(),
        level=_lowest(Interval(guaranteed=past.levels[s][0], best=past.levels[s][1]) for s in subjects),
        reference=past.scan,
        same_perimeter=past.perimeter_digest == case.perimeter.digest,
    )


def _lowest(levels: Iterable[Interval]) -> Interval | None:
    known = list(levels)
    if not known:
        return None
    return Interval(guaranteed=min(level.guaranteed for level in known), best=min(level.best for level in known))
