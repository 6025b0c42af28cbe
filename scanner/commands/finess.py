"""The FINESS register: imported from its file, and completed by a list of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reports.visible import visible
from scanner.command import DEFAULT, ConfigOption, opened
from scanner.exit import Exit

if TYPE_CHECKING:
    from scanner.store.store import Store

app = typer.Typer()
#: Numbers that are told by name; the rest is counted.
_TOLD = 5


@app.command()
def finess(
    file: Annotated[
        Path,
        typer.Argument(help="The daily JSON, the former flat file, or your own CSV: finess;ght;lits. Maybe gzip."),
    ],
    config: ConfigOption = DEFAULT,
) -> None:
    """Import the FINESS register in the place of the one before, or complete it: groups (GHT), beds and places."""
    from scanner.finess.number import FinessError
    from scanner.finess.own import is_own

    with opened(config) as (_, store):
        try:
            (_completed if is_own(file) else _imported)(store, file)
        except FinessError as error:
            typer.echo(f"hygie: {visible(str(error))}", err=True)
            raise typer.Exit(Exit.REFUSED) from error


def _imported(store: Store, file: Path) -> None:
    from scanner.finess.read import read

    found = read(file, datetime.now(UTC).date())
    number = store.register.replace(found.entries, file.name, found.dated.isoformat())
    groups = len({entry.ght for entry in found.entries if entry.ght})
    typer.echo(f"{number} establishments of {found.dated}" + (f", {groups} hospital groups (GHT)" if groups else ""))
    _warn(found.doubtful, "with a wrong key")


def _completed(store: Store, file: Path) -> None:
    from scanner.finess.own import read

    told = read(file)
    unknown = store.register.complete({line.number: (line.ght, line.beds) for line in told}, file.name)
    typer.echo(f"{len(told) - len(unknown)} establishments completed")
    _warn(unknown, "that the register does not have; import it first, or correct them")


def _warn(numbers: Sequence[str], why: str) -> None:
    if numbers:
        more = ", …" if len(numbers) > _TOLD else ""
        typer.echo(f"{len(numbers)} numbers {why}: {', '.join(numbers[:_TOLD])}{more}", err=True)
