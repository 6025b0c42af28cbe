"""Reads the configuration file; every mistake is one sentence with the file, the key, and what to do."""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from probes.interface import Hosted, Mandate, Scope, Window, canonical_name
from rules.subject import Establishment, Perimeter
from scanner.config.schema import DirectorySection, FileSchema, MandateSection, PerimeterSection

#: Largest configuration file read, in bytes.
_LARGEST = 4 << 20
_DAYS = {day: number for number, day in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}


class ConfigError(Exception):
    """The configuration cannot be used; exit code 3."""


class PerimeterError(ConfigError):
    """One perimeter cannot be scanned as it is declared; the others are none the worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The configuration as the application reads it; ``digest`` leaves secrets out because the file holds none."""

    path: Path
    file: FileSchema
    mandates: Mapping[str, Mandate]
    perimeters: Mapping[str, Perimeter]
    perimeter_mandates: Mapping[str, str]
    directories: Mapping[str, DirectorySection]
    digest: str

    @property
    def folder(self) -> Path:
        """The folder against which relative paths are read."""
        return self.path.parent

    def store_location(self) -> str | Path:
        """The store: a URL, or a path beside the configuration."""
        url = self.file.store.url
        return url if "://" in url else self.folder / url


def load(path: Path) -> Settings:
    """Return the settings of a file; raise ``ConfigError``."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}. Make one with `hygie init`, or name yours with -c FILE."
        ) from error
    if len(data) > _LARGEST:
        raise ConfigError(f"{path}: larger than {_LARGEST >> 20} MiB; this is no configuration file")
    try:
        text = data.decode()
        return parse(path, text)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error


def parse(path: Path, text: str) -> Settings:
    """Return the settings that a text means."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error
    try:
        file = FileSchema.model_validate(tables)
    except ValidationError as error:
        raise ConfigError(_sentence(path, text, error)) from error
    return _built(path, file)


def extend(settings: Settings, declared: Mapping[str, Sequence[Mapping[str, Any]]]) -> Settings:
    """Return the settings with further tables (mandates, perimeters, schedules), held to the same rules."""
    if not declared:
        return settings
    path = settings.path.with_name(f"{settings.path.name} and what was entered on screen")
    tables = settings.file.model_dump(include=set(declared))
    merged = {kind: [*tables[kind], *entries] for kind, entries in declared.items()}
    try:
        added = FileSchema.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_sentence(path, "", error)) from error
    extended = _built(path, settings.file.model_copy(update={kind: getattr(added, kind) for kind in declared}))
    return replace(extended, path=settings.path)


def _built(path: Path, file: FileSchema) -> Settings:
    mandates = _unique(path, "mandates", "reference", file.mandates)
    perimeters = _unique(path, "perimeters", "id", file.perimeters)
    directories = _unique(path, "directories", "name", file.directories)
    for perimeter in perimeters.values():
        _check(path, perimeter, mandates, directories)
    for schedule in _unique(path, "schedules", "id", file.schedules).values():
        if schedule.perimeter not in perimeters:
            raise ConfigError(f"{path}, schedule {schedule.id}: no perimeter is called {schedule.perimeter}")
    scopes = {reference: _mandate(path, section) for reference, section in mandates.items()}
    return Settings(
        path=path,
        file=file,
        mandates=scopes,
        perimeters={id: _perimeter(section, scopes[section.mandate]) for id, section in perimeters.items()},
        perimeter_mandates={id: section.mandate for id, section in perimeters.items()},
        directories=directories,
        digest=hashlib.sha256(file.model_dump_json().encode()).hexdigest(),
    )


def _sentence(path: Path, text: str, error: ValidationError) -> str:
    # A misspelt key is unknown and leaves another missing: the unknown one says more.
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"] if not (isinstance(part, str) and part.startswith("IPv")))
    line = _line_of(text, first["loc"])
    place = f"{path}, line {line}, {where}" if line else f"{path}, {where}"
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(first["loc"][-1]), _known_keys(FileSchema, first["loc"][:-1]), n=1)
        hint = f"; did you mean {near[0]}?" if near else "; remove it"
        return f"{place}: unknown key{hint}"
    if first["type"] == "missing":
        return f"{place}: this key is required; add it"
    more = len(error.errors()) - 1
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" + (f" (and {more} more)" if more else "")


