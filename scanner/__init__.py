"""The application: it wires, runs, stores and serves, and judges nothing."""

from __future__ import annotations
