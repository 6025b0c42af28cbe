"""The command that imports what other tools wrote."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from probes.interface import Vantage
from scanner.command import DEFAULT, ConfigOption, FailOnOption, opened
from scanner.exit import decide

app = typer.Typer()


@app.command("import")
def import_(
    kind: Annotated[str, typer.Argument(help="What wrote it; an unknown kind lists those known.")],
    file: Annotated[Path, typer.Argument(help="A file, a folder, or an archive (ZIP, tar).")],
    config: ConfigOption = DEFAULT,
    perimeter: Annotated[str, typer.Option(help="The perimeter it is of; may be left out when there is one.")] = "",
    at: Annotated[
        datetime | None, typer.Option(help="The instant (UTC) its content is of, when it does not say.")
    ] = None,
    box: Annotated[str, typer.Option(help="The machine it was made on; this one by default.")] = "",
    vantage: Annotated[
        Vantage | None, typer.Option(help="Where it was made; the kind's usual place by default.")
    ] = None,
    complete: Annotated[
        bool, typer.Option("--complete", help="Say that nothing is missing from it, when it does not prove it.")
    ] = False,
    fail_on: FailOnOption = None,
) -> None:
    """Import a file of another tool, judge it by the same rules, and print the summary."""
    from probes.facts.directory import UNPROVEN, NamingContextRead
    from reports import summary
    from reports.words import load
    from rules.interface import Severity
    from rules.registry import load as registry
    from scanner.catalogue import importers
    from scanner.imports import import_file
    from scanner.judging import judge_scan
    from scanner.progress import watch

    with opened(config) as (settings, store):
        progress, shown = watch()
        with shown:
            work = import_file(
                settings,
                store,
                kind,
                file,
                perimeter=perimeter,
                made_at=at.replace(tzinfo=UTC) if at else None,
                box=box,
                vantage=vantage,
                progress=progress,
                declared_whole=complete,
            )
            ended, interrupted = asyncio.run(work)
        if caveat := importers()[kind].caveat:
            typer.echo(f"hygie: {kind}: {caveat}", err=True)
        dossier = judge_scan(settings, store, ended.id)
        typer.echo(summary.render(dossier, registry().cards, settings.file.reports.language), nl=False)
        say = load(settings.file.reports.language)
        contexts = (o.fact for o in store.record(ended.id).observations if isinstance(o.fact, NamingContextRead))
        if unproven := sum(fact.cut == UNPROVEN for fact in contexts):
            typer.echo(say.count("imported.unproven", unproven))
        if within := {a.id for a in store.records.met(ended.id) if a.found_in}:
            typer.echo(say.count("imported.within", len(within)))
        if outside := store.records.outside(ended.id):
            typer.echo(say.count("imported.outside", len(outside)))
        counted = fail_on or Severity(settings.file.reports.fail_on)
    raise typer.Exit(decide(dossier, counted, interrupted=interrupted))
