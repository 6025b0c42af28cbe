"""One database: its transactions, its locks, and what its failures are called."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlmodel import Session

from scanner.store.errors import StoreError, StoreFullError, StoreUnavailableError

#: Bytes that stay free on the disk of a SQLite store.
RESERVE = 32 << 20
#: How long a SQLite writer waits for another one, in milliseconds.
_PATIENCE = 30_000
_WRITING = "hygie_writing"
_HEADER = b"SQLite format 3\0"
#: PostgreSQL, appendix A: disk_full and out of room for other reasons.
_PG_FULL = "53100"
#: SQLSTATE classes of a server that is away, going away or read-only.
_PG_AWAY = ("08", "25006", "53", "57")
#: SQLSTATE of what a user may not enter or do, or of a database that is not there.
_PG_REFUSED = ("28", "3D", "42501")


class Database:
    """A SQLite file or a PostgreSQL database, safe to use from several threads.

    ``path`` is the SQLite file, None on PostgreSQL.
    """

    def __init__(self, engine: Engine, path: Path | None) -> None:
        self.path = path
        self._engine = engine
        self._reading = engine if path else engine.execution_options(isolation_level="REPEATABLE READ")
        self._writing = engine.execution_options(**{_WRITING: True})

    @property
    def size(self) -> int:
        """Bytes of the SQLite file, 0 on PostgreSQL."""
        return self.path.stat().st_size if self.path else 0

    @property
    def address(self) -> str:
        """Where a PostgreSQL database is, as libpq reads it; it may hold a password."""
        return self._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Read one consistent state."""
        with _told(), Session(self._reading) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Write all or nothing; on SQLite no other writer comes between what is read here and what is written."""
        with _told(), Session(self._writing, autoflush=False) as session, session.begin():
            yield session

    @contextmanager
    def schema_change(self) -> Iterator[Connection]:
        """Change tables, all or nothing, one process at a time; SQLite checks references again afterwards."""
        with _told(), self._writing.connect() as connection:
            if self.path:
                driver: Any = connection.connection.driver_connection
                driver.execute("PRAGMA foreign_keys = OFF")
            with connection.begin():
                self.lock(connection, "schema")
                yield connection
            connection.invalidate()

    def lock(self, holder: Session | Connection, name: str) -> None:
        """Hold a named lock until the transaction ends; on SQLite a writing transaction already holds the file."""
        if self.path is None:
            statement = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
            holder.execute(statement, {"name": f"hygie {name}"})

    def give_up_when_silent(self, session: Session, seconds: int) -> None:
        """Have the server end the transaction of a process that says nothing for that long: its box may be gone.

        What holds a SQLite file is on this machine: the system frees it.
        """
        if self.path is None:
            session.connection().execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{seconds}s'"))

    def copy(self, target: Path) -> None:
        """Copy a SQLite file as it stands, without stopping anyone; an earlier copy of that name is replaced."""
        with _told():
            target.unlink(missing_ok=True)
            target.touch(mode=0o600)
        self._outside("VACUUM INTO ?", str(target))

    def shrink(self) -> None:
        """Give the space of what was deleted back to the disk (SQLite)."""
        if self.path:
            self._outside("PRAGMA incremental_vacuum")

    def _outside(self, statement: str, *values: str) -> None:
        """Run a statement of SQLite that takes no transaction."""
        with _told(), self._engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute(statement, values).fetchall()

    def require_space(self, size: int = 0) -> None:
        """Raise ``StoreFullError`` when the disk cannot take ``size`` bytes more and keep a reserve."""
        if self.path is None:
            return
        folder = self.path.parent
        free, needed = shutil.disk_usage(folder).free, size + RESERVE
        if free < needed:
            raise StoreFullError(f"{folder} has {free >> 20} MiB free, the store needs {needed >> 20} MiB")

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def sqlite(path: Path) -> Database:
    """Return the database of a file, created readable by its owner alone."""
    if path.is_dir():
        # A folder would lose its right of passage below, for everybody who has files in it.
        raise StoreUnavailableError(f"the store cannot be opened: {path} is a folder; name a file under [store] url")
    with _told():
        if path.is_file() and _beginning(path) not in {b"", _HEADER}:
            raise StoreUnavailableError(
                f"the store cannot be opened: {path} is not a database; name another file under [store] url"
            )
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)
    engine = create_engine(URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return Database(engine, path)


def _beginning(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(len(_HEADER))


def postgres(url: URL) -> Database:
    """Return the database of a PostgreSQL URL; a connection that died is replaced at the next transaction."""
    try:
        return Database(create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True), None)
    except ImportError:
        raise StoreError(
            "[store] url names a PostgreSQL database, and its driver is not there: install hygie[postgres]"
        ) from None


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {_PATIENCE}",
        "auto_vacuum = INCREMENTAL",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Take the write lock at once: a transaction that reads, then writes, fails without waiting (SQLite, BEGIN)."""
    writing = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def _told() -> Iterator[None]:
    """Give the failures of a database and its disk their own names; a wrong statement stays what it is."""
    try:
        yield
    except DBAPIError as error:
        named = _named(error)
        if named is None:
            raise
        raise named from error
    except OSError as error:
        raise StoreUnavailableError(f"the store cannot be opened: {error.strerror}") from error


def _named(error: DBAPIError) -> StoreError | None:
    cause, words = error.orig, str(error.orig).strip().splitlines()
    line = words[0] if words else type(error).__name__
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        if code == sqlite3.SQLITE_FULL:
            return StoreFullError()
        if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
            return StoreError(f"the store: {line}; name another file under [store] url, or restore a copy of it")
        return StoreUnavailableError(f"the store: {line}") if isinstance(error, OperationalError) else None
    state = getattr(cause, "sqlstate", None)
    if state == _PG_FULL:
        return StoreFullError()
    if state is not None and state.startswith(_PG_REFUSED):
        return StoreError(f"the store: {line}; check [store] url, and what its user may do there")
    away = isinstance(error, OperationalError | InterfaceError) if state is None else state.startswith(_PG_AWAY)
    if away or error.connection_invalidated:
        return StoreUnavailableError(f"the store: {line}; check [store] url, and that its server runs")
    return None
