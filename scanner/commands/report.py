"""Commands that tell a stored scan, and that verify what was told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reports.interface import find, names
from reports.visible import visible
from scanner.command import DEFAULT, ConfigOption, Language, judged, written
from scanner.exit import Exit

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
    language: Annotated[Language | None, typer.Option("--lang", help="The language.")] = None,
    config: ConfigOption = DEFAULT,
) -> None:
    """Tell a stored scan in a format."""
    from rules.registry import load as registry

    with judged(scan, config) as (settings, dossier):
        cards = registry().cards
        spoken = language.value if language else settings.file.reports.language
        data = find(format).render(dossier, cards, spoken)
    written(data, output)


@app.command()
def verify(folder: Annotated[Path, typer.Argument(help="A folder with a SHA256SUMS file.")]) -> None:
    """Compare a folder of outputs with its SHA256SUMS, and list every difference."""
    from reports.manifest import SUMS, differences

    try:
        text = (folder / SUMS).read_text()
        files = {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file() and p.name != SUMS}
    except OSError as error:
        typer.echo(f"hygie: {error.filename}: {error.strerror}", err=True)
        raise typer.Exit(Exit.USAGE) from error
    found = differences(text, files)
    typer.echo("\n".join(visible(line) for line in found) if found else f"{len(files)} file(s) as they were")
    raise typer.Exit(Exit.FINDINGS if found else Exit.CLEAN)
