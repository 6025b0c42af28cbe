"""Commands for what a person says: documents attached with their values, and risks accepted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from reports.visible import visible
from scanner.command import DEFAULT, ConfigOption, opened
from scanner.exit import Exit

app = typer.Typer()
attest = typer.Typer(no_args_is_help=True, help="Documents attached to a perimeter, with the values read in them.")
waive = typer.Typer(no_args_is_help=True, help="Accepted risks: a reason, an owner, at most twelve months.")
app.add_typer(attest, name="attest")
app.add_typer(waive, name="waive")
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_DAY = ["%Y-%m-%d"]


@attest.command("add")
def attest_add(
    perimeter: Annotated[str, typer.Argument(help="The perimeter it is about.")],
    type: Annotated[str, typer.Argument(help="The type of document; `hygie attest types` lists them.")],
    document: Annotated[Path, typer.Argument(help="The file.")],
    values: Annotated[
        list[str] | None, typer.Argument(help="Values read in it: NAME=VALUE, for example level=3.")
    ] = None,
    *,
    dated: Annotated[datetime, typer.Option(formats=_DAY, help="The day of the audit or event.")],
    issuer: Annotated[str, typer.Option(help="Who issued it.")] = "",
    page: Annotated[str, typer.Option(help="Where in it the values stand.")] = "",
    config: ConfigOption = DEFAULT,
) -> None:
    """Attach a document: its digest, its date, and the values that you read in it."""
    from scanner import attesting
    from scanner.run import perimeter_of, utc_now

    with opened(config) as (settings, store):
        attestation = attesting.attest(
            settings.folder,
            perimeter_of(settings, perimeter).id,
            type,
            document,
            attesting.pairs(values or ()),
            dated=dated.date(),
            issuer=issuer,
            page=page,
            by=store.audit.actor,
            at=utc_now(),
        )
        store.attestations.keep(attestation)
    typer.echo(attestation.id)


@attest.command("list")
def attest_list(
    perimeter: Annotated[str, typer.Argument(help="Only this perimeter.")] = "",
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT,
) -> None:
    """List the documents attached, and say which file changed or is gone; exit code 1 when one did."""
    from reports.json import plain
    from scanner.attesting import document_fault

    with opened(config) as (settings, store):
        found = [a for a in store.attestations.all() if perimeter in {"", a.perimeter}]
        faults = {a.id: document_fault(a, settings.folder) for a in found if a.withdrawn_at is None}
    if as_json:
        states = {id: fault.state if fault else "same" for id, fault in faults.items()}
        rows = [plain(a) | {"state": states.get(a.id, "withdrawn")} for a in found]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1, sort_keys=True))
    for a in () if as_json else found:
        values = ", ".join(f"{name}={value}" for name, value in a.values.items())
        state = " (withdrawn)" if a.withdrawn_at else ""
        typer.echo(visible(f"{a.id}  {a.perimeter}  {a.type}  {a.dated}  {values}  {a.document}{state}"))
    bad = [fault for fault in faults.values() if fault]
    for fault in bad:
        typer.echo(f"hygie: {visible(str(fault))}", err=True)
    raise typer.Exit(Exit.FINDINGS if bad else Exit.CLEAN)


@attest.command("withdraw")
def attest_withdraw(
    attestation: Annotated[str, typer.Argument(help="Its id.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    config: ConfigOption = DEFAULT,
) -> None:
    """Take an attestation back; it stays in the store, with the reason, and counts no more."""
    with opened(config) as (_, store):
        store.attestations.withdraw(attestation, reason)
    typer.echo(f"{visible(attestation)} no longer counts")


@attest.command("types")
def attest_types() -> None:
    """List the types of documents and the values that each holds."""
    from rules.attestations import kinds

    for kind in kinds().values():
        typer.echo(f"{kind.type}\t{kind.label.fr}")
        for name, value in kind.values.items():
            typer.echo(f"    {name}={value.kind}\t{value.label.fr}{' (demandé)' if value.required else ''}")


@waive.command("grant")
def waive_grant(
    finding: Annotated[str, typer.Argument(help="A finding: its fingerprint, or RULE@ASSET.")],
    reason: Annotated[str, typer.Option(help="Why the risk is accepted.")],
    owner: Annotated[str, typer.Option(help="Who accepts it.")],
    until: Annotated[datetime, typer.Option(formats=_DAY, help="The last day, at most twelve months away.")],
    scan: Annotated[str, typer.Option(help="The scan that told the finding.")] = "latest",
    config: ConfigOption = DEFAULT,
) -> None:
    """Accept the risk of a finding until a day; it stays a finding, counted apart."""
    from scanner import attesting
    from scanner.run import judge_scan, utc_now

    with opened(config) as (settings, store):
        dossier = judge_scan(settings, store, store.scans.find(scan).id)
        fingerprint, rule, asset = attesting.finding_of(finding, dossier.findings, dossier.history)
        waiver = attesting.waive(fingerprint, reason=reason, owner=owner, until=until.date(), at=utc_now())
        store.waivers.grant(waiver)
    typer.echo(visible(f"{waiver.id}  {rule}  {asset}  until {waiver.expires}"))


@waive.command("list")
def waive_list(as_json: JsonOption = False, config: ConfigOption = DEFAULT) -> None:
    """List the accepted risks: in force, expired, withdrawn."""
    from reports.json import plain

    with opened(config) as (_, store):
        found = store.waivers.all()
    today = datetime.now(UTC).date()
    rows = [(w, "withdrawn" if gone else "expired" if w.expires < today else "in force") for w, gone in found]
    if as_json:
        tables = [plain(w) | {"state": state} for w, state in rows]
        typer.echo(json.dumps(tables, ensure_ascii=False, indent=1, sort_keys=True))
        return
    for w, state in rows:
        typer.echo(visible(f"{w.id}  {state}  until {w.expires}  {w.fingerprint}  {w.owner}: {w.reason}"))


@waive.command("withdraw")
def waive_withdraw(
    waiver: Annotated[str, typer.Argument(help="Its id.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    config: ConfigOption = DEFAULT,
) -> None:
    """End an accepted risk before its day."""
    with opened(config) as (_, store):
        store.waivers.withdraw(waiver, reason)
    typer.echo(f"{visible(waiver)} no longer counts")
