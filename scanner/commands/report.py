"""The command that tells a stored scan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reports.interface import find, names
from reports.visible import visible
from scanner.command import DEFAULT, ConfigOption, LanguageOption, judged, spoken, written

app = typer.Typer()


def _known(name: str) -> str:
    if name not in names():
        raise typer.BadParameter(f"{visible(name, 40)} is not one of {', '.join(names())}")
    return name


_FormatOption = Annotated[str, typer.Option("--format", help=f"One of {', '.join(names())}.", callback=_known)]


@app.command()
def report(
    scan: Annotated[str, typer.Argument(help="A scan's id, `latest` or `latest:PERIMETER`.")] = "latest",
    format: _FormatOption = "json",
    output: Annotated[Path | None, typer.Option("-o", help="A file; standard output by default.")] = None,
    language: LanguageOption = None,
    config: ConfigOption = DEFAULT,
) -> None:
    """Tell a stored scan in a format."""
    from rules.registry import load as registry

    with judged(scan, config) as (settings, dossier):
        cards = registry().cards
        words = spoken(settings, language)
        data = find(format).render(dossier, cards, words.language)
    written(data, output)
