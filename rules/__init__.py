"""What it means, and what it is worth: pure functions, cards and criteria sets."""

from __future__ import annotations
