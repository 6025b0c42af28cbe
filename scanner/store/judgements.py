"""The judgements and their findings: kept once, never overwritten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import insert
from sqlmodel import Session, col, select

from reports.dossier import Judgement
from rules.interface import Finding
from rules.levels import Interval
from rules.subject import Scan
from scanner.store import plain
from scanner.store.database import Database
from scanner.store.errors import AlreadyKeptError, UnknownEntryError
from scanner.store.standings import stand
from scanner.store.tables import FindingRow, JudgementRow, ScanRow
from scanner.store.timelines import summarise


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptJudgement:
    """A judgement as it was kept; ``levels`` by subject: ``exposure``, or the asset of a forest or domain."""

    judgement: Judgement
    scan: str
    findings: tuple[Finding, ...]
    levels: Mapping[str, Interval]


class Judgements:
    """Same id, same findings; waivers are laid over them when they are told, never stored in them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(
        self,
        scan: Scan,
        judgement: Judgement,
        findings: Iterable[Finding],
        levels: Mapping[str, Interval],
        absent: frozenset[str] = frozenset(),
    ) -> KeptJudgement:
        """Keep a judgement and return it as kept: made again, it is the first one, with the first one's instant.

        ``absent`` are assets seen not to be there, for later timelines.

        Raise ``AlreadyKeptError`` when the same id comes with other findings.
        """
        bare = tuple(replace(finding, waiver="") for finding in findings)
        texts = [plain.write(finding) for finding in bare]
        digest = plain.digest(plain.canonical([scan.id, texts, {s: str(level) for s, level in levels.items()}]))
        with self._database.write() as session:
            self._database.lock(session, f"judgement {judgement.id}")
            known = session.get(JudgementRow, judgement.id)
            if known is None:
                self._add(session, scan, judgement, (digest, texts), bare, levels, absent)
            elif known.digest != digest:
                raise AlreadyKeptError(f"judgement {judgement.id} is already kept with other findings")
        return self.find(judgement.id)

    def find(self, judgement_id: str) -> KeptJudgement:
        """Return a judgement by its id."""
        with self._database.read() as session:
            row = session.get(JudgementRow, judgement_id)
            if row is None:
                raise UnknownEntryError(f"there is no judgement {judgement_id}")
            wanted = select(FindingRow.document).where(FindingRow.judgement == judgement_id)
            texts = session.exec(wanted.order_by(col(FindingRow.position))).all()
        judgement, levels = plain.read(row.document, tuple[Judgement, dict[str, Interval]])
        findings = tuple(plain.read(text, Finding) for text in texts)
        return KeptJudgement(judgement=judgement, scan=row.scan, findings=findings, levels=levels)

    def newest(self, scan_id: str) -> KeptJudgement | None:
        """Return the last judgement made of a scan, or None."""
        wanted = select(JudgementRow.id).where(JudgementRow.scan == scan_id)
        with self._database.read() as session:
            found = session.exec(
                wanted.order_by(col(JudgementRow.made_at).desc(), col(JudgementRow.id).desc()).limit(1)
            ).first()
        return None if found is None else self.find(found)

    def _add(
        self,
        session: Session,
        scan: Scan,
        judgement: Judgement,
        kept: tuple[str, list[str]],
        findings: tuple[Finding, ...],
        levels: Mapping[str, Interval],
        absent: frozenset[str],
    ) -> None:
        row = session.get(ScanRow, scan.id)
        if row is None:
            raise UnknownEntryError(f"there is no scan {scan.id}")
        digest, texts = kept
        measured = {subject: plain.data_of(level) for subject, level in levels.items()}
        text = plain.canonical([plain.data_of(judgement), measured])
        made_at = judgement.made_at
        session.add(JudgementRow(id=judgement.id, scan=scan.id, made_at=made_at, digest=digest, document=text))
        session.flush()
        rows = [
            {
                "judgement": judgement.id,
                "position": position,
                "rule": finding.rule,
                "asset": plain.column(finding.asset),
                "outcome": finding.outcome.value,
                "severity": finding.severity.value,
                "fingerprint": finding.fingerprint,
                "document": text,
            }
            for position, (finding, text) in enumerate(zip(findings, texts, strict=True))
        ]
        if rows:
            session.execute(insert(FindingRow), rows)
        summarise(session, scan, (judgement.id, made_at), findings, levels, absent)
        stand(session, scan, judgement.id, row.started_at, findings, levels)
