from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from syrupy.assertion import SnapshotAssertion

from probes.interface import Part
from reports.comparison import Comparison, Trait, percentile, spread
from reports.interface import Folder, find_comparison, names
from reports.standing import standings
from reports.words import LANGUAGES
from tests.reports.comparisons import region
from tests.reports.dossiers import CARDS, HOSTILE


def test_too_few_perimeters_have_no_median_and_no_percentile() -> None:
    assert spread([1, 2, 3]).median is None
    assert percentile(2, [1, 2, 3]) is None
    told = spread([1, 2, 3, 4])
    assert (told.lower, told.median, told.upper) == (1.8, 2.5, 3.2)
    assert [percentile(value, [1, 2, 3, 4]) for value in (1, 3, 4)] == [0, 50, 75]


def test_a_shared_forest_counts_once() -> None:
    comparison = region(6)
    forests = comparison.forests()
    assert {forest: shared for forest, (_, shared) in forests.items()} == {
        "forest:f0.local": ("p001", "p002"),
        "forest:f1.local": ("p003", "p005"),
    }
    groups = comparison.groups(Trait.REGION, Part.DIRECTORY)
    assert [(g.value, g.members, sum(g.levels)) for g in groups] == [
        ("11", ("p003",), 1),
        ("84", ("p001", "p002", "p005"), 2),
    ]


def test_peers_are_the_smallest_group_that_is_large_enough() -> None:
    rows = {row.entry.perimeter.id: row for row in standings(region(24), Part.EXPOSURE)}
    peers = rows["p000"].peers
    assert peers is not None
    assert len(peers.members) >= 4
    few = standings(region(3), Part.EXPOSURE)
    assert all(row.peers is None and row.percentile is None for row in few)


def test_other_rules_are_said() -> None:
    pages = {n: find_comparison("html").render(region(6, catalogues=n), CARDS, "fr").decode() for n in (1, 2)}
    assert "Tous ont été jugés avec les mêmes règles" in pages[1]
    assert "2 versions des règles sont en présence" in pages[2].replace("\u00a0", " ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_it_said(language: str, snapshot: SnapshotAssertion) -> None:
    page = find_comparison("html").render(region(6, catalogues=2), CARDS, language).decode()
    body = re.sub(r"(?s)<style>.*?</style>|<[^>]+>", "\n", page)
    assert "\n".join(line.strip() for line in body.splitlines() if line.strip()) == snapshot


@pytest.mark.chromium
@pytest.mark.parametrize(("language", "width"), [("fr", 1360), ("en", 390)])
def test_axe_finds_nothing_and_nothing_leaves(browser: Browser, tmp_path: Path, language: str, width: int) -> None:
    there = tmp_path / "comparison.html"
    hostile = region(8, name="\n".join(HOSTILE))
    there.write_bytes(find_comparison("html").render(hostile, CARDS, language))
    page = browser.new_page(viewport={"width": width, "height": 900}, bypass_csp=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(there.as_uri())
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert asked == [there.as_uri()]
    page.close()


def test_the_workbook_has_its_sheets_and_no_formula() -> None:
    data = find_comparison("xlsx").render(region(12, name="=1+1"), CARDS, "fr")
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["Couverture", "Exposition", "Annuaires", "Forêts", "Entre pairs", "Ce qui est commun"]
    assert [sheet.max_row for sheet in book] == [1 + 12 + 9 + 1, 13, 10, 5, 34, 3]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert not any(b"<f>" in archive.read(name) for name in archive.namelist())
    assert data == find_comparison("xlsx").render(region(12, name="=1+1"), CARDS, "fr")


def test_every_format_tells_an_empty_comparison() -> None:
    bare = Comparison(entries=(), common=())
    assert names(Folder.COMPARISONS) == ("html", "json", "xlsx")
    for name in names(Folder.COMPARISONS):
        assert find_comparison(name).render(replace(bare, absent=("ch-x",)), CARDS, "fr")
    assert json.loads(find_comparison("json").render(region(3), CARDS, "fr"))["schema"] == "hygie/comparison/1"
