"""Workbooks without formulas: every cell is text or a number, headers stay in sight, columns have filters."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import xlsxwriter

from reports.visible import visible

Cell = str | int | float
#: Longest text of a cell; Excel's own limit is 32 767.
_LONGEST = 30_000


class Workbook:
    """A workbook under construction, written row by row in constant memory."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._text = book.add_format({"text_wrap": True, "valign": "top"})
        self._head = book.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bottom": 2, "bg_color": "#E5F1EF"}
        )

    def sheet(self, name: str, columns: Mapping[str, int], rows: Iterable[Sequence[Cell]]) -> None:
        """Add a sheet: its columns by header, with their width in characters, then its rows."""
        sheet = self._book.add_worksheet(name[:31])
        sheet.freeze_panes(1, 0)
        for column, (text, width) in enumerate(columns.items()):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, text, self._head)
        last = 0
        for last, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(last, column, visible(cell, _LONGEST), self._text)
                else:
                    sheet.write_number(last, column, cell, self._text)
        sheet.autofilter(0, 0, last, len(columns) - 1)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)


@contextmanager
def workbook(out: io.BytesIO, *, title: str, language: str, at: datetime) -> Iterator[Workbook]:
    """Open a workbook into a buffer; its properties carry the date ``at``, so the same content gives the same bytes."""
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    book = xlsxwriter.Workbook(out, options)
    created = at.astimezone(UTC).replace(tzinfo=None)
    book.set_properties({"title": visible(title, 200), "author": "Hygie", "created": created})
    book.set_custom_property("language", language)
    yield Workbook(book)
    book.close()
