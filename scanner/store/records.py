"""The record of a scan, as the judge reads it: what was seen, the extracts of feeds, and the earlier scans."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlmodel import Session, col, select

from probes.interface import DIRECTORY_KINDS, Asset, AssetKind, FoundIn, Part
from rules.subject import Feed, Record, Scan, Timeline
from scanner.store import plain
from scanner.store.captures import Captures
from scanner.store.database import Database
from scanner.store.journal import committed
from scanner.store.scans import Scans
from scanner.store.tables import AssetRow, FeedRow, ObservationRow
from scanner.store.timelines import Timelines


class Records:
    """Reads whole scans, and keeps the extracts of feeds beside them."""

    def __init__(self, database: Database, captures: Captures, scans: Scans, timelines: Timelines) -> None:
        self._database = database
        self._captures = captures
        self._scans = scans
        self._timelines = timelines

    def of(self, scan_id: str, *, alone: bool = False) -> Record:
        """Return all that is known of a scan, joined with the newest earlier part of each kind that it has not.

        ``alone`` joins nothing.

        ``feeds`` are the newest extract of each name that was kept with the scan itself.
        """
        scan = self._scans.find(scan_id)
        joined = {} if alone else self._scans.joined(scan)
        record = self._own(scan)
        for kind, other in sorted(joined.items()):
            record = _join(record, self._own(other), kind)
        past = self._timelines.before(scan)
        taken = {(other.id, kind) for kind, other in joined.items()}
        timeline = Timeline(scans=tuple(s for s in past.scans if (s.scan, s.kind) not in taken))
        return replace(record, timeline=timeline)

    def _own(self, scan: Scan) -> Record:
        with self._database.read() as session:
            results = committed(session, scan.id)
            assets = assets_of(session, scan.id, in_scope=True)
            feeds = feeds_of(session, scan.id)
        return Record(
            scan=scan,
            assets=assets or tuple({r.step.asset.id: r.step.asset for r in results}.values()),
            observations=tuple(seen for result in results for seen in result.observations),
            attempts=tuple(attempt for result in results for attempt in result.attempts),
            feeds=feeds,
            timeline=Timeline(),
            read_capture=self._captures.read,
        )

    def observed(self, scan_ids: Iterable[str]) -> tuple[dict[str, Any], ...]:
        """Return the observations of scans as they were written, by id: what their ids are digests of."""
        wanted = select(ObservationRow.document).where(col(ObservationRow.scan).in_(list(scan_ids)))
        with self._database.read() as session:
            found = [json.loads(text) for text in session.exec(wanted)]
        return tuple(sorted(found, key=lambda data: str(data["id"])))

    def met(self, scan_id: str) -> tuple[Asset, ...]:
        """Return the assets that a scan itself met in scope."""
        with self._database.read() as session:
            return assets_of(session, scan_id, in_scope=True)

    def outside(self, scan_id: str) -> tuple[Asset, ...]:
        """Return the assets that a scan met out of scope."""
        with self._database.read() as session:
            return assets_of(session, scan_id, in_scope=False)

    def imported(self, perimeter: str) -> tuple[Asset, ...]:
        """Return the hosts and addresses that the imports of a perimeter met, in scope then or not, by id."""
        scans = [s.id for s in self._scans.all(perimeter) if any(p.kind is Part.IMPORT for p in s.parts)]
        with self._database.read() as session:
            met = [a for scan in scans for kept in (True, False) for a in assets_of(session, scan, in_scope=kept)]
        kinds, places = {AssetKind.HOST, AssetKind.ADDRESS}, {FoundIn.CT, FoundIn.LIST, FoundIn.NMAP}
        wanted = {a.id: a for a in met if a.kind in kinds and a.found_in in places}
        return tuple(wanted[id] for id in sorted(wanted))

    def keep_feed(self, scan_id: str, feed: Feed) -> None:
        """Keep the extract of a feed that concerns a scan; the same snapshot is kept once."""
        with self._database.write() as session:
            self._database.lock(session, f"feeds {scan_id}")
            if session.get(FeedRow, (scan_id, feed.name, feed.digest)) is None:
                row = FeedRow(
                    scan=scan_id,
                    name=feed.name,
                    digest=feed.digest,
                    dated=feed.dated.isoformat(),
                    document=plain.write(feed),
                )
                session.add(row)


#: What each kind of part looks at; an import may be about anything.
_DIRECTORY = DIRECTORY_KINDS


def _join(record: Record, other: Record, kind: Part) -> Record:
    """Add what an earlier scan saw of one kind (exposure or directory) to a record, its parts under that scan's id."""
    parts = tuple(
        replace(part, kind=kind, scan=other.scan.id) for part in other.scan.parts if part.kind in {kind, Part.IMPORT}
    )
    seen = tuple(o for o in other.observations if o.fact.part is kind)
    about = {o.asset.id for o in seen}
    probes = {o.probe.partition("@")[0] for o in seen}
    known = {asset.id for asset in record.assets}
    assets = [
        a for a in other.assets if a.id not in known and (a.id in about or (a.kind in _DIRECTORY) is _inward(kind))
    ]
    inward = {a.id for a in other.assets if a.kind in _DIRECTORY}
    attempts = [
        a for a in other.attempts if a.probe.partition("@")[0] in probes or (a.asset in inward) is _inward(kind)
    ]
    return replace(
        record,
        scan=replace(record.scan, parts=(*record.scan.parts, *parts)),
        assets=(*record.assets, *assets),
        observations=(*record.observations, *seen),
        attempts=(*record.attempts, *attempts),
    )


def _inward(kind: Part) -> bool:
    return kind is Part.DIRECTORY


def assets_of(session: Session, scan_id: str, *, in_scope: bool) -> tuple[Asset, ...]:
    """Return the assets that a scan met in scope, or out of it, in the order met."""
    wanted = select(AssetRow.document).where(AssetRow.scan == scan_id, AssetRow.in_scope == in_scope)
    return tuple(plain.read(text, Asset) for text in session.exec(wanted.order_by(col(AssetRow.position))))


def feeds_of(session: Session, scan_id: str) -> dict[str, Feed]:
    """Return the newest extract of each feed kept with a scan."""
    wanted = select(FeedRow).where(FeedRow.scan == scan_id)
    rows = session.exec(wanted.order_by(col(FeedRow.name), col(FeedRow.dated), col(FeedRow.digest)))
    return {row.name: plain.read(row.document, Feed) for row in rows}
