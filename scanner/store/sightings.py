"""What the dashboard shows of one perimeter: its findings, their history, its scans, assets and live progress."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, false, func
from sqlmodel import Session, col, select

from probes.interface import Asset
from reports.dossier import Judgement
from rules.interface import Finding
from rules.levels import Interval
from rules.subject import Scan
from scanner.store import plain
from scanner.store.database import Database
from scanner.store.errors import UnknownEntryError, UnknownScanError
from scanner.store.leases import Leases
from scanner.store.service_tables import StandingRow, StopRow
from scanner.store.tables import AssetRow, FindingRow, JudgementRow, ScanRow, StepRow

#: Findings on one page.
PAGE = 50
#: Steps shown of a scan that runs.
_LATEST = 12
_SEVERITIES = ("critical", "high", "medium", "low", "info")
_RANK = case({name: rank for rank, name in enumerate(_SEVERITIES)}, value=FindingRow.severity, else_=9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which findings are wanted; an empty value filters nothing. ``text`` is sought in rules and assets."""

    outcome: str = "not-met"
    severity: str = ""
    part: str = ""
    family: str = ""
    text: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFindings:
    """One page of findings, how many there are in all, and how many of each severity."""

    findings: tuple[Finding, ...]
    total: int
    by_severity: dict[str, int]
    page: int
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """How a finding stood in one scan."""

    scan: str
    at: datetime
    outcome: str
    severity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """How far a scan is: steps begun and ended, the last ones (probe, asset), and whether it was asked to stop."""

    scan: str
    state: str
    begun: int
    ended: int
    stopping: bool
    latest: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanLine:
    """A scan in a list."""

    id: str
    perimeter: str
    state: str
    started_at: datetime
    ended_at: datetime | None
    kinds: tuple[str, ...]
    level: int


