"""PDF for filing: made as PDF/A-3a and PDF/UA-1 with the JSON report attached; no certification is claimed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from importlib.resources import files

import typst

from reports.dossier import Dossier
from reports.interface import Format, ReportError
from reports.json import render as as_json
from reports.outline import outline
from reports.paper.actions import administrator, officer
from reports.paper.context import coverage, criteria, history, mandate, method
from reports.paper.direction import direction
from reports.paper.text import Data, Hand, drawn
from reports.words import load
from rules.interface import Card


def render(dossier: Dossier, cards: Mapping[str, Card], language: str) -> bytes:
    """Return the document; the same dossier gives the same bytes.

    Raise ``ReportError`` when it cannot be set.
    """
    made = dossier.judgement.made_at.astimezone(UTC)
    try:
        document = typst.compile(
            (files("reports") / "templates" / "report.typ").read_bytes(),
            format="pdf",
            ignore_system_fonts=True,
            sys_inputs={
                "data": json.dumps(data(dossier, cards, language), ensure_ascii=False),
                "report": as_json(dossier, cards).decode(),
            },
            pdf_standards=["a-3a", "ua-1"],
            timestamp=int(made.timestamp()),
        )
    except typst.TypstError as error:
        raise ReportError(f"the PDF could not be set: {drawn(error.message, 300)}") from error
    if not isinstance(document, bytes):
        raise ReportError("the PDF came out in pieces")
    return document


def data(dossier: Dossier, cards: Mapping[str, Card], language: str) -> Data:
    """Return all that the template reads."""
    words, told, at = load(language), outline(dossier, cards), dossier.judgement.made_at.astimezone(UTC)
    hand = Hand(words)
    parts = [
        words(
            "page.part",
            part=words(f"part.{part.kind.value}"),
            date=words.date(part.started_at.date()),
            vantage=words(f"vantage.{part.vantage.value}"),
        )
        for part in dossier.scan.parts
    ]
    return {
        "lang": language,
        "title": drawn(f"{dossier.perimeter.name} – {words('page.title')}"),
        "date": [at.year, at.month, at.day, at.hour, at.minute, at.second],
        "name": drawn(dossier.perimeter.name),
        "brand": words("page.title"),
        "parts": [part[:1].upper() + part[1:] for part in parts],
        "notice": words("page.notice"),
        "notice-long": words("page.notice-long"),
        "footer": drawn(f"{dossier.perimeter.name} · {dossier.scan.id}", 90),
        "labels": {
            "remedy": words("administrator.remedy"),
            "again": words("administrator.again"),
            "what": words("column.what"),
            "value": words("column.value"),
            "attached": words("paper.attached"),
        },
        "direction": direction(dossier, told, hand),
        "officer": officer(dossier, told, hand),
        "administrator": administrator(told, hand),
        "criteria": criteria(told, hand),
        "history": history(dossier, told, cards, hand),
        "coverage": coverage(dossier, told, cards, hand),
        "mandate": mandate(dossier, hand),
        "method": method(dossier, hand),
    }


FORMAT: Format[Dossier] = Format(suffix="pdf", media_type="application/pdf", render=render)
