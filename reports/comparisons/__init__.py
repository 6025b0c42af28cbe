"""The formats of a comparison: one module each, whose `FORMAT` says how it is made; the place is the registration."""

from __future__ import annotations
