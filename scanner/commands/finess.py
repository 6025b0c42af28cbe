"""The FINESS register: imported from its file, and completed by a list of one's own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from reports.visible import visible
from scanner.command import DEFAULT, ConfigOption, LanguageOption, opened, spoken
from scanner.exit import Exit

app = typer.Typer()


@app.command()
def finess(
    file: Annotated[
        Path,
        typer.Argument(help="The daily JSON, the former flat file, or your own CSV: finess;ght;lits. Maybe gzip."),
    ],
    language: LanguageOption = None,
    config: ConfigOption = DEFAULT,
) -> None:
    """Import the FINESS register in the place of the one before, or complete it: groups (GHT), beds and places."""
    from scanner.finess.number import FinessError
    from scanner.finess.read import content
    from scanner.finess.taking import take, told

    with opened(config) as (settings, store):
        try:
            taken = take(store, file, content(file), datetime.now(UTC).date())
        except FinessError as error:
            typer.echo(f"hygie: {visible(str(error))}", err=True)
            raise typer.Exit(Exit.REFUSED) from error
        said, doubts = told(taken, spoken(settings, language))
    typer.echo(said)
    for doubt in doubts:
        typer.echo(doubt, err=True)
