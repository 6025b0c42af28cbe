"""Text of strangers made visible: control, format and bidirectional characters become their code, lines become one."""

from __future__ import annotations

import unicodedata

#: Longest text shown of one value, in characters.
_LONGEST = 2000
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def visible(text: str, longest: int = _LONGEST) -> str:
    """Return text that no terminal, log or reader can take for anything else."""
    shown = "".join(c if unicodedata.category(c) not in _HIDDEN else f"\\u{{{ord(c):x}}}" for c in text[:longest])
    return shown + "…" if len(text) > longest else shown
