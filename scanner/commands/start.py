"""Commands to begin with: the version, a configuration, what works and what is missing, the demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scanner.command import (
    DEFAULT,
    ConfigOption,
    JsonOption,
    Language,
    LanguageOption,
    SpokenOption,
    machine,
    opened,
    said,
    say,
    spoken,
)
from scanner.exit import Exit

app = typer.Typer()


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as of

    typer.echo(of("hygie"))


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="Where to write it.")] = DEFAULT,
    language: SpokenOption = Language.FR,
) -> None:
    """Write a commented configuration to start from."""
    from importlib.resources import files

    if path.exists():
        typer.echo(f"hygie: {path} exists already; choose another name", err=True)
        raise typer.Exit(Exit.USAGE)
    path.write_text((files("scanner.config") / "example.toml").read_text())
    path.chmod(0o600)
    typer.echo(say(language)("begun", path=path))


@app.command()
def doctor(as_json: JsonOption = False, language: LanguageOption = None, config: ConfigOption = DEFAULT) -> None:
    """Say what works, what is missing, and what to do; exit code 3 when a scan could not run now."""
    from reports.visible import visible
    from scanner.doctor import examine
    from scanner.doctor_directory import Mark

    with opened(config) as (settings, store):
        w = spoken(settings, language)
        lines = examine(settings, store, w)
    if as_json:
        machine([{"mark": mark, "told": text} for mark, text in lines])
    for mark, text in () if as_json else lines:
        typer.echo(f"{w(f'doctor.mark.{mark.value}'):<8}{visible(text, 2000)}")
    raise typer.Exit(Exit.REFUSED if any(mark is Mark.MISSING for mark, _ in lines) else Exit.CLEAN)


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
