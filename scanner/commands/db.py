"""Commands on the store: upgrade it, purge it, verify its audit log."""

from __future__ import annotations

import typer

from reports.visible import visible
from scanner.command import DEFAULT, ConfigOption, opened, said
from scanner.exit import Exit

app = typer.Typer()
commands = typer.Typer(no_args_is_help=True, help="The store: upgrade it, purge it, verify its audit log.")
app.add_typer(commands, name="db")
#: Days of a month, on the average of four years.
_MONTH = 30.4375


@commands.command()
def upgrade(config: ConfigOption = DEFAULT) -> None:
    """Bring the store to this version."""
    from scanner.config.load import load
    from scanner.store.store import upgrade_store

    with said():
        upgrade_store(load(config).store_location())
    typer.echo("the store is current")


@commands.command()
def purge(config: ConfigOption = DEFAULT) -> None:
    """Remove what its retention has passed; the audit log keeps that it was removed."""
    from scanner.store.retention import Retention

    with opened(config) as (settings, store):
        kept = settings.file.retention
        days = Retention(captures=round(kept.captures_months * _MONTH), findings=round(kept.findings_months * _MONTH))
        removed = store.purge(days)
    typer.echo(f"{len(removed.scans)} scan(s) and {removed.captures} capture(s) removed, {removed.size >> 20} MiB")


@commands.command()
def audit(config: ConfigOption = DEFAULT) -> None:
    """Verify the chain of the audit log."""
    with opened(config) as (_, store):
        broken = store.verify_audit()
    typer.echo(visible(str(broken)) if broken else "the audit log is whole")
    raise typer.Exit(Exit.FINDINGS if broken else Exit.CLEAN)
