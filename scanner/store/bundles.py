"""Whole scans out of a store and into another: steps, observations, attempts, assets, feeds and the last judgement."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from probes.interface import Asset, Digest
from rules.subject import Feed, Scan
from scanner.journal import StepResult
from scanner.store import plain
from scanner.store.audit import Audit
from scanner.store.captures import Captures
from scanner.store.database import Database
from scanner.store.errors import AlreadyKeptError, StoreError
from scanner.store.journal import committed, write_step
from scanner.store.records import assets_of, feeds_of
from scanner.store.scans import RUNNING
from scanner.store.tables import AssetRow, FeedRow, ScanRow

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: How far the clock of another box may be ahead of ours.
_AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedScan:
    """A scan that has ended, as one store gives it to another: its own id, boxes, dates and contents."""

    scan: Scan
    started_at: datetime
    ended_at: datetime
    steps: tuple[StepResult, ...]
    assets: tuple[Asset, ...]
    outside: tuple[Asset, ...]
    feeds: tuple[Feed, ...]


class Bundles:
    """Gives scans out, and takes them in once; both are in the audit log."""

    def __init__(self, database: Database, captures: Captures, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._captures = captures
        self._audit = audit
        self._clock = clock

    def carry(self, scan_id: str) -> CarriedScan:
        """Return a scan whole; raise ``StoreError`` while it runs."""
        with self._database.read() as session:
            row = session.get(ScanRow, scan_id)
            if row is None or row.state == RUNNING or row.ended_at is None:
                raise StoreError(f"scan {scan_id} has not ended; a bundle holds what has")
            return CarriedScan(
                scan=plain.read(row.document, Scan),
                started_at=row.started_at,
                ended_at=row.ended_at,
                steps=committed(session, scan_id),
                assets=assets_of(session, scan_id, in_scope=True),
                outside=assets_of(session, scan_id, in_scope=False),
                feeds=tuple(feeds_of(session, scan_id).values()),
            )

    def known(self, carried: CarriedScan) -> bool:
        """Whether the same scan is here already.

        Raise ``AlreadyKeptError`` when its id is taken by another content, ``StoreError`` for a scan that cannot be.
        """
        scan = carried.scan
        if not _ID.fullmatch(scan.id) or scan.state == RUNNING:
            raise StoreError("the bundle holds a scan that has not ended, or whose id is no id; nothing was taken")
        if max(carried.started_at, carried.ended_at) > self._clock() + _AHEAD:
            raise StoreError(f"scan {scan.id} says that it ended on {carried.ended_at:%Y-%m-%d}, which is to come")
        with self._database.read() as session:
            if session.get(ScanRow, scan.id) is None:
                return False
        here = self.carry(scan.id)
        # newer feeds may have been kept beside it since
        if replace(here, feeds=()) != replace(carried, feeds=()):
            raise AlreadyKeptError(f"scan {scan.id} is already here with another content; nothing was changed")
        return True

    def take(self, carried: CarriedScan, captures: Mapping[Digest, bytes], bundle: Digest) -> bool:
        """Keep a scan that another store gave, all of it or nothing; False when the same one is there already.

        Raise what ``known`` raises.
        """
        new = not self.known(carried)
        for digest, data in captures.items():
            if self._captures.keep(data) != digest:
                raise StoreError(f"capture {digest} is not what its name says")
        with self._database.write() as session:
            if new:
                self._add(session, carried)
            about = {"scan": carried.scan.id, "perimeter": carried.scan.perimeter.id, "bundle": bundle}
            self._audit.append(session, "bundle-taken", **about, captures=len(captures))
        return new

    def _add(self, session: Session, carried: CarriedScan) -> None:
        scan = carried.scan
        session.add(
            ScanRow(
                id=scan.id,
                perimeter=scan.perimeter.id,
                state=scan.state,
                started_at=carried.started_at,
                ended_at=carried.ended_at,
                document=plain.write(scan),
            )
        )
        session.flush()
        for position, result in enumerate(carried.steps):
            write_step(session, scan.id, position, result)
        met = [(asset, True) for asset in carried.assets] + [(asset, False) for asset in carried.outside]
        for position, (asset, in_scope) in enumerate(met):
            session.add(AssetRow(scan=scan.id, position=position, in_scope=in_scope, document=plain.write(asset)))
        for feed in carried.feeds:
            key = {"scan": scan.id, "name": feed.name, "digest": feed.digest, "dated": feed.dated.isoformat()}
            session.add(FeedRow(**key, document=plain.write(feed)))