def _line_of(text: str, loc: Iterable[int | str]) -> int:
    """The line of the last named key, found by reading the file again; 0 when it cannot be told."""
    names = [str(part) for part in loc if isinstance(part, str)]
    for name in reversed(names):
        for number, line in enumerate(text.splitlines(), 1):
            if re.match(rf"\s*(\[+[^\]]*\b{re.escape(name)}\b[^\]]*\]+|\"?{re.escape(name)}\"?\s*=)", line):
                return number
    return 0


def _known_keys(model: type[BaseModel], loc: Iterable[int | str]) -> list[str]:
    current: Any = model
    for part in loc:
        if isinstance(part, str) and isinstance(current, type) and issubclass(current, BaseModel):
            annotation: Any = current.model_fields[part].annotation
            inner = getattr(annotation, "__args__", ())
            current = inner[0] if inner else annotation
    return list(current.model_fields) if isinstance(current, type) and issubclass(current, BaseModel) else []


def _unique(path: Path, table: str, key: str, sections: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for section in sections:
        name = getattr(section, key)
        if name in found:
            raise ConfigError(f"{path}, {table}: two of them have the {key} {name}; give each its own")
        found[name] = section
    return found


def _check(
    path: Path,
    perimeter: PerimeterSection,
    mandates: Mapping[str, MandateSection],
    directories: Mapping[str, DirectorySection],
) -> None:
    where = f"{path}, perimeter {perimeter.id}"
    mandate = mandates.get(perimeter.mandate)
    if mandate is None:
        raise ConfigError(f"{where}: no mandate has the reference {perimeter.mandate}; add it under [[mandates]]")
    scope = _scope(mandate)
    for host in perimeter.hosts:
        if not scope.holds_name(host) and scope.hosted_name(host) is None:
            raise ConfigError(
                f"{where}: the host {host} lies in no domain of mandate {perimeter.mandate}; add its domain, "
                "or a [[mandates.hosted]] entry with the provider's authorisation"
            )
    for name in perimeter.directories:
        if name not in directories:
            raise ConfigError(f"{where}: no directory is called {name}; add it under [[directories]]")
        if directories[name].url.rstrip("/") not in {url.rstrip("/") for url in mandate.directories}:
            raise ConfigError(
                f"{where}: the directory {directories[name].url} is not in mandate {perimeter.mandate}; "
                "add it to its directories if the signatory agreed"
            )


def _scope(section: MandateSection) -> Scope:
    return Scope(
        domains=tuple(map(canonical_name, section.domains)),
        networks=section.networks,
        hosted=tuple(
            Hosted(name=h.name, provider=h.provider, ports=frozenset(h.ports), authorisation=h.authorisation)
            for h in section.hosted
        ),
        directories=section.directories,
        excluded_names=tuple(map(canonical_name, section.excluded_names)),
        excluded_networks=section.excluded_networks,
    )


def _mandate(path: Path, section: MandateSection) -> Mandate:
    return Mandate(
        reference=section.reference,
        signatory=section.signatory,
        document_sha256=_document(path, section),
        valid_from=section.valid_from,
        valid_until=section.valid_until,
        level=section.level,
        identify_devices=section.identify_devices,
        windows=tuple(
            Window(days=frozenset(_DAYS[day] for day in w.days), start=w.start, end=w.end) for w in section.windows
        ),
        scope=_scope(section),
    )


def _document(path: Path, section: MandateSection) -> str:
    """The digest of the signed document; when a file is named, it must exist and be the one declared."""
    if section.document is None:
        return section.document_sha256
    file = path.parent / section.document
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"{path}, mandate {section.reference}: {file}: {error.strerror}") from error
    if section.document_sha256 and digest != section.document_sha256:
        raise ConfigError(
            f"{path}, mandate {section.reference}: {file} is no longer the signed document "
            f"(SHA-256 {digest}); restore it, or declare the new one"
        )
    return digest


def _perimeter(section: PerimeterSection, mandate: Mandate) -> Perimeter:
    declared = section.model_dump_json(exclude={"mandate", "name"})
    scope = mandate.scope
    reach = sorted([*scope.domains, *map(str, scope.networks), *(h.name for h in scope.hosted), *scope.directories])
    without = sorted([*scope.excluded_names, *map(str, scope.excluded_networks)])
    digest = hashlib.sha256("\n".join([declared, *reach, "-", *without]).encode()).hexdigest()
    return Perimeter(
        id=section.id,
        name=section.name,
        unit=section.unit,
        region=section.region,
        ght=section.ght,
        members=tuple(
            Establishment(finess=m.finess, name=m.name, category=m.category, region=m.region) for m in section.members
        ),
        hosts=tuple(map(canonical_name, section.hosts)),
        directories=section.directories,
        digest=digest,
    )
