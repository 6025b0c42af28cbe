from __future__ import annotations

import csv
import io
import unicodedata
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from reports.formats.csv import render as as_csv
from reports.formats.xlsx import render as as_xlsx
from reports.rows import inert
from reports.words import LANGUAGES
from tests.reports.dossiers import CARDS, HOSTILE, small


def _cells(data: bytes) -> dict[str, list[list[object]]]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {sheet.title: [[c.value for c in row] for row in sheet.iter_rows()] for sheet in book}


@pytest.mark.parametrize("language", LANGUAGES)
def test_csv_has_one_row_a_finding_and_object(language: str, snapshot: SnapshotAssertion) -> None:
    text = as_csv(small(), CARDS, language).decode()
    table = list(csv.reader(io.StringIO(text)))
    assert len(table) == 1 + 9 + 60
    assert [row for row in table if not row[17].startswith("compte") or row[17] == "compte7"] == snapshot


def test_no_cell_of_a_csv_starts_a_formula_or_hides_a_character() -> None:
    for banner in HOSTILE:
        for row in csv.reader(io.StringIO(as_csv(small(banner), CARDS, "fr").decode())):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
            assert not any(character in cell for cell in row for character in "\x1b\u202e\ufeff\t\r\n")


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_is_inert_in_a_cell(text: str) -> None:
    cell = inert(text)
    assert not cell.startswith(("=", "+", "-", "@"))
    assert not any(unicodedata.category(character).startswith("C") for character in cell)
    cell.encode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_xlsx_has_its_sheets_filters_and_frozen_headers(language: str, snapshot: SnapshotAssertion) -> None:
    data = as_xlsx(small(), CARDS, language)
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert all(sheet.freeze_panes == "A2" and sheet.auto_filter.ref for sheet in book)
    assert {title: rows[:12] for title, rows in _cells(data).items()} == snapshot
    assert data == as_xlsx(small(), CARDS, language)


def test_xlsx_keeps_hostile_text_as_text() -> None:
    for banner in HOSTILE:
        data = as_xlsx(small(banner), CARDS, "fr")
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sheets = [archive.read(n).decode() for n in archive.namelist() if n.startswith("xl/worksheets/")]
            assert not any("<f>" in sheet or "<f " in sheet or "<hyperlink" in sheet for sheet in sheets)
            assert not any("externalLink" in name for name in archive.namelist())


def test_xlsx_shows_fifty_objects_and_says_where_the_rest_is() -> None:
    rows = _cells(as_xlsx(small(), CARDS, "fr"))["Objets"]
    assert len(rows) == 1 + 50 + 1
    assert "--format csv" in str(rows[-1][3])
