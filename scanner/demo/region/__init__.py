"""The demonstration of a region: forty fictitious establishments over a year, through the product's own store."""

from __future__ import annotations
