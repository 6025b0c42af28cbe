"""The commands that carry scans from one box to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scanner.command import DEFAULT, ConfigOption, opened, spoken, written

app = typer.Typer()
bundle = typer.Typer(no_args_is_help=True, help="Carry a scan and its findings to the store of another box.")
app.add_typer(bundle, name="bundle")


@bundle.command("export")
def export(
    scan: Annotated[str, typer.Argument(help="A scan's id, `latest` or `latest:PERIMETER`.")] = "latest",
    output: Annotated[Path, typer.Option("-o", help="The bundle, a ZIP file.")] = Path("liasse.zip"),
    with_captures: Annotated[
        bool, typer.Option("--with-captures", help="Take the bytes received in, a directory's entries among them.")
    ] = False,
    config: ConfigOption = DEFAULT,
) -> None:
    """Write a scan, those it is joined with, their facts and findings; print the file's SHA-256.

    Attestations and accepted risks stay here. Without captures the other box tells a directory as it was judged here.
    """
    from reports.evidence.pack import digest
    from scanner.bundle import bundle as made

    with opened(config) as (settings, store):
        data = made(store, store.scans.find(scan).id, with_captures=with_captures)
        written(data, output)
        w = spoken(settings)
    typer.echo(f"{output}{w('colon')}SHA-256 {digest(data)}")


@bundle.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A bundle that `hygie bundle export` wrote.")],
    sha256: Annotated[str, typer.Option("--sha256", help="The SHA-256 that the sender told.")] = "",
    config: ConfigOption = DEFAULT,
) -> None:
    """Keep the scans of a bundle under their own ids and boxes, for perimeters that the configuration names."""
    from scanner.bundle import take

    with opened(config) as (settings, store):
        for taken in take(settings, store, file, expected=sha256):
            w = spoken(settings)
            typer.echo(w("bundle.taken" if taken.new else "bundle.there", perimeter=taken.perimeter, scan=taken.scan))
