"""Who is judged, through what: perimeters, scans, timelines, attestations, waivers, and the record of a scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from probes.interface import Asset, Attempt, CaptureReader, Fact, Mandate, Observation, Part, Vantage


@dataclass(frozen=True, slots=True, kw_only=True)
class Establishment:
    """A legal entity (EJ) or a site (ET), by its FINESS number (9 characters)."""

    finess: str
    name: str
    category: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Perimeter:
    """What is audited: a GHT, a legal entity or a site, with its members.

    ``unit`` is ``ght``, ``ej`` or ``et``; ``hosts`` are declared names; ``ad_directories`` names of configured
    directories. ``digest`` is the SHA-256 of the canonical declaration (members, scope, hosts, directories).
    """

    id: str
    name: str
    unit: str
    region: str = ""
    ght: str = ""
    members: tuple[Establishment, ...] = ()
    hosts: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanPart:
    """A part of a scan: its kind, the box, the vantage, its dates; ``ended_at`` is None when it was cut.

    ``scan`` is the id of the earlier scan that a part was joined from, "" for the scan's own parts.
    """

    kind: Part
    box: str
    vantage: Vantage
    started_at: datetime
    ended_at: datetime | None
    scan: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One dated look at a perimeter. ``state`` is running, complete, partial or interrupted."""

    id: str
    perimeter: Perimeter
    mandate: Mandate
    parts: tuple[ScanPart, ...]
    level: int
    state: str
    versions: Mapping[str, str]
    config_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """The extract of a dated snapshot that concerns a scan: name, date, digest of the whole, and the lines."""

    name: str
    dated: date
    digest: str
    data: Mapping[str, Any]
    #: Oldest age in days at which rules still conclude from it.
    maximum_age_days: int = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFinding:
    """The state of one finding in an earlier scan."""

    rule: str
    asset: str
    outcome: str
    severity: str
    objects: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PastScan:
    """The dated summary of an earlier scan of the same perimeter."""

    scan: str
    kind: Part
    seen_at: datetime
    perimeter_digest: str
    findings: Mapping[str, PastFinding]
    #: (guaranteed, best) by subject: ``exposure`` or an AD forest or domain asset id.
    levels: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    #: Ids of assets seen not to be there.
    absent: frozenset[str] = frozenset()
    #: Whether the scan went to its end: one that was cut is no audit.
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The earlier scans of a perimeter, oldest first; it looks backwards only."""

    scans: tuple[PastScan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """A document that a person attached, with the values transcribed from it.

    ``dated`` is the day of the audit or event, not of the document; ``document`` its path as the person gave it.
    """

    id: str
    type: str
    issuer: str
    dated: date
    document_sha256: str
    values: Mapping[str, str | int]
    perimeter: str
    entered_by: str = ""
    entered_at: datetime | None = None
    page: str = ""
    document: str = ""
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """An accepted risk: a finding's fingerprint, the reason, the owner, the expiry (at most 12 months).

    It holds in ``perimeter`` alone: others that share the forest decide for themselves. "" is one of a store that did
    not keep the perimeter yet, and holds everywhere. ``about`` is RULE@ASSET, for whoever reads the list.
    """

    id: str
    fingerprint: str
    reason: str
    owner: str
    granted_at: datetime
    expires: date
    perimeter: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that is known of a scan, as the judge reads it."""

    scan: Scan
    assets: tuple[Asset, ...]
    observations: tuple[Observation[Fact], ...]
    attempts: tuple[Attempt, ...]
    feeds: Mapping[str, Feed]
    timeline: Timeline
    read_capture: CaptureReader
