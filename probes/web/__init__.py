"""The web probe: what an origin answers, hop by hop through the Line, and files that lie open."""

from __future__ import annotations
