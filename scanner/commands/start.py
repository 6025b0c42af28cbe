"""Commands to begin with: the version, a configuration, what works and what is missing, the demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scanner.command import DEFAULT, ConfigOption, opened, said
from scanner.exit import Exit

app = typer.Typer()


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as of

    typer.echo(of("hygie"))


@app.command()
def init(path: Annotated[Path, typer.Argument(help="Where to write it.")] = DEFAULT) -> None:
    """Write a commented configuration to start from."""
    from importlib.resources import files

    if path.exists():
        typer.echo(f"hygie: {path} exists already; choose another name", err=True)
        raise typer.Exit(Exit.USAGE)
    path.write_text((files("scanner.config") / "example.toml").read_text())
    path.chmod(0o600)
    typer.echo(f"{path}: add a mandate and a perimeter, then run `hygie doctor -c {path}`")


@app.command()
def doctor(config: ConfigOption = DEFAULT) -> None:
    """Say what works, what is missing, and what to do."""
    from scanner.doctor import examine

    with opened(config) as (settings, store):
        lines, healthy = examine(settings, store)
    typer.echo("\n".join(lines))
    raise typer.Exit(Exit.CLEAN if healthy else Exit.REFUSED)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("-o", help="Where the outputs go.")] = Path("hygie-demo"),
    hold: Annotated[bool, typer.Option(help="Keep the stage up until Ctrl-C, to look at it with other tools.")] = False,
    region: Annotated[bool, typer.Option(help="Forty establishments over a year instead, on the dashboard.")] = False,
    open_dashboard: Annotated[bool, typer.Option("--dashboard/--no-dashboard", help="Serve it at the end.")] = True,
) -> None:
    """Stage a fictitious hospital on loopback, scan it, and write the report."""
    if region:
        _region(folder, serve=open_dashboard)
        return
    from scanner.demo.play import play

    with said():
        typer.echo(play(folder, hold=hold), nl=False)


def _region(folder: Path, *, serve: bool) -> None:
    """Make the region, say how to enter, and serve it until Ctrl-C."""
    from scanner.demo.region.play import play
    from scanner.service import run

    with said():
        config, password = play(folder, lambda month: typer.echo(f"  {month}", err=True))
        typer.echo(f"40 fictitious establishments over 12 months: {config}\nlogin: demo, password: {password}")
        if serve:
            run(config)
