"""Databases and caches: which one it is, and whether it serves a caller who shows no identity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from probes.facts.services.answered import DatabaseAnswered, Talk
from probes.services import database_sql as sql
from probes.services import database_stores as stores
from probes.services.conversation import Call
from probes.services.family import Dialogue, FamilyProbe, FamilySettings, Said, answered


class DatabaseProbe(FamilyProbe[FamilySettings]):
    """Reads greetings and server information; no password is tried, no record is read."""

    name: ClassVar[str] = "database"
    Settings: ClassVar[type[FamilySettings]] = FamilySettings
    table: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "postgresql": (5432, 5433),
        "mysql": (3306, 3307),
        "sql-server": (1433, 1434),
        "oracle": (1521, 1522),
        "mongodb": (27017, 27018),
        "redis": (6379,),
        "memcached": (11211,),
        "elasticsearch": (9200,),
        "couchdb": (5984,),
        "cassandra": (9042,),
    }
    dialogues: ClassVar[Mapping[str, Dialogue]] = {
        "postgresql": sql.postgresql,
        "mysql": sql.mysql,
        "sql-server": sql.sql_server,
        "oracle": sql.oracle,
        "mongodb": stores.mongodb,
        "redis": stores.redis,
        "memcached": stores.memcached,
        "elasticsearch": stores.elasticsearch,
        "couchdb": stores.couchdb,
        "cassandra": stores.cassandra,
    }

    def fact(self, call: Call, protocol: str, talk: Talk, said: Said) -> DatabaseAnswered:
        """Return what a database answered."""
        return DatabaseAnswered(**answered(call, protocol, talk, said))
