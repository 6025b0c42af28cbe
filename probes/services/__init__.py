"""Probes of services: each speaks its protocol as a normal client does, asks nothing that needs a right, and leaves."""

from __future__ import annotations
