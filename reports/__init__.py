"""How it is told: one module a format, all from a Dossier or a Comparison."""

from __future__ import annotations
