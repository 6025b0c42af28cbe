"""Commands for what a person says: documents attached with their values, and risks accepted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reports.visible import visible
from scanner.command import (
    DEFAULT,
    ConfigOption,
    JsonOption,
    Language,
    LanguageOption,
    SpokenOption,
    machine,
    opened,
    say,
    spoken,
)
from scanner.exit import Exit

if TYPE_CHECKING:
    from rules.subject import Waiver

app = typer.Typer()
attest = typer.Typer(no_args_is_help=True, help="Documents attached to a perimeter, with the values read in them.")
waive = typer.Typer(no_args_is_help=True, help="Accepted risks: a reason, an owner, at most twelve months.")
app.add_typer(attest, name="attest")
app.add_typer(waive, name="waive")
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
    from scanner.clock import utc_now
    from scanner.run import perimeter_of

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
    language: LanguageOption = None,
    config: ConfigOption = DEFAULT,
) -> None:
    """List the documents attached, and say which file changed or is gone; exit code 1 when one did."""
    from reports.json import plain
    from rules.attestations import kinds
    from scanner.attesting import document_fault

    with opened(config) as (settings, store):
        found = [a for a in store.attestations.all() if perimeter in {"", a.perimeter}]
        faults = {a.id: document_fault(a, settings.folder) for a in found if a.withdrawn_at is None}
        w = spoken(settings, language)
    states = {id: fault.state if fault else "same" for id, fault in faults.items()}
    states |= {a.id: "withdrawn" for a in found if a.withdrawn_at}
    if as_json:
        machine([plain(a) | {"state": states[a.id]} for a in found])
    for a in () if as_json else found:
        values = ", ".join(f"{name}={value}" for name, value in a.values.items())
        label, state = kinds()[a.type].label.in_(w.language), w(f"document.{states[a.id]}")
        typer.echo(visible(f"{a.id}  {a.perimeter}  {label}  {w.date(a.dated)}  {values}  {a.document}  ({state})"))
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
    with opened(config) as (settings, store):
        store.attestations.withdraw(attestation, reason)
    typer.echo(spoken(settings)("withdrawn", id=visible(attestation)))


@attest.command("types")
def attest_types(as_json: JsonOption = False, language: SpokenOption = Language.FR) -> None:
    """List the types of documents and the values that each holds."""
    from rules.attestations import kinds

    w = say(language)
    if as_json:
        machine(list(kinds().values()))
        return
    for kind in kinds().values():
        typer.echo(f"{kind.type}\t{kind.label.in_(w.language)}")
        for name, value in kind.values.items():
            needed = f" ({w('needed')})" if value.required else ""
            typer.echo(f"    {name}={w(f'value.{value.kind}')}\t{value.label.in_(w.language)}{needed}")


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
    from scanner.clock import utc_now
    from scanner.judging import judge_scan

    with opened(config) as (settings, store):
        dossier = judge_scan(settings, store, store.scans.find(scan).id)
        fingerprint, rule, asset = attesting.finding_of(finding, dossier.findings, dossier.history)
        waiver = attesting.waive(
            fingerprint,
            dossier.perimeter.id,
            f"{rule}@{asset}",
            reason=reason,
            owner=owner,
            until=until.date(),
            at=utc_now(),
        )
        store.waivers.grant(waiver)
        until_day = spoken(settings)("until", day=waiver.expires)
    typer.echo(visible(f"{waiver.id}  {rule}  {asset}  {until_day}"))


@waive.command("list")
def waive_list(as_json: JsonOption = False, language: LanguageOption = None, config: ConfigOption = DEFAULT) -> None:
    """List the accepted risks: in force, expired, withdrawn."""
    from reports.json import plain

    with opened(config) as (settings, store):
        found = store.waivers.all()
        w = spoken(settings, language)
    today = datetime.now(UTC).date()
    rows = [(waiver, _state(waiver, withdrawn=gone is not None, today=today)) for waiver, gone in found]
    if as_json:
        machine([plain(waiver) | {"state": state} for waiver, state in rows])
        return
    for waiver, state in rows:
        until, on = w("until", day=waiver.expires), waiver.about or waiver.fingerprint
        head = f"{waiver.id}  {waiver.perimeter or '*'}  {w(f'waiver.{state}')}  {until}"
        typer.echo(visible(f"{head}  {on}  {waiver.owner}{w('colon')}{waiver.reason}", 1000))


def _state(waiver: Waiver, *, withdrawn: bool, today: date) -> str:
    if withdrawn:
        return "withdrawn"
    return "expired" if waiver.expires < today else "in force"


@waive.command("withdraw")
def waive_withdraw(
    waiver: Annotated[str, typer.Argument(help="Its id.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    config: ConfigOption = DEFAULT,
) -> None:
    """End an accepted risk before its day."""
    with opened(config) as (settings, store):
        store.waivers.withdraw(waiver, reason)
    typer.echo(spoken(settings)("withdrawn", id=visible(waiver)))
