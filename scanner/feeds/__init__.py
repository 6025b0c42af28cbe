"""Dated snapshots that rules read as facts: shipped with Hygie, or named in the configuration."""

from __future__ import annotations
