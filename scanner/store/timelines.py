"""Timelines: what each judgement leaves to the scans that come after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from rules.history import summary
from rules.interface import Finding
from rules.levels import Interval
from rules.subject import PastScan, Scan, Timeline
from scanner.store import plain
from scanner.store.database import Database
from scanner.store.errors import UnknownScanError
from scanner.store.tables import ScanRow, SummaryRow


class Timelines:
    """Looks backwards only: a scan never sees those that began after it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def before(self, scan: Scan) -> Timeline:
        """Return the summaries of the earlier scans of a perimeter, each as it was last judged."""
        with self._database.read() as session:
            row = session.get(ScanRow, scan.id)
            if row is None:
                raise UnknownScanError(f"there is no scan {scan.id}")
            wanted = select(SummaryRow).where(
                SummaryRow.perimeter == scan.perimeter.id,
                SummaryRow.scan != scan.id,
                SummaryRow.started_at < row.started_at,
            )
            rows = session.exec(wanted.order_by(col(SummaryRow.made_at), col(SummaryRow.judgement)))
            newest = {(r.started_at, r.scan, r.kind): r.document for r in rows}
        return Timeline(scans=tuple(plain.read(text, PastScan) for _, text in sorted(newest.items())))


def summarise(
    session: Session,
    scan: Scan,
    judgement: tuple[str, datetime],
    findings: Iterable[Finding],
    levels: Mapping[str, Interval],
    absent: frozenset[str] = frozenset(),
) -> None:
    """Record, with a judgement (id, instant), what it leaves to later timelines: one summary a kind of part."""
    row = session.get(ScanRow, scan.id)
    if row is None:
        raise UnknownScanError(f"there is no scan {scan.id}")
    findings = tuple(findings)
    # What was joined from an earlier scan is that scan's to tell.
    elsewhere = {part.kind for part in scan.parts if part.scan}
    for kind in sorted(({part.kind for part in scan.parts} | {finding.part for finding in findings}) - elsewhere):
        left = SummaryRow(
            judgement=judgement[0],
            kind=kind.value,
            perimeter=scan.perimeter.id,
            scan=scan.id,
            started_at=row.started_at,
            made_at=judgement[1],
            document=plain.write(summary(scan, kind, findings, levels, absent)),
        )
        session.add(left)
