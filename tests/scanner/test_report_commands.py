from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reports.interface import Folder, names
from scanner.cli import app
from scanner.store.store import open_store
from tests.reports.dossiers import HOSTILE
from tests.scanner.web.stage import FOREIGN, OURS, configuration, finding, judged

STARTS = {"html": b"<!doctype html>", "pdf": b"%PDF-1.7", "xlsx": b"PK", "csv": b"perimeter,scan,"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration beside a store of two perimeters, each with one judged scan."""
    settings = configuration(tmp_path)
    with open_store(settings.store_location()) as store:
        for perimeter in (OURS, FOREIGN):
            judged(store, settings, perimeter, (finding(perimeter),))
    return settings.path


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("name", names())
def test_every_format_of_a_stored_scan(config: Path, tmp_path: Path, name: str, language: str) -> None:
    out = tmp_path / "out"
    words = ["report", f"latest:{OURS}", "-c", str(config), "--format", name, "--lang", language, "-o", str(out)]
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, done.output) == (0, "")
    assert out.read_bytes().startswith(STARTS.get(name, b""))
    assert stat.S_IMODE(os.stat(out).st_mode) == 0o600


@pytest.mark.parametrize("name", names(Folder.COMPARISONS))
def test_every_format_of_a_comparison(config: Path, name: str) -> None:
    done = CliRunner().invoke(app, ["compare", "-c", str(config), "--format", name])
    assert done.exit_code == 0
    assert done.stdout_bytes.startswith(STARTS.get(name, b"{"))


def test_a_comparison_names_who_was_never_judged(config: Path) -> None:
    done = CliRunner().invoke(app, ["compare", OURS, "ch-x", "-c", str(config), "--format", "json"])
    assert json.loads(done.stdout)["absent"] == ["ch-x"]


@pytest.mark.parametrize("command", ["report", "compare"])
def test_an_unknown_format_is_refused_in_one_sentence(config: Path, command: str) -> None:
    done = CliRunner().invoke(app, [command, "-c", str(config), "--format", "docx\x1b[31m"])
    assert done.exit_code == 2
    assert "\x1b[31m" not in done.output
    assert "is not one of" in done.output


def test_the_text_of_strangers_moves_no_terminal(config: Path) -> None:
    from reports.formats.text import render
    from tests.reports.dossiers import CARDS, small

    text = render(small("\n".join(HOSTILE)), CARDS, "fr").decode()
    assert not any(character in text for character in "\x1b\u202e\ufeff\r\t\x07")
