"""The version of the tables: upgraded on SQLite without asking, on PostgreSQL when told to, never backwards."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from scanner.store.database import Database
from scanner.store.errors import NewerStoreError, UpgradeNeededError
from scanner.store.tables import CaptureRows

#: Where the migrations are, inside the wheel.
MIGRATIONS = "scanner.store:migrations"
#: Version of the captures' file (SQLite, ``user_version``); on PostgreSQL the migrations make those tables.
_CAPTURES = 1


def is_current(database: Database, scripts: str = MIGRATIONS) -> bool:
    """Tell whether the tables are of this version; raise ``NewerStoreError`` when they are of a later one."""
    with database.read() as session:
        return _revision(session.connection(), scripts) == _newest(scripts)


def require_current(database: Database) -> None:
    """Raise ``UpgradeNeededError`` unless the tables are of this version."""
    if not is_current(database):
        raise UpgradeNeededError


def upgrade(database: Database, scripts: str = MIGRATIONS) -> None:
    """Bring the tables to this version, one process at a time; a SQLite file is copied first.

    The copy lies beside the file, with the version it was made for in its name.
    """
    if is_current(database, scripts):
        return
    database.require_space(2 * database.size)
    with database.schema_change() as connection:
        before, newest = _revision(connection, scripts), _newest(scripts)
        if before == newest:
            return
        if before and database.path:
            database.copy(database.path.with_name(f"{database.path.name}.before-{newest}"))
        config = _config(scripts)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def prepare_captures(database: Database) -> None:
    """Make the tables of a captures' file (SQLite) unless they are there."""
    with database.read() as session:
        version = session.connection().exec_driver_sql("PRAGMA user_version").scalar_one()
    if version > _CAPTURES:
        raise NewerStoreError
    if version < _CAPTURES:
        with database.schema_change() as connection:
            CaptureRows.metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {_CAPTURES}")


def _config(scripts: str) -> Config:
    config = Config()
    config.set_main_option("script_location", scripts)
    config.set_main_option("path_separator", "os")
    return config


def _newest(scripts: str) -> str:
    return ScriptDirectory.from_config(_config(scripts)).get_current_head() or ""


def _revision(connection: Connection, scripts: str) -> str:
    """The revision of the tables, "" when there are none."""
    found = MigrationContext.configure(connection).get_current_revision() or ""
    known = {script.revision for script in ScriptDirectory.from_config(_config(scripts)).walk_revisions()}
    if found and found not in known:
        raise NewerStoreError
    return found
