"""The candidates: assets met outside the mandate, until a person promotes or rejects them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session, col, select

from probes.interface import Asset
from rules.subject import Scan
from scanner.store import plain
from scanner.store.audit import Audit
from scanner.store.database import Database
from scanner.store.errors import UnknownEntryError
from scanner.store.tables import CandidateRow

OPEN, PROMOTED, REJECTED = "open", "promoted", "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An asset out of scope, the scan that first met it, and what a person decided.

    ``asset.found_by`` is why it was met; ``state`` is open, promoted or rejected.
    """

    perimeter: str
    asset: Asset
    scan: str
    met_at: datetime
    state: str = OPEN
    decided_by: str = ""
    decided_at: datetime | None = None
    reason: str = ""


class Candidates:
    """Lists them and keeps who decided what. A promotion grants nothing: only the mandate does."""

    def __init__(self, database: Database, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def of(self, perimeter: str, state: str = "") -> tuple[Candidate, ...]:
        """Return the candidates of a perimeter, all or those in one state, by asset id."""
        wanted = select(CandidateRow.document).where(CandidateRow.perimeter == perimeter)
        if state:
            wanted = wanted.where(CandidateRow.state == state)
        with self._database.read() as session:
            found = [plain.read(text, Candidate) for text in session.exec(wanted)]
        return tuple(sorted(found, key=lambda candidate: candidate.asset.id))

    def decide(self, perimeter: str, asset: str, state: str, reason: str) -> Candidate:
        """Promote, reject or open again the candidate of an asset id, and say why."""
        with self._database.write() as session:
            row = session.get(CandidateRow, (perimeter, plain.digest(asset)), with_for_update=True)
            if row is None:
                raise UnknownEntryError(f"{asset} is no candidate of perimeter {perimeter}")
            decided = replace(
                plain.read(row.document, Candidate),
                state=state,
                decided_by=self._audit.actor,
                decided_at=self._clock(),
                reason=reason,
            )
            row.state, row.document = state, plain.write(decided)
            about = {"perimeter": perimeter, "asset": asset, "reason": reason}
            self._audit.append(session, f"candidate-{state}", **about)
        return decided


def meet(session: Session, scan: Scan, assets: Iterable[Asset], at: datetime) -> int:
    """Record, with the end of a scan, what it met outside; return how many were never met before."""
    known = set(session.exec(select(CandidateRow.asset).where(col(CandidateRow.perimeter) == scan.perimeter.id)))
    new = {plain.digest(asset.id): asset for asset in assets}
    for key in new.keys() - known:
        candidate = Candidate(perimeter=scan.perimeter.id, asset=new[key], scan=scan.id, met_at=at)
        text = plain.write(candidate)
        session.add(CandidateRow(perimeter=scan.perimeter.id, asset=key, state=OPEN, document=text))
    return len(new.keys() - known)
