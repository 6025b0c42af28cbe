"""Commands on candidates: what was met outside the mandate, until a person promotes or rejects it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from reports.visible import visible
from scanner.command import DEFAULT, ConfigOption, JsonOption, LanguageOption, machine, opened, said, spoken
from scanner.exit import Exit

if TYPE_CHECKING:
    from reports.words import Words
    from scanner.config.load import Settings
    from scanner.store.candidates import Candidate

app = typer.Typer()
commands = typer.Typer(help="What was met outside the mandate: list it, promote it, reject it. Nothing is sent to it.")
app.add_typer(commands, name="candidates")


class State(StrEnum):
    """Which candidates are listed."""

    OPEN = "open"
    PROMOTED = "promoted"
    REJECTED = "rejected"
    ALL = "all"


PerimeterOption = Annotated[str, typer.Option(help="The perimeter; may be left out when there is one.")]
ReasonOption = Annotated[str, typer.Option(help="Why; the audit log keeps it with who decided.")]
AssetArgument = Annotated[str, typer.Argument(help="An asset id, as the list gives it.")]


@commands.callback(invoke_without_command=True)
def candidates(
    context: typer.Context,
    perimeter: PerimeterOption = "",
    state: Annotated[State, typer.Option(help="Those to decide on, those decided, or all.")] = State.OPEN,
    as_json: JsonOption = False,
    language: LanguageOption = None,
    config: ConfigOption = DEFAULT,
) -> None:
    """List candidates with where each was found."""
    if context.invoked_subcommand is not None:
        return
    with opened(config) as (settings, store), said():
        found = store.candidates.of(_perimeter(settings, perimeter), "" if state is State.ALL else state.value)
        lines = [_line(spoken(settings, language), candidate) for candidate in found]
    if as_json:
        machine([_plain(candidate) for candidate in found])
    else:
        for line in lines:
            typer.echo(visible(line))


@commands.command()
def promote(
    asset: AssetArgument, reason: ReasonOption, perimeter: PerimeterOption = "", config: ConfigOption = DEFAULT
) -> None:
    """Say that an asset belongs to the establishment, and print the line its mandate needs: that line decides."""
    from scanner.config.suggestion import mandate_lines
    from scanner.store.candidates import PROMOTED

    decided, w = _decide(asset, PROMOTED, reason, perimeter, config)
    typer.echo(visible(w("candidate.decided", asset=decided.asset.id, state=w("candidate.promoted"))))
    typer.echo(w("candidate.mandate"))
    for line in mandate_lines(decided.asset):
        typer.echo(visible(line))


@commands.command()
def reject(
    asset: AssetArgument, reason: ReasonOption, perimeter: PerimeterOption = "", config: ConfigOption = DEFAULT
) -> None:
    """Say that an asset is not the establishment's."""
    from scanner.store.candidates import REJECTED

    decided, w = _decide(asset, REJECTED, reason, perimeter, config)
    typer.echo(visible(w("candidate.decided", asset=decided.asset.id, state=w("candidate.rejected"))))


@commands.command()
def reopen(
    asset: AssetArgument, reason: ReasonOption, perimeter: PerimeterOption = "", config: ConfigOption = DEFAULT
) -> None:
    """Take a decision back."""
    from scanner.store.candidates import OPEN

    decided, w = _decide(asset, OPEN, reason, perimeter, config)
    typer.echo(visible(w("candidate.decided", asset=decided.asset.id, state=w("candidate.reopened"))))


def _decide(asset: str, state: str, reason: str, perimeter: str, config: ConfigOption) -> tuple[Candidate, Words]:
    if not reason.strip():
        typer.echo("hygie: say why with --reason", err=True)
        raise typer.Exit(Exit.USAGE)
    with opened(config) as (settings, store), said():
        decided = store.candidates.decide(_perimeter(settings, perimeter), asset, state, reason.strip()[:500])
        return decided, spoken(settings)


def _perimeter(settings: Settings, perimeter: str) -> str:
    from scanner.config.load import ConfigError
    from scanner.run import perimeter_of

    if not perimeter and len(settings.perimeters) == 1:
        return next(iter(settings.perimeters))
    if not perimeter:
        raise ConfigError(f"say which perimeter with --perimeter; known: {', '.join(sorted(settings.perimeters))}")
    return perimeter_of(settings, perimeter).id


def _line(w: Words, candidate: Candidate) -> str:
    asset = candidate.asset
    place = w(f"found-in.{asset.found_in.value or 'declared'}") if asset.found_in else "-"
    decided = [f"{candidate.decided_by}{w('colon')}{candidate.reason}"] if candidate.decided_by else []
    return "  ".join([asset.id, w(f"candidate.{candidate.state}"), place, asset.found_by or "-", *decided])


def _plain(candidate: Candidate) -> dict[str, str | None]:
    return {
        "asset": candidate.asset.id,
        "kind": candidate.asset.kind.value,
        "name": candidate.asset.name,
        "state": candidate.state,
        "found_by": candidate.asset.found_by,
        "found_in": candidate.asset.found_in.value,
        "scan": candidate.scan,
        "met_at": candidate.met_at.isoformat(),
        "decided_by": candidate.decided_by,
        "decided_at": candidate.decided_at.isoformat() if candidate.decided_at else None,
        "reason": candidate.reason,
    }
