"""The command that puts many perimeters side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reports.interface import Folder, names
from reports.visible import visible
from scanner.command import DEFAULT, ConfigOption, LanguageOption, opened, spoken, written

app = typer.Typer()


def _known(name: str) -> str:
    if name not in names(Folder.COMPARISONS):
        raise typer.BadParameter(f"{visible(name, 40)} is not one of {', '.join(names(Folder.COMPARISONS))}")
    return name


_FORMATS = ", ".join(names(Folder.COMPARISONS))


@app.command()
def compare(
    perimeters: Annotated[list[str] | None, typer.Argument(help="Perimeters to compare; all by default.")] = None,
    format: Annotated[str, typer.Option("--format", help=f"One of {_FORMATS}.", callback=_known)] = "html",
    output: Annotated[Path | None, typer.Option("-o", help="A file; standard output by default.")] = None,
    language: LanguageOption = None,
    config: ConfigOption = DEFAULT,
) -> None:
    """Compare perimeters of one store by their newest judged scans: coverage first, then levels, among peers."""
    from reports.interface import find_comparison
    from rules.registry import load as registry
    from scanner.comparing import compare as compared

    with opened(config) as (settings, store):
        words = spoken(settings, language)
        comparison = compared(store, sorted(set(perimeters)) if perimeters else None)
        written(find_comparison(format).render(comparison, registry().cards, words.language), output)
