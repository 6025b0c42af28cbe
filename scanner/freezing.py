"""Freezing a dossier: its report is written once, named by its digest, and its judgement stays for good."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reports.dossier import Dossier
from reports.evidence.pack import digest
from reports.json import render
from rules.registry import load as registry
from scanner.attesting import document_fault
from scanner.config.load import ConfigError, Settings
from scanner.store.dossiers import FrozenDossier
from scanner.store.store import Store

#: The folder of frozen dossiers, beside the configuration.
FOLDER = "dossiers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A frozen dossier, where its document is, and what became of it: ``same``, ``changed`` or ``missing``."""

    dossier: FrozenDossier
    path: Path
    state: str


def freeze(settings: Settings, store: Store, dossier: Dossier) -> Frozen:
    """Freeze a dossier; raise ``ConfigError`` when a document attached to it changed since."""
    faults = [fault for a in dossier.attestations if (fault := document_fault(a, settings.folder))]
    if faults:
        raise ConfigError("; ".join(map(str, faults)))
    data = render(dossier, registry().cards)
    frozen = store.dossiers.freeze(digest(data), dossier.judgement.id)
    path = _path(settings, frozen.id)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
            path.write_bytes(data)
            path.chmod(0o400)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    return _state(settings, frozen)


def frozen(settings: Settings, store: Store, perimeter: str = "") -> list[Frozen]:
    """Return every frozen dossier, or those of a perimeter, oldest first, and what became of each document."""
    found = store.dossiers.of(perimeter) if perimeter else store.dossiers.all()
    return [_state(settings, dossier) for dossier in found]


def _path(settings: Settings, dossier: str) -> Path:
    return settings.folder / FOLDER / f"{dossier}.json"


def _state(settings: Settings, dossier: FrozenDossier) -> Frozen:
    path = _path(settings, dossier.id)
    try:
        state = "same" if digest(path.read_bytes()) == dossier.id else "changed"
    except OSError:
        state = "missing"
    return Frozen(dossier=dossier, path=path, state=state)
