"""Commands on criteria sets: check one, list those that there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scanner.command import said

app = typer.Typer()
commands = typer.Typer(no_args_is_help=True, help="Criteria sets: check a file, list those shipped.")
app.add_typer(commands, name="criteria")


@commands.command()
def check(file: Annotated[Path, typer.Argument(help="The TOML file of a set.")]) -> None:
    """Read a set and say what is wrong with it, or what it holds and what nobody has read yet."""
    from scanner.criteria import read

    with said():
        found = read(file)
    indicators = [i for objective in found.objectives for i in objective.indicators]
    unread = [i.key for i in indicators if i.target.value is None]
    typer.echo(f"{found.name}: {len(found.objectives)} objective(s), {len(indicators)} indicator(s)")
    typer.echo(f"sha256 {found.digest}")
    typer.echo(f"targets nobody has read: {', '.join(unread) or 'none'}")


@commands.command("list")
def list_() -> None:
    """List the sets that Hygie ships, as a configuration and `hygie judge --criteria` name them."""
    from scanner.criteria import ours

    with said():
        for found in ours().values():
            typer.echo(f"{found.name}\t{found.label.fr}")


@commands.command()
def copy(
    name: Annotated[str, typer.Argument(help="A set that Hygie ships: ID@VERSION.")],
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
) -> None:
    """Write a shipped set to a file of yours, to fill in the targets that you have read."""
    from scanner.config.load import ConfigError
    from scanner.criteria import ours, texts

    with said():
        if name not in ours():
            raise ConfigError(f"no set is called {name}; known: {', '.join(ours())}")
        if file.exists():
            raise ConfigError(f"{file} exists already; choose another name")
        try:
            file.write_bytes(texts((), Path())[name])
        except OSError as error:
            raise ConfigError(f"{file}: {error.strerror}") from error
    typer.echo(f"{file}: give it a version of its own, fill in, then run `hygie criteria check {file}`")
