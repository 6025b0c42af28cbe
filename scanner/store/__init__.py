"""The store: tables, journal, captures, audit log and migrations."""

from __future__ import annotations
