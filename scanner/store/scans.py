"""The scans: begun, resumed, ended and found again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, col, delete, select

from probes.facts.codec import known_facts
from probes.interface import Asset, Part
from rules.subject import Scan
from scanner.store import plain
from scanner.store.audit import Audit
from scanner.store.candidates import meet
from scanner.store.database import Database
from scanner.store.errors import AlreadyKeptError, ScanEndedError, UnknownScanError
from scanner.store.leases import Lease, Leases
from scanner.store.tables import AssetRow, LeaseRow, ObservationRow, ScanRow

#: The states of a scan that has not ended, or that was cut and may be resumed.
RUNNING, INTERRUPTED = "running", "interrupted"


class Scans:
    """One dated look each; a perimeter has at most one that runs."""

    def __init__(self, database: Database, leases: Leases, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._leases = leases
        self._audit = audit
        self._clock = clock

    def begin(self, scan: Scan) -> Lease:
        """Record a scan that begins and the mandate it uses; a crashed scan of the perimeter ends as interrupted."""
        self._database.require_space()
        with self._database.write() as session:
            lease, dead = self._leases.take(session, scan.perimeter.id, scan.id)
            if dead is not None:
                self._close_crashed(session, dead)
            if session.get(ScanRow, scan.id) is not None:
                raise AlreadyKeptError(f"there is already a scan {scan.id}")
            session.add(
                ScanRow(
                    id=scan.id,
                    perimeter=scan.perimeter.id,
                    state=RUNNING,
                    started_at=self._clock(),
                    document=plain.write(replace(scan, state=RUNNING)),
                )
            )
            self._note_mandate(session, "scan-begun", scan)
        return lease

    def resume(self, scan_id: str) -> tuple[Scan, Lease]:
        """Take over a scan that crashed or was interrupted; raise when it lives elsewhere or has ended."""
        self._database.require_space()
        with self._database.write() as session:
            row = _row(session, scan_id)
            if row.state not in {RUNNING, INTERRUPTED}:
                raise ScanEndedError(f"scan {scan_id} has ended ({row.state}); there is nothing to resume")
            lease, dead = self._leases.take(session, row.perimeter, scan_id)
            if dead is not None and dead.scan != scan_id:
                self._close_crashed(session, dead)
            scan = replace(plain.read(row.document, Scan), state=RUNNING)
            row.state, row.ended_at, row.document = RUNNING, None, plain.write(scan)
            session.flush()
            self._note_mandate(session, "scan-resumed", scan)
        return scan, lease

    def renew(self, lease: Lease) -> None:
        """Tell that whoever holds a lease is there still; raise ``LeaseLostError`` when somebody took over."""
        with self._database.write() as session:
            self._leases.renew(session, lease)

    def end(self, lease: Lease, scan: Scan, assets: Iterable[Asset] = (), outside: Iterable[Asset] = ()) -> None:
        """Record how a scan ended, the assets in scope and those outside, which become candidates."""
        with self._database.write() as session:
            self._leases.release(session, lease)
            row = _row(session, scan.id)
            row.state, row.ended_at, row.document = scan.state, self._clock(), plain.write(scan)
            session.exec(delete(AssetRow).where(col(AssetRow.scan) == scan.id))
            outside = tuple(outside)
            met = [(asset, True) for asset in assets] + [(asset, False) for asset in outside]
            for position, (asset, in_scope) in enumerate(met):
                text = plain.write(asset)
                session.add(AssetRow(scan=scan.id, position=position, in_scope=in_scope, document=text))
            new = meet(session, scan, outside, self._clock())
            self._audit.append(session, "scan-ended", scan=scan.id, state=scan.state, candidates=new)

    def find(self, reference: str) -> Scan:
        """Return the scan of an id, ``latest`` or ``latest:PERIMETER`` (the last that ended, complete or not)."""
        word, _, perimeter = reference.partition(":")
        with self._database.read() as session:
            if word != "latest":
                return plain.read(_row(session, reference).document, Scan)
            wanted = select(ScanRow).where(col(ScanRow.ended_at).is_not(None))
            if perimeter:
                wanted = wanted.where(ScanRow.perimeter == perimeter)
            row = session.exec(wanted.order_by(col(ScanRow.ended_at).desc(), col(ScanRow.id).desc()).limit(1)).first()
        if row is None:
            raise UnknownScanError(f"no scan has ended{f' for perimeter {perimeter}' if perimeter else ''} yet")
        return plain.read(row.document, Scan)

    def state(self, scan_id: str) -> str:
        """Return the state of a scan, "" when there is none of this id."""
        with self._database.read() as session:
            row = session.get(ScanRow, scan_id)
            return "" if row is None else row.state

    def unfinished(self, reference: str) -> Scan:
        """Return the scan to resume: an id, or the newest unfinished one for ``latest`` and ``latest:PERIMETER``."""
        word, _, perimeter = reference.partition(":")
        if word != "latest":
            return self.find(reference)
        wanted = select(ScanRow).where(col(ScanRow.state).in_((RUNNING, INTERRUPTED)))
        if perimeter:
            wanted = wanted.where(ScanRow.perimeter == perimeter)
        with self._database.read() as session:
            row = session.exec(wanted.order_by(col(ScanRow.started_at).desc(), col(ScanRow.id).desc()).limit(1)).first()
        if row is None:
            raise UnknownScanError(f"no scan{f' of {perimeter}' if perimeter else ''} was cut: nothing to resume")
        return plain.read(row.document, Scan)

    def all(self, perimeter: str = "") -> tuple[Scan, ...]:
        """Return every scan, or those of a perimeter, oldest first."""
        wanted = select(ScanRow).order_by(col(ScanRow.started_at), col(ScanRow.id))
        if perimeter:
            wanted = wanted.where(ScanRow.perimeter == perimeter)
        with self._database.read() as session:
            return tuple(plain.read(row.document, Scan) for row in session.exec(wanted))

    def joined(self, scan: Scan) -> Mapping[Part, Scan]:
        """Return the newest earlier scan of the perimeter for exposure, and for directory, when a scan lacks one.

        What an import holds counts as what its facts are about. A part that was cut is taken only when no whole one
        is there.
        """
        known = self.all(scan.perimeter.id)
        earlier = known[: next((i for i, s in enumerate(known) if s.id == scan.id), len(known))]
        found: dict[Part, tuple[bool, Scan]] = {}
        with self._database.read() as session:
            own = _covers(session, scan)
            for other in (s for s in earlier if s.state != RUNNING):
                for kind in _covers(session, other) - own:
                    whole = all(p.ended_at is not None for p in other.parts)
                    if whole or not found.get(kind, (False, other))[0]:
                        found[kind] = (whole, other)
        return {kind: other for kind, (_, other) in found.items()}

    def _close_crashed(self, session: Session, dead: LeaseRow) -> None:
        row = session.get(ScanRow, dead.scan)
        if row is None or row.state != RUNNING:
            return
        scan = replace(plain.read(row.document, Scan), state=INTERRUPTED)
        row.state, row.ended_at, row.document = INTERRUPTED, dead.renewed_at, plain.write(scan)
        self._audit.append(session, "scan-ended", scan=scan.id, state=INTERRUPTED, candidates=0)

    def _note_mandate(self, session: Session, event: str, scan: Scan) -> None:
        self._audit.append(
            session,
            event,
            scan=scan.id,
            perimeter=scan.perimeter.id,
            mandate=scan.mandate.reference,
            mandate_document=scan.mandate.document_sha256,
            level=scan.level,
        )


def _covers(session: Session, scan: Scan) -> frozenset[Part]:
    """The parts that a scan stands for: its own, and a directory that it imported.

    Ports that another tool saw stand for no whole look at the exposure: they are told beside the newest one.
    """
    kinds = {part.kind for part in scan.parts}
    if Part.IMPORT in kinds:
        stored = session.exec(select(ObservationRow.kind).where(ObservationRow.scan == scan.id).distinct())
        kinds |= {known_facts()[kind].part for kind in stored if kind in known_facts()} & {Part.DIRECTORY}
    return frozenset(kinds - {Part.IMPORT})


def _row(session: Session, scan_id: str) -> ScanRow:
    row = session.get(ScanRow, scan_id)
    if row is None:
        raise UnknownScanError(f"there is no scan {scan_id}")
    return row
