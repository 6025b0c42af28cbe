"""CSV (RFC 4180, UTF-8): one row a finding and object, all of them, for other tools."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from reports.dossier import Dossier
from reports.interface import Format
from reports.rows import COLUMNS, rows
from reports.words import load
from rules.interface import Card


def render(dossier: Dossier, cards: Mapping[str, Card], language: str) -> bytes:
    """Return the table; names of columns and values of the contract stay in English."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows(dossier, cards, load(language)))
    return out.getvalue().encode()


FORMAT: Format[Dossier] = Format(suffix="csv", media_type="text/csv; charset=utf-8", render=render)
