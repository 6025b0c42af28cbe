"""The Dossier: all that a report tells of one perimeter, joined from the newest part of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from probes.interface import Asset, Attempt
from rules.criteria import CriterionResult, ObjectiveResult
from rules.history import FindingHistory, Trend
from rules.interface import Finding
from rules.levels import DirectoryLevel, Interval
from rules.subject import Attestation, Feed, Perimeter, Scan, Timeline, Waiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The identity of a judgement: rules, feeds and sets applied to observations; never overwritten.

    ``id`` is the SHA-256 (first 32 digits) of scan id, catalogue digest, feeds, parameters, sets and timeline digest.
    """

    id: str
    made_at: datetime
    catalogue_digest: str
    feeds: Mapping[str, tuple[date, str]]
    sets: Mapping[str, str]
    timeline_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAsset:
    """An asset as it stood at the end of the scan."""

    asset: Asset
    in_scope: bool
    vantage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """What every report is made from; two equal dossiers give the same bytes."""

    scan: Scan
    judgement: Judgement
    assets: tuple[SeenAsset, ...]
    attempts: tuple[Attempt, ...]
    findings: tuple[Finding, ...]
    directory: tuple[DirectoryLevel, ...]
    exposure: Interval | None
    criteria: tuple[CriterionResult, ...]
    timeline: Timeline
    objectives: tuple[ObjectiveResult, ...] = ()
    history: tuple[FindingHistory, ...] = ()
    trends: tuple[Trend, ...] = ()
    attestations: tuple[Attestation, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    feeds: tuple[Feed, ...] = ()

    @property
    def perimeter(self) -> Perimeter:
        """The perimeter audited."""
        return self.scan.perimeter
