"""The evidence pack: what it holds, its manifest, its archive, and its redacted form."""

from __future__ import annotations
