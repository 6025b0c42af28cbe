"""The configuration: one TOML file, read into frozen settings; what is wrong is said in one sentence."""

from __future__ import annotations
