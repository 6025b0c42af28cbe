"""The record of a scan, as the judge reads it: what was seen, the extracts of feeds, and the earlier scans."""

from __future__ import annotations

from sqlmodel import Session, col, select

from probes.interface import Asset
from rules.subject import Feed, Record
from scanner.store import plain
from scanner.store.captures import Captures
from scanner.store.database import Database
from scanner.store.journal import committed
from scanner.store.scans import Scans
from scanner.store.tables import AssetRow, FeedRow
from scanner.store.timelines import Timelines


class Records:
    """Reads whole scans, and keeps the extracts of feeds beside them."""

    def __init__(self, database: Database, captures: Captures, scans: Scans, timelines: Timelines) -> None:
        self._database = database
        self._captures = captures
        self._scans = scans
        self._timelines = timelines

    def of(self, scan_id: str) -> Record:
        """Return all that is known of a scan; ``feeds`` are the newest extract of each name."""
        scan = self._scans.find(scan_id)
        with self._database.read() as session:
            results = committed(session, scan.id)
            assets = _assets(session, scan.id, in_scope=True)
            feeds = _feeds(session, scan.id)
        return Record(
            scan=scan,
            assets=assets or tuple({r.step.asset.id: r.step.asset for r in results}.values()),
            observations=tuple(seen for result in results for seen in result.observations),
            attempts=tuple(attempt for result in results for attempt in result.attempts),
            feeds=feeds,
            timeline=self._timelines.before(scan),
            read_capture=self._captures.read,
        )

    def outside(self, scan_id: str) -> tuple[Asset, ...]:
        """Return the assets that a scan met out of scope."""
        with self._database.read() as session:
            return _assets(session, scan_id, in_scope=False)

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


def _assets(session: Session, scan_id: str, *, in_scope: bool) -> tuple[Asset, ...]:
    wanted = select(AssetRow.document).where(AssetRow.scan == scan_id, AssetRow.in_scope == in_scope)
    return tuple(plain.read(text, Asset) for text in session.exec(wanted.order_by(col(AssetRow.position))))


def _feeds(session: Session, scan_id: str) -> dict[str, Feed]:
    wanted = select(FeedRow).where(FeedRow.scan == scan_id)
    rows = session.exec(wanted.order_by(col(FeedRow.name), col(FeedRow.dated), col(FeedRow.digest)))
    return {row.name: plain.read(row.document, Feed) for row in rows}
