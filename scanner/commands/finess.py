"""The FINESS register: imported from its file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from reports.visible import visible
from scanner.command import DEFAULT, ConfigOption, opened
from scanner.exit import Exit

app = typer.Typer()
#: Numbers with a wrong key that are told by name.
_TOLD = 5


@app.command()
def finess(
    file: Annotated[Path, typer.Argument(help="The flat file (etalab, CSV) or the daily JSON, compressed or not.")],
    config: ConfigOption = DEFAULT,
) -> None:
    """Import the FINESS register, in the place of the one imported before."""
    from scanner.finess import FinessError, read

    with opened(config) as (_, store):
        try:
            found = read(file, datetime.now(UTC).date())
        except FinessError as error:
            typer.echo(f"hygie: {visible(str(error))}", err=True)
            raise typer.Exit(Exit.REFUSED) from error
        number = store.register.replace(found.entries, file.name, found.dated.isoformat())
    typer.echo(f"{number} establishments of {found.dated}")
    if found.doubtful:
        typer.echo(f"{len(found.doubtful)} numbers with a wrong key, {', '.join(found.doubtful[:_TOLD])}", err=True)
