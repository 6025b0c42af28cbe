"""French typography: no-break spaces before high punctuation and inside guillemets, curled apostrophes."""

from __future__ import annotations

import re

NARROW, WIDE = "\u202f", "\u00a0"


def french(text: str) -> str:
    """Return prose as French typesets it."""
    text = re.sub(r"(?<=\w)'(?=[\w«])", "’", text)
    text = re.sub(r" ([;!?])", NARROW + r"\1", text)
    text = re.sub(r" ([:»%])", WIDE + r"\1", text)
    return text.replace("« ", "«" + WIDE)
