"""Runs the migrations on the connection that ``scanner.store.schema`` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from scanner.store import service_tables  # noqa: F401 - its tables belong to the metadata below
from scanner.store.tables import CaptureRows, Rows

connection = context.config.attributes["connection"]
metadata = [Rows.metadata] if connection.dialect.name == "sqlite" else [Rows.metadata, CaptureRows.metadata]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
