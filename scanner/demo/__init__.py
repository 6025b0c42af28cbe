"""The demonstration: a fictitious hospital and its healthy twin on loopback, scanned by the same code as any other."""

from __future__ import annotations
