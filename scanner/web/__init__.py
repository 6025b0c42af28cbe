"""The dashboard: pages and an interface for programs, of one and the same data; every route declares its right."""

from __future__ import annotations
