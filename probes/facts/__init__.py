"""Facts, one module a family, and the pure decoding of captures."""

from __future__ import annotations
