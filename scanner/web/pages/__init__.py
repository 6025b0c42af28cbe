"""The pages, a module each; the place is the registration."""

from __future__ import annotations
