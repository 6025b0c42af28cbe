"""Views: frozen structures that a rule reads, each built once by a pure function."""

from __future__ import annotations
