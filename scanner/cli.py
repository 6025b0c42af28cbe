"""The commands and their exit codes; heavy imports wait inside each command."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reports.visible import visible
from scanner.exit import Exit, decide

if TYPE_CHECKING:
    from reports.dossier import Dossier
    from scanner.config.load import Settings
    from scanner.store.store import Store

app = typer.Typer(no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False, rich_markup_mode=None)
db = typer.Typer(no_args_is_help=True, help="The store: upgrade it, purge it, verify its audit log.")
app.add_typer(db, name="db")

ConfigOption = Annotated[Path, typer.Option("-c", "--config", help="The configuration file.")]
DEFAULT = Path("config.toml")
#: Days of a month, on the average of four years.
_MONTH = 30.4375


class ScanPart(StrEnum):
    """The parts of a scan that --only names."""

    EXPOSURE = "exposure"
    DIRECTORY = "directory"


class Format(StrEnum):
    """The formats of a report."""

    JSON = "json"
    TEXT = "text"


class Language(StrEnum):
    """The languages of reports."""

    FR = "fr"
    EN = "en"


def main() -> None:
    """Run a command."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    app()


@contextmanager
def _said(*, quiet: bool = False) -> Iterator[None]:
    """Turn what a user can cause into one line on standard error and its exit code."""
    from scanner.config.load import ConfigError
    from scanner.store.errors import StoreError

    try:
        yield
    except (ConfigError, StoreError) as error:
        typer.echo(f"hygie: {visible(str(error))}", err=True)
        raise typer.Exit(Exit.REFUSED) from error


@contextmanager
def _opened(config: Path) -> Iterator[tuple[Settings, Store]]:
    from scanner.config.load import load
    from scanner.store.store import open_store

    with _said():
        settings = load(config)
        with open_store(settings.store_location()) as store:
            yield settings, store


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

    with _opened(config) as (settings, store):
        lines, healthy = examine(settings, store)
    typer.echo("\n".join(lines))
    raise typer.Exit(Exit.CLEAN if healthy else Exit.REFUSED)


@app.command()
def scan(
    perimeters: Annotated[list[str] | None, typer.Argument(help="Perimeters to scan; all by default.")] = None,
    config: ConfigOption = DEFAULT,
    only: Annotated[ScanPart | None, typer.Option(help="Only this part.")] = None,
    level: Annotated[int, typer.Option(min=1, max=3, help="Level of intrusiveness, at most the mandate's.")] = 2,
    resume: Annotated[str, typer.Option(help="Go on with this scan.")] = "",
) -> None:
    """Look at perimeters, judge what was seen, and print the summary."""
    from probes.interface import Part
    from reports import summary
    from rules.interface import Severity
    from rules.registry import load as registry
    from scanner import run
    from scanner.progress import watch

    codes = []
    with _opened(config) as (settings, store):
        if not settings.perimeters:
            typer.echo(
                f"hygie: {config} declares no perimeter; add [[mandates]] and [[perimeters]] (see config.example.toml)",
                err=True,
            )
            raise typer.Exit(Exit.REFUSED)
        wanted = [store.scans.find(resume).perimeter.id] if resume else perimeters or sorted(settings.perimeters)
        for perimeter in wanted:
            progress, shown = watch()
            with shown:
                part = Part(only.value) if only else None
                work = run.scan(settings, store, perimeter, only=part, level=level, resume=resume, progress=progress)
                ended, interrupted = asyncio.run(work)
            dossier = run.judge_scan(settings, store, ended.id)
            typer.echo(summary.render(dossier, registry().cards, settings.file.reports.language), nl=False)
            fail_on = Severity(settings.file.reports.fail_on)
            codes.append(decide(dossier.findings, dossier.attempts, fail_on, interrupted=interrupted))
    raise typer.Exit(max(codes, key=_gravity))


def _gravity(code: Exit) -> int:
    """Interrupted before findings, findings before partial, partial before clean."""
    return (Exit.CLEAN, Exit.PARTIAL, Exit.FINDINGS, Exit.INTERRUPTED).index(code)


@app.command()
def judge(
    scan: Annotated[str, typer.Argument(help="A scan's id, `latest` or `latest:PERIMETER`.")] = "latest",
    config: ConfigOption = DEFAULT,
) -> None:
    """Judge a stored scan with the rules of today, and print the summary."""
    from reports import summary
    from rules.registry import load as registry

    with _dossier(scan, config) as (settings, dossier):
        typer.echo(summary.render(dossier, registry().cards, settings.file.reports.language), nl=False)


@app.command()
def report(
    scan: Annotated[str, typer.Argument(help="A scan's id, `latest` or `latest:PERIMETER`.")] = "latest",
    format: Annotated[Format, typer.Option("--format", help="The format.")] = Format.JSON,
    output: Annotated[Path | None, typer.Option("-o", help="A file; standard output by default.")] = None,
    language: Annotated[Language | None, typer.Option("--lang", help="The language.")] = None,
    config: ConfigOption = DEFAULT,
) -> None:
    """Tell a stored scan in a format."""
    from reports import json, summary
    from rules.registry import load as registry

    with _dossier(scan, config) as (settings, dossier):
        cards = registry().cards
        spoken = language.value if language else settings.file.reports.language
        text = format is Format.TEXT
        data = summary.render(dossier, cards, spoken).encode() if text else json.render(dossier, cards)
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        output.write_bytes(data)
        output.chmod(0o600)


@contextmanager
def _dossier(reference: str, config: Path) -> Iterator[tuple[Settings, Dossier]]:
    from scanner import run

    with _opened(config) as (settings, store):
        yield settings, run.judge_scan(settings, store, store.scans.find(reference).id)


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


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("-o", help="Where the outputs go.")] = Path("hygie-demo"),
    hold: Annotated[bool, typer.Option(help="Keep the stage up until Ctrl-C, to look at it with other tools.")] = False,
) -> None:
    """Stage a fictitious hospital on loopback, scan it, and write the report."""
    from scanner.demo.play import play

    with _said():
        typer.echo(play(folder, hold=hold), nl=False)


@db.command()
def upgrade(config: ConfigOption = DEFAULT) -> None:
    """Bring the store to this version."""
    from scanner.config.load import load
    from scanner.store.store import upgrade_store

    with _said():
        upgrade_store(load(config).store_location())
    typer.echo("the store is current")


@db.command()
def purge(config: ConfigOption = DEFAULT) -> None:
    """Remove what its retention has passed; the audit log keeps that it was removed."""
    from scanner.store.retention import Retention

    with _opened(config) as (settings, store):
        kept = settings.file.retention
        days = Retention(captures=round(kept.captures_months * _MONTH), findings=round(kept.findings_months * _MONTH))
        removed = store.purge(days)
    typer.echo(str(removed))


@db.command()
def audit(config: ConfigOption = DEFAULT) -> None:
    """Verify the chain of the audit log."""
    with _opened(config) as (_, store):
        broken = store.verify_audit()
    typer.echo(visible(str(broken)) if broken else "the audit log is whole")
    raise typer.Exit(Exit.FINDINGS if broken else Exit.CLEAN)
