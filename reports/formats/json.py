"""JSON: the contract, and the only format besides CSV that carries every object."""

from __future__ import annotations

from collections.abc import Mapping

from reports import json
from reports.dossier import Dossier
from reports.interface import Format
from rules.interface import Card


def render(dossier: Dossier, cards: Mapping[str, Card], language: str) -> bytes:
    """Return the report; the contract has no language."""
    return json.render(dossier, cards)


FORMAT: Format[Dossier] = Format(suffix="json", media_type="application/json", render=render)
