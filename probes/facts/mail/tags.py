"""Tag lists `name=value; …`, as DMARC, DKIM, MTA-STS and TLS-RPT records write them (RFC 6376 3.2)."""

from __future__ import annotations

import re


class TagSyntaxError(ValueError):
    """A record that does not follow the grammar it announces."""


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_LONGEST = 65_536


def tags(text: str) -> dict[str, str]:
    """Return the tags by lower-case name; a name written twice, or no ``=``, is an error."""
    if len(text) > _LONGEST:
        raise TagSyntaxError("record too long")
    found: dict[str, str] = {}
    for piece in text.split(";"):
        if not piece.strip():
            continue
        name, equals, value = piece.partition("=")
        name = name.strip().lower()
        if not equals or not _NAME.match(name):
            raise TagSyntaxError(f"unreadable tag {piece.strip()[:40]!r}")
        if name in found:
            raise TagSyntaxError(f"tag {name} stands twice")
        found[name] = value.strip()
    return found
