"""Roads out that are no probes: configured hosts only, TLS verified strictly, bounded in bytes and in time."""

from __future__ import annotations
