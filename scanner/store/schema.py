"""The version of the tables: upgraded on SQLite without asking, on PostgreSQL when told to, never backwards."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from scanner.store.database import Database
from scanner.store.errors import NewerStoreError, UpgradeNeededError
from scanner.store.tables import CaptureRows

if TYPE_CHECKING:
    from alembic.config import Config

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
        # a quarter of a second that only a store of another version pays for
        from alembic import command

        settings = config(scripts)
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")


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


def config(scripts: str) -> Config:
    """Return what Alembic is told of the migrations."""
    from alembic.config import Config

    told = Config()
    told.set_main_option("script_location", scripts)
    told.set_main_option("path_separator", "os")
    return told


@cache
def revisions(scripts: str) -> tuple[str, ...]:
    """The revisions that this version knows, in order, by the names of their files (``r0002_service.py``)."""
    package, _, folder = scripts.rpartition(":")
    place = files(package).joinpath(folder) if package else Path(folder)
    found = (re.fullmatch(r"r(\d{4})_\w+\.py", file.name) for file in place.joinpath("versions").iterdir())
    return tuple(sorted(name[1] for name in found if name))


def _newest(scripts: str) -> str:
    return revisions(scripts)[-1]


def _revision(connection: Connection, scripts: str) -> str:
    """The revision of the tables, as Alembic keeps it; "" when there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or ""
    if found and found not in revisions(scripts):
        raise NewerStoreError
    return str(found)
