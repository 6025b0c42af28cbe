"""The commands of `hygie`, a module a family; the place is the registration."""

from __future__ import annotations
