"""Commands on criteria sets: check one, list those that there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scanner.command import JsonOption, Language, SpokenOption, machine, said, say

app = typer.Typer()
commands = typer.Typer(no_args_is_help=True, help="Criteria sets: check a file, list those shipped.")
app.add_typer(commands, name="criteria")


@commands.command()
def check(
    file: Annotated[Path, typer.Argument(help="The TOML file of a set.")],
    as_json: JsonOption = False,
    language: SpokenOption = Language.FR,
) -> None:
    """Read a set and say what is wrong with it, or what it holds and what nobody has read yet."""
    from scanner.criteria import read

    with said():
        found = read(file)
    w, indicators = say(language), [i for objective in found.objectives for i in objective.indicators]
    unread = [i for i in indicators if i.target.value is None]
    if as_json:
        keys = {"indicators": [i.key for i in indicators], "targets_unread": [i.key for i in unread]}
        machine({"set": found.name, "sha256": found.digest, "objectives": [o.key for o in found.objectives], **keys})
        return
    objectives = w.count("criteria.objectives", len(found.objectives))
    typer.echo(f"{found.name}{w('colon')}{objectives}, {w.count('criteria.indicators', len(indicators))}")
    typer.echo(f"SHA-256 {found.digest}")
    typer.echo(w("criteria.unread" if unread else "criteria.all-read"))
    for i in unread:
        typer.echo(f"  {i.key}\t{i.label.text.in_(w.language)}")


@commands.command("list")
def list_(as_json: JsonOption = False, language: SpokenOption = Language.FR) -> None:
    """List the sets that Hygie ships, as a configuration and `hygie judge --criteria` name them."""
    from scanner.criteria import ours

    with said():
        sets = ours().values()
    if as_json:
        machine([{"set": found.name, "label": found.label, "sha256": found.digest} for found in sets])
        return
    for found in sets:
        typer.echo(f"{found.name}\t{found.label.text.in_(language.value)}")


@commands.command()
def copy(
    name: Annotated[str, typer.Argument(help="A set that Hygie ships: ID@VERSION.")],
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    language: SpokenOption = Language.FR,
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
    typer.echo(say(language)("criteria.copied", file=file))
