"""The content of the PDF as plain data: worded, bounded, in characters that its fonts can draw."""

from __future__ import annotations
