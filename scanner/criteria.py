"""The criteria sets that a configuration or a command names, shipped or a person's own file, and their scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from rules.case import Case
from rules.criteria import CriteriaSet, CriterionResult, ObjectiveResult
from rules.criteria_file import parse, shipped
from rules.interface import RuleError
from rules.registry import load
from rules.score import score
from scanner.config.load import ConfigError

#: Largest file of a criteria set read, in bytes.
_LARGEST = 1 << 20


def read(path: Path) -> CriteriaSet:
    """Return the set of a file; raise ``ConfigError`` with the line, the key and what is wrong.

    A file that changes a shipped set keeps another name: a dossier names its sets by id and version.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        text = data.decode()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    if len(data) > _LARGEST:
        raise ConfigError(f"{path}: larger than {_LARGEST >> 20} MiB; this is no criteria set")
    found = _parsed(str(path), text)
    shipped_one = ours().get(found.name)
    if shipped_one is not None and shipped_one.digest != found.digest:
        raise ConfigError(
            f"{path}: version: {found.name} is the name of the set that Hygie ships, and this text differs from it; "
            f'give it a version of your own, for example version = "{found.version}-ch"'
        )
    return found


@cache
def ours() -> Mapping[str, CriteriaSet]:
    """Return the sets that Hygie ships, by name."""
    sets = [_parsed(name, text) for name, text in shipped().items()]
    return MappingProxyType({found.name: found for found in sorted(sets, key=lambda found: found.name)})


def named(references: Iterable[str], folder: Path) -> tuple[CriteriaSet, ...]:
    """Return the sets of references: ``ID@VERSION`` of a shipped one, or a path read against ``folder``."""
    known, chosen = ours(), dict[str, CriteriaSet]()
    for reference in references:
        if reference in known:
            found = known[reference]
        elif reference.endswith(".toml"):
            found = read(folder / reference)
        else:
            raise ConfigError(
                f"criteria: no set is called {reference}; known: {', '.join(known)}, or the path of a .toml file"
            )
        if chosen.setdefault(found.name, found) is not found:
            raise ConfigError(f"criteria: two sets are called {found.name}; give one another id or version")
    return tuple(chosen.values())


def texts(references: Iterable[str], folder: Path) -> dict[str, bytes]:
    """Return the files of the sets of references, by the names of the sets."""
    files = {_parsed(name, text).name: text.encode() for name, text in shipped().items()}
    for reference in references:
        if reference.endswith(".toml"):
            files[read(folder / reference).name] = (folder / reference).read_bytes()
    return files


def weigh(sets: Iterable[CriteriaSet], case: Case) -> tuple[tuple[CriterionResult, ...], tuple[ObjectiveResult, ...]]:
    """Return the indicators and the objectives of every set over a case."""
    scores = [score(of, case) for of in sets]
    return tuple(c for s in scores for c in s.criteria), tuple(o for s in scores for o in s.objectives)


def _parsed(name: str, text: str) -> CriteriaSet:
    try:
        return parse(name, text, frozenset(load().rules))
    except RuleError as error:
        raise ConfigError(str(error)) from error
