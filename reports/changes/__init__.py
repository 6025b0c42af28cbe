"""What changed between two scans of a perimeter, and how it is told."""

from __future__ import annotations
