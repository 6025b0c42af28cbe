"""The store: one door to everything that is kept, each kind behind its own name."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from types import TracebackType

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from rules.subject import Record
from scanner.clock import Clock, utc_now
from scanner.store import database as databases
from scanner.store import queue as queues
from scanner.store import schema
from scanner.store.accounts import Accounts
from scanner.store.attestations import Attestations
from scanner.store.audit import Audit, AuditBreak
from scanner.store.boards import Boards
from scanner.store.bundles import Bundles
from scanner.store.candidates import Candidates
from scanner.store.captures import Captures
from scanner.store.comparisons import Comparisons
from scanner.store.database import Database
from scanner.store.declarations import Declarations
from scanner.store.doors import Sessions, Tokens
from scanner.store.dossiers import Dossiers
from scanner.store.errors import StoreError
from scanner.store.journal import StoredJournal
from scanner.store.judgements import Judgements
from scanner.store.leases import Lease, Leases
from scanner.store.occasions import Notices, Occasions, Stops
from scanner.store.queue import Queue
from scanner.store.records import Records
from scanner.store.register import Register
from scanner.store.retention import Purge, Purged, Retention
from scanner.store.scans import Scans
from scanner.store.sightings import Sightings
from scanner.store.timelines import Timelines
from scanner.store.waivers import Waivers


class Store:
    """What is kept, by kind; use it as a context, or close it."""

    def __init__(self, database: Database, captures: Database, clock: Clock, actor: str) -> None:
        self._databases = (database, captures)
        self._leases = Leases(database, clock)
        self.timelines = Timelines(database)
        self.audit = Audit(database, clock, actor)
        self.captures = Captures(captures, clock)
        self.scans = Scans(database, self._leases, self.audit, clock)
        self.records = Records(database, self.captures, self.scans, self.timelines)
        self.bundles = Bundles(database, self.captures, self.audit, clock)
        self.judgements = Judgements(database)
        self.attestations = Attestations(database, self.audit, clock)
        self.waivers = Waivers(database, self.audit, clock)
        self.candidates = Candidates(database, self.audit, clock)
        self.dossiers = Dossiers(database, self.audit, clock)
        self.accounts = Accounts(database, self.audit, clock)
        self.sessions = Sessions(database, self.audit, clock)
        self.tokens = Tokens(database, self.audit, clock)
        self.declarations = Declarations(database, self.audit)
        self.occasions = Occasions(database, clock)
        self.stops = Stops(database, self.audit, clock)
        self.notices = Notices(database, clock)
        self.queue = Queue(database, clock)
        self.register = Register(database, self.audit)
        self.boards = Boards(database)
        self.comparisons = Comparisons(database)
        self.sightings = Sightings(database, self._leases)
        self._clock = clock
        self._purge = Purge(database, captures, self.audit, clock)

    def journal(self, lease: Lease) -> StoredJournal:
        """Return the journal of the scan that a lease is for."""
        return StoredJournal(self._databases[0], self._leases, self.captures, lease)

    def acting(self, actor: str) -> Store:
        """Return the same store, in the name of somebody else; close only the first one."""
        return Store(*self._databases, self._clock, actor)

    def record(self, scan_id: str) -> Record:
        """Return all that is known of a scan."""
        return self.records.of(scan_id)

    def purge(self, retention: Retention) -> Purged:
        """Remove what its retention has passed."""
        return self._purge.run(retention)

    def verify_audit(self, anchor: tuple[int, str] | None = None) -> AuditBreak | None:
        """Return the first broken row of the audit log, or None."""
        return self.audit.verify(anchor)

    def close(self) -> None:
        """Close every connection."""
        for database in self._databases:
            database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(location: str | Path, *, clock: Clock = utc_now, actor: str = "") -> Store:
    """Open the store of a SQLite path or of a ``postgresql://`` URL.

    A SQLite file and its captures' file (``<name>-captures<suffix>``) are made or upgraded on the way; a
    PostgreSQL database must be current. ``actor`` is who the audit log names (default: the user of the system).
    Raise ``StoreError``.
    """
    database = _database(location)
    try:
        if database.path is None:
            schema.require_current(database)
            captures = database
        else:
            schema.upgrade(database)
            path = database.path
            captures = databases.sqlite(path.with_name(f"{path.stem}-captures{path.suffix}"))
            schema.prepare_captures(captures)
    except StoreError:
        database.close()
        raise
    return Store(database, captures, clock, actor or pwd.getpwuid(os.getuid()).pw_name)


def upgrade_store(location: str | Path) -> None:
    """Bring a store to this version (``hygie db upgrade``); processes that do so at once wait for each other."""
    database = _database(location)
    try:
        schema.upgrade(database)
        if database.path is None:
            queues.upgrade(database)
    finally:
        database.close()


def _database(location: str | Path) -> Database:
    if isinstance(location, Path) or "://" not in location:
        return databases.sqlite(Path(location))
    url = _url(location)
    if url.get_backend_name() == "postgresql":
        return databases.postgres(url)
    if url.get_backend_name() == "sqlite" and url.database:
        return databases.sqlite(Path(url.database))
    raise StoreError(f"[store] url is a SQLite path or a postgresql:// URL, not {url.get_backend_name()}://")


def _url(location: str) -> URL:
    try:
        return make_url(location)
    except (ArgumentError, ValueError):
        # The text is not quoted: it may hold a password.
        raise StoreError("[store] url cannot be read: expected postgresql://USER@HOST/DATABASE") from None
