"""The rules, one module a family, each beside its cards (`<family>.toml`)."""

from __future__ import annotations
