"""The schedules: what is due when, and the usual ones to begin with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from scanner.command import DEFAULT, ConfigOption, JsonOption, LanguageOption, machine, opened, spoken

app = typer.Typer()


@app.command()
def schedule(
    propose: Annotated[str, typer.Option(help="Add the usual schedules of this perimeter.")] = "",
    as_json: JsonOption = False,
    language: LanguageOption = None,
    config: ConfigOption = DEFAULT,
) -> None:
    """List the schedules that `hygie serve` runs: next occasion, last one and what came of it."""
    from reports.visible import visible
    from scanner.config.load import extend
    from scanner.run import perimeter_of
    from scanner.schedule.calendar import next_due, proposed

    with opened(config) as (settings, store):
        if propose:
            perimeter = perimeter_of(settings, propose)
            known = {section.id for section in settings.file.schedules}
            for table in proposed(perimeter.id, directory=bool(perimeter.directories)):
                if table["id"] not in known:
                    extend(settings, {"schedules": [table]})
                    store.declarations.declare("schedules", table)
        now, last, zone = datetime.now(UTC), store.occasions.last(), settings.file.serve.timezone
        lines = []
        for section in settings.file.schedules:
            coming, before = next_due(section, now, zone), last.get(section.id)
            line = {
                "id": section.id,
                "perimeter": section.perimeter,
                "kind": section.kind,
                "cron": section.cron,
                "next": coming.isoformat(timespec="minutes") if coming else "",
                "last": before.due_at.isoformat(timespec="minutes") if before else "",
                "outcome": before.outcome if before else "",
            }
            lines.append(line)
    if as_json:
        machine(lines)
    elif not lines:
        typer.echo(spoken(settings, language)("schedule.none"))
    for line in () if as_json else lines:
        typer.echo("\t".join(map(visible, line.values())))
