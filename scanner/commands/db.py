"""Commands on the store: upgrade it, purge it, verify its audit log."""

from __future__ import annotations

import typer

from reports.visible import visible
from scanner.command import DEFAULT, ConfigOption, JsonOption, LanguageOption, machine, opened, said, spoken
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
        settings = load(config)
        upgrade_store(settings.store_location())
    typer.echo(spoken(settings)("store.current"))


@commands.command()
def purge(config: ConfigOption = DEFAULT) -> None:
    """Remove what its retention has passed; the audit log keeps that it was removed."""
    from scanner.store.retention import Retention

    with opened(config) as (settings, store):
        kept = settings.file.retention
        days = Retention(captures=round(kept.captures_months * _MONTH), findings=round(kept.findings_months * _MONTH))
        removed = store.purge(days)
        w = spoken(settings)
    scans, captures = w.count("store.scans", len(removed.scans)), w.count("store.captures", removed.captures)
    typer.echo(w("store.purged", scans=scans, captures=captures, size=removed.size >> 20))


@commands.command()
def audit(as_json: JsonOption = False, language: LanguageOption = None, config: ConfigOption = DEFAULT) -> None:
    """Verify the chain of the audit log; exit code 1 when it is broken."""
    with opened(config) as (settings, store):
        broken = store.verify_audit()
        w = spoken(settings, language)
    if as_json:
        machine({"whole": broken is None, "broken": broken})
    elif broken:
        typer.echo(w("store.audit-broken", position=broken.position, fault=visible(broken.fault)))
    else:
        typer.echo(w("store.audit-whole"))
    raise typer.Exit(Exit.FINDINGS if broken else Exit.CLEAN)
