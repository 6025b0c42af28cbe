"""Timed side by side with peers; ratios and peak memory go to `docs/measurements.md`."""

from __future__ import annotations
