from __future__ import annotations

import io
import json
import re

import pytest
from pypdf import PdfReader
from syrupy.assertion import SnapshotAssertion

from reports.formats.pdf import data, render
from reports.json import render as as_json
from reports.paper.actions import MAXIMUM_ROWS
from reports.paper.text import breakable, drawn
from reports.words import LANGUAGES
from tests.reports.dossiers import CARDS, HOSTILE, large, small


def _text(document: bytes) -> str:
    pages = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(document)).pages)
    return re.sub(r"[\s\u200b]+", "", pages)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_it_said(language: str, snapshot: SnapshotAssertion) -> None:
    assert data(small(), CARDS, language) == snapshot


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_document_is_tagged_dated_named_and_carries_the_json_report(language: str) -> None:
    document = render(small(), CARDS, language)
    reader = PdfReader(io.BytesIO(document))
    root = reader.root_object
    assert document == render(small(), CARDS, language)
    assert str(root["/Lang"]) == language
    assert "'/Marked': True" in str(root["/MarkInfo"])
    assert reader.metadata is not None
    assert reader.metadata.title is not None
    assert reader.metadata.title.startswith("Centre hospitalier de Valmorel (fictif)")
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.isoformat() == "2026-11-24T09:30:00+00:00"
    assert b"pdfaid:part" in document
    assert b"pdfuaid:part" in document
    assert reader.attachments["hygie-report.json"] == [as_json(small(), CARDS)]


def test_what_a_server_says_stays_literal_and_runs_nothing() -> None:
    document = render(small("\n".join(HOSTILE)), CARDS, "fr")
    text = _text(document)
    for told in (
        '#read("/etc/passwd")#panic()$x$*b*',
        "<script>alert(1)</script>",
        "\\u{1b}[31mrouge",
        "\\u{202e}gnp",
    ):
        assert told in text
    assert b"/JavaScript" not in document
    assert b"/URI" not in document
    assert b"/Launch" not in document


def test_any_character_can_be_set() -> None:
    every = "".join(chr(c) for c in range(0x20, 0x3000)) + "漢字🙂\U000e0001\ud800"
    assert drawn(every[:400])
    banners = [every[start : start + 390] for start in range(0, len(every), 390)]
    for banner in banners[::8]:
        render(small(banner), CARDS, "fr")


def test_identifiers_can_be_broken_and_read_again() -> None:
    name = "service:tcp/443@un-nom-tres-long.ch-valmorel.test"
    assert breakable(name).replace("\u200b", "") == name
    assert max(len(piece) for piece in breakable("a" * 200).split("\u200b")) <= 24


def test_rows_are_bounded_and_the_rest_is_said() -> None:
    dossier, cards = large(50, 4000)
    page = data(dossier, cards, "fr")["administrator"]
    rows = sum(len(c["cases"]["rows"]) + sum(len(o["items"]) for o in c["objects"]) for c in page["cards"])
    assert len(page["cards"]) == 100
    assert rows <= MAXIMUM_ROWS
    assert all("rapport JSON joint" in card["cut"] for card in page["cards"] if len(card["cases"]["rows"]) == 7)
    json.dumps(page)
