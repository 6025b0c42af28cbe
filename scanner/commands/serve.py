"""The service: the dashboard with its accounts, and the schedules."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from scanner.command import DEFAULT, ConfigOption, JsonOption, LanguageOption, machine, opened, said, spoken
from scanner.exit import Exit

app = typer.Typer()
commands = typer.Typer(help="Serve the dashboard and run what is scheduled; make accounts.")
account = typer.Typer(no_args_is_help=True, help="The accounts of the dashboard.")
commands.add_typer(account, name="account")
app.add_typer(commands, name="serve")


@commands.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on; the configuration's by default.")] = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; the configuration's by default.")] = 0,
    config: ConfigOption = DEFAULT,
) -> None:
    """Serve the dashboard and run what is scheduled, until stopped."""
    if context.invoked_subcommand is not None:
        return
    from scanner.service import run

    with said():
        run(config, host, port)


@account.command()
def add(
    login: Annotated[str, typer.Argument(help="How the person logs in.")],
    role: Annotated[str, typer.Option(help="admin, operator, auditor, analyst or establishment.")],
    name: Annotated[str, typer.Option(help="The person's name.")] = "",
    perimeter: Annotated[list[str] | None, typer.Option(help="A perimeter that is seen; all by default.")] = None,
    identity_provider: Annotated[bool, typer.Option(help="The person comes by OIDC, without a password.")] = False,
    config: ConfigOption = DEFAULT,
) -> None:
    """Make an account; the password is asked for, or read from standard input."""
    from scanner.store.accounts import Account, Role

    if role not in set(Role):
        typer.echo(f"hygie: no role is called {role}; known: {', '.join(Role)}", err=True)
        raise typer.Exit(Exit.USAGE)
    password = "" if identity_provider else _password()
    bounds = tuple(perimeter) if perimeter else None
    with opened(config) as (settings, store):
        store.accounts.add(Account(login=login, name=name or login, role=Role(role), perimeters=bounds), password)
    typer.echo(spoken(settings)("account.made", login=login))


@account.command("list")
def listed(as_json: JsonOption = False, language: LanguageOption = None, config: ConfigOption = DEFAULT) -> None:
    """List the accounts."""
    from reports.visible import visible

    with opened(config) as (settings, store):
        accounts, w = store.accounts.all(), spoken(settings, language)
    if as_json:
        machine(list(accounts))
    for known in () if as_json else accounts:
        bounds = "*" if known.perimeters is None else ",".join(known.perimeters)
        state = f" ({w('account.closed')})" if known.closed_at else ""
        typer.echo(f"{visible(known.login)}\t{known.role.value}\t{visible(bounds)}{state}")


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")
