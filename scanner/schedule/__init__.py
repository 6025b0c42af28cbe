"""Schedules: when a perimeter is due, who runs it, and what is told about what changed."""

from __future__ import annotations
