"""Commands that look and judge."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from reports.visible import visible
from rules.interface import Severity
from scanner.command import (
    DEFAULT,
    ConfigOption,
    FailOnOption,
    LanguageOption,
    judged,
    opened,
    spoken,
    written,
)
from scanner.exit import Exit, decide

if TYPE_CHECKING:
    from rules.subject import Scan
    from scanner.config.load import Settings
    from scanner.store.store import Store

app = typer.Typer()


class ScanPart(StrEnum):
    """The parts of a scan that --only names."""

    EXPOSURE = "exposure"
    DIRECTORY = "directory"


@app.command()
def scan(
    perimeters: Annotated[list[str] | None, typer.Argument(help="Perimeters to scan; all by default.")] = None,
    config: ConfigOption = DEFAULT,
    only: Annotated[ScanPart | None, typer.Option(help="Only this part.")] = None,
    level: Annotated[int, typer.Option(min=1, max=3, help="Level of intrusiveness, at most the mandate's.")] = 2,
    resume: Annotated[str, typer.Option(help="Go on with this scan: an id, or `latest` for the last one cut.")] = "",
    fail_on: FailOnOption = None,
    by: Annotated[str, typer.Option(help="Who asked for it, for the audit log.", hidden=True)] = "",
    order: Annotated[str, typer.Option(help="The id of the scan that a worker was asked for.", hidden=True)] = "",
) -> None:
    """Look at perimeters, judge what was seen, and print the summary."""
    from probes.interface import Part
    from scanner import run
    from scanner.config.load import PerimeterError
    from scanner.store.errors import PerimeterBusyError

    codes, part = [], Part(only.value) if only else None
    with opened(config, actor=by) as (settings, store):
        if not settings.perimeters:
            typer.echo(
                f"hygie: {config} declares no perimeter; add [[mandates]] and [[perimeters]] (see config.example.toml)",
                err=True,
            )
            raise typer.Exit(Exit.REFUSED)
        resume = resume or (order if order and store.scans.state(order) else "")
        cut = store.scans.unfinished(resume) if resume else None
        wanted = [cut.perimeter.id] if cut else perimeters or sorted(settings.perimeters)
        for perimeter in wanted:
            going_on = cut.id if cut else ""
            look = partial(run.scan, settings, store, perimeter, only=part, level=level, resume=going_on, order=order)
            try:
                codes.append(_scanned(settings, store, look, fail_on))
            except (PerimeterError, PerimeterBusyError) as error:
                if len(wanted) == 1:
                    raise
                # what is wrong with one perimeter keeps no other from its scan
                typer.echo(f"hygie: {visible(perimeter)}: {visible(str(error))}", err=True)
                codes.append(Exit.REFUSED)
            if codes[-1] is Exit.INTERRUPTED:
                break
    raise typer.Exit(max(codes, key=_gravity))


def _scanned(
    settings: Settings,
    store: Store,
    look: Callable[..., Coroutine[None, None, tuple[Scan, bool]]],
    fail_on: Severity | None,
) -> Exit:
    """Look at one perimeter, judge what was seen, and print the summary."""
    from reports import summary
    from rules.registry import load as registry
    from scanner.judging import judge_scan
    from scanner.progress import watch

    progress, shown = watch()
    with shown:
        ended, interrupted = asyncio.run(look(progress=progress))
    dossier = judge_scan(settings, store, ended.id)
    typer.echo(summary.render(dossier, registry().cards, settings.file.reports.language), nl=False)
    return decide(dossier, fail_on or Severity(settings.file.reports.fail_on), interrupted=interrupted)


def _gravity(code: Exit) -> int:
    """Interrupted before refused, refused before findings, findings before partial, partial before clean."""
    return (Exit.CLEAN, Exit.PARTIAL, Exit.FINDINGS, Exit.REFUSED, Exit.INTERRUPTED).index(code)


@app.command()
def judge(
    scan: Annotated[str, typer.Argument(help="A scan's id, `latest` or `latest:PERIMETER`.")] = "latest",
    newest_feeds: Annotated[
        bool, typer.Option("--newest-feeds", help="Read the feeds of today, not those kept with the scan.")
    ] = False,
    criteria: Annotated[
        list[str] | None, typer.Option(help="A criteria set: ID@VERSION or a .toml file; those configured by default.")
    ] = None,
    fail_on: FailOnOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON report instead of the summary.")] = False,
    language: LanguageOption = None,
    config: ConfigOption = DEFAULT,
) -> None:
    """Judge a stored scan with the rules of today, and print the summary; the exit codes are those of a scan."""
    from reports import json, summary
    from rules.interface import Severity
    from rules.registry import load as registry

    with judged(scan, config, criteria=criteria or (), newest_feeds=newest_feeds) as (settings, dossier):
        cards = registry().cards
        if as_json:
            written(json.render(dossier, cards), None)
        else:
            typer.echo(summary.render(dossier, cards, spoken(settings, language).language), nl=False)
        counted = fail_on or Severity(settings.file.reports.fail_on)
    raise typer.Exit(decide(dossier, counted, interrupted=False))
