"""Plain text: what a terminal shows."""

from __future__ import annotations

from collections.abc import Mapping

from reports import summary
from reports.dossier import Dossier
from reports.interface import Format
from rules.interface import Card


def render(dossier: Dossier, cards: Mapping[str, Card], language: str) -> bytes:
    """Return the summary."""
    return summary.render(dossier, cards, language).encode()


FORMAT: Format[Dossier] = Format(suffix="txt", media_type="text/plain; charset=utf-8", render=render)
