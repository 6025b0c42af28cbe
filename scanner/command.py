"""What every command shares: the configuration option, the opened store, and one sentence for what a user can cause."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reports.visible import visible
from rules.interface import Severity
from scanner.exit import Exit

if TYPE_CHECKING:
    from reports.dossier import Dossier
    from reports.words import Words
    from scanner.config.load import Settings
    from scanner.store.store import Store

ConfigOption = Annotated[Path, typer.Option("-c", "--config", help="The configuration file.")]
FailOnOption = Annotated[
    Severity | None,
    typer.Option("--fail-on", help="Exit code 1 from this severity on; as the configuration says by default."),
]
DEFAULT = Path("config.toml")


class Language(StrEnum):
    """The languages of what people read."""

    FR = "fr"
    EN = "en"


LanguageOption = Annotated[
    Language | None, typer.Option("--lang", help="The language; as the configuration says by default.")
]
#: Of commands that read no configuration.
SpokenOption = Annotated[Language, typer.Option("--lang", help="The language.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@contextmanager
def said() -> Iterator[None]:
    """Turn what a user can cause into one line on standard error and its exit code."""
    from scanner.config.load import ConfigError
    from scanner.store.errors import LeaseLostError, StoreError

    try:
        yield
    except (ConfigError, StoreError) as error:
        typer.echo(f"hygie: {visible(str(error))}", err=True)
        raise typer.Exit(Exit.INTERRUPTED if isinstance(error, LeaseLostError) else Exit.REFUSED) from error


@contextmanager
def opened(config: Path, *, actor: str = "") -> Iterator[tuple[Settings, Store]]:
    """Read the configuration and open its store for one command, in the name of ``actor`` (default: the user)."""
    from scanner.config.load import extend, load
    from scanner.store.store import open_store

    with said():
        settings = load(config)
        with open_store(settings.store_location(), actor=actor) as store:
            yield extend(settings, store.declarations.all()), store


@contextmanager
def judged(
    reference: str, config: Path, *, criteria: Sequence[str] = (), newest_feeds: bool = False
) -> Iterator[tuple[Settings, Dossier]]:
    """Judge the stored scan that a reference names, for one command; a document that changed is said.

    Its transcribed values still count in what is told; nothing is frozen or packed until it is put right.
    """
    from scanner.attesting import document_fault
    from scanner.judging import judge_scan

    with opened(config) as (settings, store):
        scan = store.scans.find(reference).id
        dossier = judge_scan(settings, store, scan, criteria=criteria, newest_feeds=newest_feeds)
        for attestation in dossier.attestations:
            if fault := document_fault(attestation, settings.folder):
                typer.echo(f"hygie: {visible(str(fault))}", err=True)
        yield settings, dossier


def spoken(settings: Settings, language: Language | None = None) -> Words:
    """Return the words that a command answers in: of the language asked for, else of the configuration's."""
    return say(language or Language(settings.file.reports.language))


def say(language: Language) -> Words:
    """Return the words of commands in a language."""
    from reports.words import load

    return load(language.value, "scanner")


def machine(value: object) -> None:
    """Print plain data, dataclasses among it, as JSON."""
    from reports.json import canonical

    typer.echo(canonical(value).decode(), nl=False)


def written(data: bytes, output: Path | None) -> None:
    """Write a result to a file that only its owner reads, or to standard output."""
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        with open(output, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(data)
        if output.is_file():
            output.chmod(0o600)
