from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Dialog, Page
from syrupy.assertion import SnapshotAssertion

from reports.formats.html import render
from reports.words import LANGUAGES
from rules.subject import Timeline
from tests.reports.dossiers import CARDS, HOSTILE, small

pytestmark = pytest.mark.chromium


def _text(page: bytes) -> str:
    """What a page says, tags and style left out, one line a run of text."""
    body = re.sub(r"(?s)<style>.*?</style>", "", page.decode())
    return "\n".join(line.strip() for line in re.sub(r"<[^>]+>", "\n", body).splitlines() if line.strip())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_it_said(language: str, snapshot: SnapshotAssertion) -> None:
    assert _text(render(small(), CARDS, language)) == snapshot


def test_the_same_dossier_gives_the_same_bytes() -> None:
    assert render(small(), CARDS, "fr") == render(small(), CARDS, "fr")


def test_an_empty_dossier_says_that_nothing_was_looked_at() -> None:
    bare = replace(
        small(),
        findings=(),
        attempts=(),
        assets=(),
        directory=(),
        exposure=None,
        criteria=(),
        objectives=(),
        history=(),
        trends=(),
        attestations=(),
        waivers=(),
        timeline=Timeline(),
    )
    text = _text(render(bare, CARDS, "fr"))
    assert text.count("Non regardé lors de ce scan") == 2
    assert "Premier scan de ce périmètre" in text


def test_objects_stop_at_fifty_and_say_where_the_rest_is() -> None:
    text = _text(render(small(), CARDS, "fr"))
    assert "compte49" in text
    assert "compte50" not in text
    assert "50 objets montrés sur 60" in text
    assert "hygie report 20261124T093000-abcdef --format csv" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [1360, 390])
def test_axe_finds_nothing_and_nothing_overflows(browser: Browser, tmp_path: Path, language: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, bypass_csp=True)
    _open(page, tmp_path, render(small(), CARDS, language))
    found = Axe().run(page)
    assert len(found.response["passes"]) > 20
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").count() == 1
    assert page.get_attribute("html", "lang") == language
    page.close()


def test_what_a_server_says_neither_runs_nor_leaves(browser: Browser, tmp_path: Path) -> None:
    banner = "\n".join(HOSTILE)
    page = browser.new_page()
    asked: list[str] = []
    dialogs: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    def closed(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", closed)
    dossier = small(banner)
    name = replace(dossier.scan.perimeter, name=banner)
    there = _open(page, tmp_path, render(replace(dossier, scan=replace(dossier.scan, perimeter=name)), CARDS, "fr"))
    page.wait_for_timeout(20)
    assert asked == [there]
    assert dialogs == []
    assert page.locator("script, img, iframe, object, embed, link, form").count() == 0
    for width in (1360, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("a").evaluate_all("all => all.every(a => a.getAttribute('href').startsWith('#'))")
    page.close()


def test_page_one_fits_on_one_sheet(browser: Browser, tmp_path: Path) -> None:
    from pypdf import PdfReader

    page = browser.new_page()
    _open(page, tmp_path, render(small(), CARDS, "fr"))
    page.pdf(path=str(tmp_path / "page.pdf"), prefer_css_page_size=True, print_background=True)
    sheets = [sheet.extract_text() for sheet in PdfReader(tmp_path / "page.pdf").pages]
    assert "Prochain contrôle" in sheets[0]
    assert "Pour le RSSI" in sheets[1]
    page.close()


def _open(page: Page, folder: Path, content: bytes) -> str:
    there = folder / "report.html"
    there.write_bytes(content)
    page.goto(there.as_uri())
    return there.as_uri()
