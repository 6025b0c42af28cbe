"""The read models of the dashboard: written with each judgement, so that no page reads old findings one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, delete, select

from probes.interface import Part
from rules.interface import Finding, Outcome, Severity
from rules.levels import Interval
from rules.subject import PastFinding, PastScan, Scan
from scanner.store import plain
from scanner.store.service_tables import OpenRuleRow, ShiftRow, StandingRow
from scanner.store.tables import SummaryRow

#: The subject of the exposure level; every other subject is a forest or domain.
_EXPOSURE = "exposure"
_GOOD = {Outcome.MET.value, Outcome.NOT_APPLICABLE.value}
_BAD = Outcome.NOT_MET.value


def stand(
    session: Session,
    scan: Scan,
    judgement: str,
    started_at: datetime,
    findings: Iterable[Finding],
    levels: Mapping[str, Interval],
) -> None:
    """Record, with a judgement, what each part of its scan amounts to and what moved since the scan before."""
    found_of = _by_kind(scan, findings)
    for kind, found in found_of.items():
        standing = _standing(scan, kind, judgement, started_at, found, levels)
        standing.newest = _is_newest(session, standing)
        session.exec(delete(StandingRow).where(col(StandingRow.scan) == scan.id, col(StandingRow.kind) == kind.value))
        session.add(standing)
        if standing.newest:
            _replace_open_rules(session, scan.perimeter.id, kind, found)
        _shift(session, standing, found)


def _by_kind(scan: Scan, findings: Iterable[Finding]) -> dict[Part, list[Finding]]:
    """The findings of each kind that a scan itself looked at; an import looked at what its findings conclude on."""
    findings = tuple(findings)
    own = {part.kind for part in scan.parts if not part.scan}
    if Part.IMPORT in own:
        joined = {part.kind for part in scan.parts if part.scan}
        own |= {f.part for f in findings if f.outcome is not Outcome.NOT_APPLICABLE} - joined
    return {kind: [f for f in findings if f.part is kind] for kind in own - {Part.IMPORT}}


def _standing(
    scan: Scan,
    kind: Part,
    judgement: str,
    started_at: datetime,
    findings: list[Finding],
    levels: Mapping[str, Interval],
) -> StandingRow:
    ours = [v for s, v in levels.items() if (Part.EXPOSURE if s == _EXPOSURE else Part.DIRECTORY) is kind]
    open_findings = Counter(f.severity for f in findings if f.outcome is Outcome.NOT_MET)
    return StandingRow(
        scan=scan.id,
        kind=kind.value,
        perimeter=scan.perimeter.id,
        judgement=judgement,
        started_at=started_at,
        newest=False,
        guaranteed=min((level.guaranteed for level in ours), default=0),
        best=min((level.best for level in ours), default=0),
        undetermined=sum(f.outcome is Outcome.UNDETERMINED for f in findings),
        met=sum(f.outcome is Outcome.MET for f in findings),
        **{severity.value: open_findings[severity] for severity in Severity},
    )


def _is_newest(session: Session, standing: StandingRow) -> bool:
    """Tell whether no later scan holds this part, and step the earlier ones down."""
    same = (col(StandingRow.perimeter) == standing.perimeter, col(StandingRow.kind) == standing.kind)
    later = select(StandingRow.scan).where(
        *same, StandingRow.started_at > standing.started_at, StandingRow.scan != standing.scan
    )
    if session.exec(later.limit(1)).first() is not None:
        return False
    session.exec(update(StandingRow).where(*same, col(StandingRow.newest)).values(newest=False))
    return True


def _replace_open_rules(session: Session, perimeter: str, kind: Part, findings: list[Finding]) -> None:
    session.exec(
        delete(OpenRuleRow).where(col(OpenRuleRow.perimeter) == perimeter, col(OpenRuleRow.kind) == kind.value)
    )
    bad = [f for f in findings if f.outcome is Outcome.NOT_MET]
    worst: dict[str, Severity] = {}
    for finding in bad:
        worst[finding.rule] = min(finding.severity, worst.get(finding.rule, Severity.INFO), key=lambda s: s.rank)
    for rule, number in Counter(f.rule for f in bad).items():
        row = OpenRuleRow(perimeter=perimeter, kind=kind.value, rule=rule, severity=worst[rule].value, number=number)
        session.add(row)


def _shift(session: Session, standing: StandingRow, findings: list[Finding]) -> None:
    session.exec(delete(ShiftRow).where(col(ShiftRow.scan) == standing.scan, col(ShiftRow.kind) == standing.kind))
    before = _before(session, standing)
    if before is None:
        return
    for finding, change in moved(before.findings, findings, _closed_once(session, standing)):
        session.add(
            ShiftRow(
                scan=standing.scan,
                kind=standing.kind,
                fingerprint=finding.fingerprint,
                perimeter=standing.perimeter,
                at=standing.started_at,
                change=change,
                rule=finding.rule,
                asset=plain.column(finding.asset),
                severity=finding.severity.value,
            )
        )


def _before(session: Session, standing: StandingRow) -> PastScan | None:
    """The scan before, of the same perimeter and part, as it was last judged."""
    wanted = (
        select(SummaryRow.document)
        .where(
            SummaryRow.perimeter == standing.perimeter,
            SummaryRow.kind == standing.kind,
            SummaryRow.scan != standing.scan,
            SummaryRow.started_at < standing.started_at,
        )
        .order_by(col(SummaryRow.started_at).desc(), col(SummaryRow.made_at).desc())
        .limit(1)
    )
    text = session.exec(wanted).first()
    return None if text is None else plain.read(text, PastScan)


def _closed_once(session: Session, standing: StandingRow) -> set[str]:
    """Fingerprints that were closed in an earlier scan of the perimeter."""
    wanted = select(ShiftRow.fingerprint).where(
        ShiftRow.perimeter == standing.perimeter, ShiftRow.change == "closed", ShiftRow.at < standing.started_at
    )
    return set(session.exec(wanted.distinct()))


def moved(
    before: Mapping[str, PastFinding], now: Iterable[Finding], closed_once: set[str]
) -> Iterable[tuple[Finding, str]]:
    """Yield what is not as it was: (finding, new | worse | reopened | better | closed).

    What could not be told this time moves nothing: ignorance closes no finding.
    """
    for finding in now:
        past = before.get(finding.fingerprint)
        was_bad = past is not None and past.outcome == _BAD
        if finding.outcome is Outcome.NOT_MET:
            if past is None or not was_bad:
                unknown = past is not None and past.outcome == Outcome.UNDETERMINED.value
                if not unknown:
                    yield finding, "reopened" if finding.fingerprint in closed_once else "new"
                continue
            rank = Severity(past.severity).rank
            if finding.severity.rank != rank:
                yield finding, "worse" if finding.severity.rank < rank else "better"
        elif was_bad and finding.outcome.value in _GOOD:
            yield finding, "closed"