class Sightings:
    """Reads within one perimeter; what belongs to another is unknown, not refused."""

    def __init__(self, database: Database, leases: Leases) -> None:
        self._database = database
        self._leases = leases

    def findings(self, perimeter: str, wanted: Filter) -> FoundFindings:
        """Return one page of the findings of the newest scans, the gravest first."""
        with self._database.read() as session:
            where = [_newest(session, perimeter), *_conditions(wanted)]
            counts = select(FindingRow.severity, func.count()).where(*where).group_by(FindingRow.severity)
            by_severity = {severity: int(number) for severity, number in session.execute(counts)}
            chosen = [*where, FindingRow.severity == wanted.severity] if wanted.severity else where
            total = by_severity.get(wanted.severity, 0) if wanted.severity else sum(by_severity.values())
            pages = max(1, -(-total // PAGE))
            page = min(max(1, wanted.page), pages)
            rows = (
                select(FindingRow.document)
                .where(*chosen)
                .order_by(_RANK, col(FindingRow.rule), col(FindingRow.asset), col(FindingRow.position))
                .limit(PAGE)
                .offset((page - 1) * PAGE)
            )
            found = tuple(plain.read(text, Finding) for text in session.exec(rows))
        return FoundFindings(findings=found, total=total, by_severity=by_severity, page=page, pages=pages)

    def all_findings(self, perimeter: str, part: str) -> tuple[Finding, ...]:
        """Return every finding of the newest scan of one part."""
        with self._database.read() as session:
            where = (_newest(session, perimeter), _of_part(part))
            rows = session.exec(select(FindingRow.document).where(*where).order_by(col(FindingRow.position))).all()
        return tuple(plain.read(text, Finding) for text in rows)

    def levels(self, perimeter: str) -> Mapping[str, Interval]:
        """Return the levels of the newest judged scan, by subject."""
        with self._database.read() as session:
            wanted = select(StandingRow.judgement).where(StandingRow.perimeter == perimeter, col(StandingRow.newest))
            newest = session.exec(wanted.order_by(col(StandingRow.started_at).desc()).limit(1)).first()
            row = session.get(JudgementRow, newest) if newest else None
            return {} if row is None else plain.read(row.document, tuple[Judgement, dict[str, Interval]])[1]

    def finding(self, perimeter: str, fingerprint: str) -> tuple[Finding, str]:
        """Return a finding of the newest scans and the scan it belongs to; raise ``UnknownEntryError``."""
        row, standing = FindingRow, StandingRow
        wanted = (
            select(row.document, standing.scan)
            .join(standing, col(standing.judgement) == col(row.judgement))
            .where(row.fingerprint == fingerprint, standing.perimeter == perimeter)
            .order_by(col(standing.started_at).desc())
            .limit(1)
        )
        with self._database.read() as session:
            found = session.execute(wanted).first()
        if found is None:
            raise UnknownEntryError("there is no such finding in this perimeter")
        return plain.read(found[0], Finding), found[1]

    def history(self, perimeter: str, fingerprint: str) -> tuple[Moment, ...]:
        """Return how a finding stood in each scan of a perimeter, oldest first."""
        row, standing = FindingRow, StandingRow
        wanted = (
            select(standing.scan, standing.started_at, row.outcome, row.severity)
            .join(standing, col(standing.judgement) == col(row.judgement))
            .where(row.fingerprint == fingerprint, standing.perimeter == perimeter)
            .distinct()
            .order_by(col(standing.started_at))
        )
        with self._database.read() as session:
            return tuple(
                Moment(scan=scan, at=at, outcome=outcome, severity=severity)
                for scan, at, outcome, severity in session.execute(wanted)
            )

    def scans(self, perimeter: str, limit: int = 60) -> tuple[ScanLine, ...]:
        """Return the last scans of a perimeter, newest first."""
        wanted = select(ScanRow).where(ScanRow.perimeter == perimeter).order_by(col(ScanRow.started_at).desc())
        with self._database.read() as session:
            living = self._leases.living(session)
            return tuple(_line(row, living) for row in session.exec(wanted.limit(limit)))

    def scan(self, perimeter: str, scan: str) -> tuple[Scan, ScanLine]:
        """Return a scan of a perimeter; raise ``UnknownScanError``."""
        with self._database.read() as session:
            row = session.get(ScanRow, scan)
            if row is None or row.perimeter != perimeter:
                raise UnknownScanError("there is no such scan in this perimeter")
            return plain.read(row.document, Scan), _line(row, self._leases.living(session))

    def running(self) -> dict[str, str]:
        """Return the scan that runs on each perimeter; one whose process has died runs no more."""
        with self._database.read() as session:
            return {perimeter: scan for scan, perimeter in self._leases.living(session).items()}

    def live(self, perimeter: str, scan: str) -> Live:
        """Return how far a scan of a perimeter is."""
        ended = func.count(col(StepRow.position))
        last = select(StepRow.document).where(StepRow.scan == scan, col(StepRow.position).is_not(None))
        with self._database.read() as session:
            row = session.get(ScanRow, scan)
            if row is None or row.perimeter != perimeter:
                raise UnknownScanError("there is no such scan in this perimeter")
            counts = session.execute(select(func.count(), ended).where(StepRow.scan == scan)).one()
            texts = session.exec(last.order_by(col(StepRow.position).desc()).limit(_LATEST)).all()
            state = _state(row, self._leases.living(session))
            stopping = session.get(StopRow, scan) is not None and state == "running"
            return Live(
                scan=scan,
                state=state,
                begun=int(counts[0]),
                ended=int(counts[1]),
                stopping=stopping,
                latest=tuple(_step(text) for text in texts),
            )

    def assets(self, scan: str) -> tuple[Asset, ...]:
        """Return the assets in scope at the end of a scan, by id."""
        wanted = select(AssetRow.document).where(AssetRow.scan == scan, col(AssetRow.in_scope))
        with self._database.read() as session:
            found = [plain.read(text, Asset) for text in session.exec(wanted)]
        return tuple(sorted(found, key=lambda asset: asset.id))


def _newest(session: Session, perimeter: str) -> ColumnElement[bool]:
    """The findings of the newest judged scan of a perimeter, which joins the newest part of each kind."""
    newest = select(StandingRow.judgement).where(col(StandingRow.perimeter) == perimeter, col(StandingRow.newest))
    found = session.exec(newest.order_by(col(StandingRow.started_at).desc()).limit(1)).first()
    return false() if found is None else col(FindingRow.judgement) == found


def _of_part(part: str) -> ColumnElement[bool]:
    return col(FindingRow.document).contains(f'"part":"{part}"', autoescape=True)


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.outcome:
        found.append(col(FindingRow.outcome) == wanted.outcome)
    if wanted.part:
        found.append(_of_part(wanted.part))
    if wanted.family:
        found.append(col(FindingRow.rule).startswith(wanted.family, autoescape=True))
    if wanted.text:
        text = plain.column(wanted.text[:200])
        found.append(
            col(FindingRow.rule).icontains(text, autoescape=True)
            | col(FindingRow.asset).icontains(text, autoescape=True)
        )
    return found


def _state(row: ScanRow, living: Container[str]) -> str:
    """The state of a scan; one that was cut without a word (its process died) is interrupted."""
    return "interrupted" if row.state == "running" and row.id not in living else row.state


def _line(row: ScanRow, living: Container[str]) -> ScanLine:
    scan = plain.read(row.document, Scan)
    return ScanLine(
        id=row.id,
        perimeter=row.perimeter,
        state=_state(row, living),
        started_at=row.started_at,
        ended_at=row.ended_at,
        kinds=tuple(part.kind.value for part in scan.parts),
        level=scan.level,
    )


def _step(document: str) -> tuple[str, str]:
    """The probe and the asset id of a step, from its stored text."""
    step = json.loads(document)[0]
    return step["probe"], f"{step['asset']['kind']}:{step['asset']['name']}"
