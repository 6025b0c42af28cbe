"""Commands for what is filed: dossiers frozen, evidence packs made, redacted and verified."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reports.interface import names
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
    said,
    say,
    spoken,
)
from scanner.exit import Exit

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from reports.words import Words
    from scanner.evidence.check import Checked, Trust

app = typer.Typer()
dossier = typer.Typer(no_args_is_help=True, help="Frozen dossiers: what was filed, kept for good.")
app.add_typer(dossier, name="dossier")
_KEY = Path("hygie-redaction.key")
_ScanArgument = Annotated[str, typer.Argument(help="A scan's id, `latest` or `latest:PERIMETER`.")]
_KeyOption = Annotated[Path, typer.Option(help="The owner's key of pseudonyms, made on first use (mode 0600).")]


@dossier.command()
def freeze(scan: _ScanArgument = "latest", config: ConfigOption = DEFAULT) -> None:
    """Freeze the dossier of a scan: its report is written once, under its own digest, and nothing purges it."""
    from scanner import freezing
    from scanner.judging import judge_scan

    with opened(config) as (settings, store):
        told = judge_scan(settings, store, store.scans.find(scan).id)
        frozen = freezing.freeze(settings, store, told)
    typer.echo(f"{frozen.dossier.id}  {frozen.path}")


@dossier.command("list")
def list_(as_json: JsonOption = False, language: LanguageOption = None, config: ConfigOption = DEFAULT) -> None:
    """List the frozen dossiers, and say which document changed or is gone; exit code 1 when one did."""
    from reports.json import plain
    from scanner import freezing

    with opened(config) as (settings, store):
        found, w = freezing.frozen(settings, store), spoken(settings, language)
    if as_json:
        machine([{**plain(frozen.dossier), "path": str(frozen.path), "state": frozen.state} for frozen in found])
    for frozen in () if as_json else found:
        d, state = frozen.dossier, w(f"document.{frozen.state}")
        typer.echo(f"{d.id}  {state}  {w.date(d.frozen_at.date())}  {visible(d.frozen_by)}  {d.judgement}")
    raise typer.Exit(Exit.FINDINGS if any(frozen.state != "same" for frozen in found) else Exit.CLEAN)


def _known(chosen: list[str] | None) -> list[str] | None:
    for name in chosen or ():
        if name not in names():
            raise typer.BadParameter(f"{visible(name, 40)} is not one of {', '.join(names())}")
    return chosen


@app.command()
def evidence(
    scan: _ScanArgument = "latest",
    output: Annotated[Path, typer.Option("-o", help="The pack, a ZIP file.")] = Path("preuve.zip"),
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", help="Reports beside the JSON one; html by default.", callback=_known),
    ] = None,
    language: LanguageOption = None,
    documents: Annotated[bool, typer.Option(help="Take the attached documents in.")] = True,
    with_captures: Annotated[bool, typer.Option("--with-captures", help="Take the bytes received in.")] = False,
    redact: Annotated[Path | None, typer.Option(help="Redact this full pack instead of making one.")] = None,
    key: _KeyOption = _KEY,
    config: ConfigOption = DEFAULT,
) -> None:
    """Make the evidence pack of a scan: signed, dated, and verified by anybody with openssl, sha256sum and unzip."""
    if redact is not None:
        _redact(redact, key, output, say(language or Language.FR))
        return
    from scanner.clock import utc_now
    from scanner.evidence import build
    from scanner.judging import judge_scan

    with opened(config) as (settings, store):
        told = judge_scan(settings, store, store.scans.find(scan).id)
        w = spoken(settings, language)
        wanted = build.Wanted(
            formats=formats or ("html",), language=w.language, documents=documents, captures=with_captures
        )
        files = build.build(settings, store, store.record(told.scan.id), told, wanted, utc_now())
        digest = build.save(output, files)
        store.audit.note("evidence-made", scan=told.scan.id, judgement=told.judgement.id, pack=digest)
    typer.echo(w.count("pack.made", len(files), path=output, sha256=digest))


def _redact(full: Path, key: Path, output: Path, w: Words) -> None:
    from reports.evidence.redaction import redact
    from scanner.evidence.build import save
    from scanner.evidence.check import check

    with said():
        files = _opened(full)
        if problems := check(files, _trust("", (), ())).differences:
            typer.echo("\n".join(visible(text.in_(w)) for text in problems))
            raise typer.Exit(Exit.FINDINGS)
        digest = save(output, redact(files, _key(key, make=True)))
    typer.echo(w("pack.made-redacted", path=output, key=key, sha256=digest))


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(help="An evidence pack (ZIP or folder), or a folder with SHA256SUMS.")],
    signer: Annotated[str, typer.Option(help="The expected SHA-256 of the signer's certificate.")] = "",
    ca: Annotated[list[Path] | None, typer.Option(help="PEM authorities that the signer must lead to.")] = None,
    stamp_ca: Annotated[list[Path] | None, typer.Option(help="PEM authorities of the time-stamp.")] = None,
    full: Annotated[Path | None, typer.Option(help="Of a redacted pack: the full one it must come from.")] = None,
    key: _KeyOption = _KEY,
    as_json: JsonOption = False,
    language: SpokenOption = Language.FR,
) -> None:
    """Verify a pack and list every difference; exit code 1 when there is one."""
    from reports import words
    from reports.evidence.pack import archive
    from reports.evidence.redaction import redact
    from scanner.config.load import ConfigError
    from scanner.evidence.check import Checked, check, is_pack
    from scanner.evidence.opening import UnreadablePackError, open_pack

    with said():
        if not path.exists():
            raise ConfigError(f"{path}: there is no such file or folder")
        trust = _trust(signer, ca or (), stamp_ca or ())
        try:
            files, differences = open_pack(path)
        except UnreadablePackError as error:
            _print(Checked(differences=[error.why]), 0, say(language), as_json=as_json)
            raise typer.Exit(Exit.FINDINGS) from error
        found = check(files, trust) if path.is_file() or is_pack(files) else _plain(files)
        if full is not None and archive(redact(_opened(full), _key(key, make=False))) != archive(files):
            found.differences.append(words.said("pack.not-from-full", path=path, full=full))
        found = Checked(differences=[*differences, *found.differences], told=found.told)
    _print(found, len(files), say(language), as_json=as_json)
    raise typer.Exit(Exit.FINDINGS if found.differences else Exit.CLEAN)


def _print(found: Checked, files: int, w: Words, *, as_json: bool) -> None:
    if as_json:
        told = {
            name: [{**text.flat(), "text": text.in_(w)} for text in getattr(found, name)]
            for name in ("told", "differences")
        }
        machine({"schema": "hygie/verify/1", "files": files, "holds": not found.differences, **told})
        return
    for text in (*found.told, *found.differences):
        typer.echo(visible(text.in_(w)))
    if not found.differences:
        typer.echo(w.count("pack.holds", files))


def _plain(files: dict[str, bytes]) -> Checked:
    """A folder of outputs: sums alone, nobody vouches for them."""
    from reports import words
    from reports.manifest import SUMS, differences
    from scanner.config.load import ConfigError
    from scanner.evidence.check import Checked

    if SUMS not in files:
        raise ConfigError(f"there is no {SUMS}; expected an evidence pack or a folder of outputs")
    rest = {name: data for name, data in files.items() if name != SUMS}
    text = files[SUMS].decode("utf-8", "replace")
    found = differences(text, rest)
    beside = [words.said("pack.beside-sums", file=name) for what, name in found if what == "added"]
    return Checked(
        differences=[words.said(f"pack.{what}", file=name) for what, name in found if what != "added"],
        told=[words.said("pack.sums-alone"), *beside],
    )


def _trust(signer: str, authorities: list[Path] | tuple[()], stamp_authorities: list[Path] | tuple[()]) -> Trust:
    from scanner.clock import utc_now
    from scanner.evidence.check import Trust

    return Trust(
        now=utc_now(),
        signer=signer,
        authorities=tuple(c for path in authorities for c in _certificates(path)),
        stamp_authorities=tuple(c for path in stamp_authorities for c in _certificates(path)),
    )


def _certificates(path: Path) -> list[Certificate]:
    from cryptography import x509

    from scanner.config.load import ConfigError

    try:
        return list(x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: no PEM certificate can be read in it") from error


def _opened(path: Path) -> dict[str, bytes]:
    from scanner.config.load import ConfigError
    from scanner.evidence.opening import UnreadablePackError, open_pack

    try:
        return open_pack(path)[0]
    except UnreadablePackError as error:
        raise ConfigError(str(error)) from error


def _key(path: Path, *, make: bool) -> bytes:
    from scanner.config.load import ConfigError

    try:
        if make and not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_hex(32).encode() + b"\n")
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path} can be read by others than its owner: chmod 600 {path}")
        return bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: expected the hexadecimal key of pseudonyms") from error
