"""The command that says what changed between two scans."""

from __future__ import annotations

from typing import Annotated

import typer

from scanner.command import DEFAULT, ConfigOption, LanguageOption, opened, spoken
from scanner.exit import Exit

app = typer.Typer()


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="The earlier scan: its id.")],
    after: Annotated[str, typer.Argument(help="The later scan: its id, `latest` or `latest:PERIMETER`.")] = "latest",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every object.")] = False,
    language: LanguageOption = None,
    config: ConfigOption = DEFAULT,
) -> None:
    """Say what changed from one scan to another: coverage first, then new, worse, gone and reopened findings.

    Exit code 1 when a finding is new, worse or reopened.
    """
    from reports.changes.difference import difference
    from reports.changes.text import render
    from reports.json import canonical, plain
    from rules.registry import load as registry
    from scanner.config.load import ConfigError
    from scanner.judging import judge_scan

    with opened(config) as (settings, store):
        first, second = store.scans.find(before), store.scans.find(after)
        if first.perimeter.id != second.perimeter.id:
            raise ConfigError(
                f"{first.id} is of perimeter {first.perimeter.id} and {second.id} of {second.perimeter.id}; "
                "use `hygie compare` for several perimeters"
            )
        told = difference(judge_scan(settings, store, first.id), judge_scan(settings, store, second.id))
        words = spoken(settings, language)
        tree = {"schema": "hygie/diff/1", **plain(told)}
        typer.echo(canonical(tree).decode() if as_json else render(told, registry().cards, words.language), nl=False)
    raise typer.Exit(Exit.FINDINGS if told.new or told.worse or told.reopened else Exit.CLEAN)
