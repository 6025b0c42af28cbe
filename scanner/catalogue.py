"""Every probe, found by its place under `probes/`, and built with the settings of the configuration."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from functools import cache
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any, get_type_hints
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

import probes
from probes.directory.attributes import asked
from probes.directory.target import BindMethod, DirectorySettings, DirectoryTarget
from probes.facts.directory import NamingContextRole
from probes.imports import Importer
from probes.interface import FoundIn, Probe, Scope, canonical_name
from probes.interface.secret import Secret
from scanner.config.load import ConfigError, Settings
from scanner.config.schema import DirectorySection
from scanner.config.secrets import SecretError, read


@cache
def known_probes() -> Mapping[str, type[Probe[Any]]]:
    """Return every probe class by its name."""
    found: dict[str, type[Probe[Any]]] = {}
    for name in sorted(m.name for m in pkgutil.walk_packages(probes.__path__, "probes.")):
        if name.startswith(("probes.facts", "probes.interface")):
            continue
        for value in vars(importlib.import_module(name)).values():
            is_probe = isinstance(value, type) and issubclass(value, Probe) and "name" in vars(value)
            if is_probe and found.setdefault(value.name, value) is not value:
                raise TypeError(f"two probes are called {value.name}")
    return MappingProxyType(found)


def importers() -> Mapping[str, type[Importer]]:
    """Return the probe of every kind of import, by kind."""
    return {cls.kind: cls for cls in known_probes().values() if issubclass(cls, Importer)}


def attributes_asked(role: NamingContextRole) -> tuple[str, ...]:
    """Return the attributes that a directory is asked for in a naming context, and no other."""
    return asked(role)


def probe_settings(
    settings: Settings,
    directory_names: Iterable[str] = (),
    *,
    imported: tuple[tuple[str, FoundIn], ...] = (),
    sites: tuple[str, ...] = (),
    scope: Scope | None = None,
    directories: Collection[str] | None = None,
) -> Mapping[str, Any]:
    """Return the settings of every probe by its name: the defaults, what the file overrides, and the directories.

    ``directory_names`` are DNS names of Active Directory domains known from earlier scans, beside the configured ones;
    ``imported`` are the names of earlier imports, for discovery to look for; ``sites`` the names that servers may still
    serve, beside those of their certificates in the mandate's ``scope``. Of ``directories`` (all by default) the
    passwords are read, where they are there.
    """
    found: dict[str, Any] = {}
    given = _given(settings)
    for name, cls in known_probes().items():
        own = dict(given.get(name, {}))
        known = {field.name for field in fields(cls.Settings)}
        if "resolver" in known and settings.file.dns.resolver is not None:
            own.setdefault("resolver", str(settings.file.dns.resolver))
        if "roots" in known and "roots" in given.get("dns", {}):
            own.setdefault("roots", given["dns"]["roots"])
        if "dns_anchors" in known and "anchors" in given.get("dnssec", {}):
            own.setdefault("dns_anchors", given["dnssec"]["anchors"])
        if name == "dns":
            names = {*directory_names, *map(_ad_name, settings.directories.values())} - {""}
            own.setdefault("directory_names", tuple(sorted(names)))
        if name == "discovery":
            own["names"] = imported
            if own.get("words"):
                own["words"] = str(settings.folder / own["words"])
        if name == "vhosts":
            web = given.get("web", {})
            shared = ("clear_ports", "tls_ports", "pause", "longest_pause")
            own = {key: web[key] for key in shared if key in web} | own
            own |= {"names": sites, "scope": scope or Scope()}
        found[name] = cls.Settings(**own)
    wanted = settings.directories.keys() if directories is None else directories
    named = directory_settings(settings, wanted)
    return found | {name: named for name, cls in known_probes().items() if cls.Settings is DirectorySettings}


def directory_settings(settings: Settings, wanted: Collection[str]) -> DirectorySettings:
    """Return the wanted directories; one whose password cannot be had is told, and keeps nothing else from running."""
    targets, locked = dict[str, DirectoryTarget](), dict[str, str]()
    for name in sorted(settings.directories.keys() & set(wanted)):
        section = settings.directories[name]
        try:
            targets[name] = _target(section, read(section.password))
        except SecretError as error:
            locked[name] = str(error)
    return DirectorySettings(targets=targets, locked=locked)


def _given(settings: Settings) -> dict[str, dict[str, Any]]:
    """The settings of probes that the file gives, each of the type that its probe takes."""
    known = known_probes()
    if unknown := settings.file.probes.keys() - known.keys():
        raise ConfigError(f"{settings.path}, probes.{min(unknown)}: no probe is called so; known: {', '.join(known)}")
    return {
        name: {key: _typed(settings, name, key, value) for key, value in table.items()}
        for name, table in settings.file.probes.items()
    }


def _typed(settings: Settings, name: str, key: str, value: object) -> object:
    own = known_probes()[name].Settings
    # The directories have a table of their own.
    taken = {} if own is DirectorySettings else {f.name: get_type_hints(own)[f.name] for f in fields(own)}
    where = f"{settings.path}, probes.{name}"
    if key not in taken:
        raise ConfigError(f"{where}: unknown setting {key}; known: {', '.join(sorted(taken)) or 'none'}")
    try:
        # As JSON: an array is a tuple, and nothing else passes for what it is not.
        return TypeAdapter(taken[key]).validate_json(json.dumps(value, default=str), strict=True)
    except ValidationError as error:
        at = "".join(f"[{part}]" for part in error.errors()[0]["loc"])
        raise ConfigError(f"{where}.{key}{at}: {error.errors()[0]['msg']}, not {value!r}") from error


def _ad_name(section: DirectorySection) -> str:
    """The DNS name of a directory's domain, by its base or its controller's name; "" when neither tells."""
    parts = [part.partition("=") for part in section.base.split(",") if part]
    if parts and all(key.strip().lower() == "dc" for key, _, _ in parts):
        return canonical_name(".".join(value.strip() for _, _, value in parts))
    host = urlsplit(section.url).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return canonical_name(host.partition(".")[2])
    return ""


def _target(section: DirectorySection, password: Secret) -> DirectoryTarget:
    return DirectoryTarget(
        url=section.url,
        user=section.user,
        password=password,
        bind=BindMethod(section.bind),
        base=section.base,
        address=section.address,
        ca_file=section.ca_file,
        starttls=section.starttls,
        page_size=section.page_size,
        throttle=section.throttle,
    )


def build_probes(settings: Mapping[str, Any]) -> tuple[Probe[Any], ...]:
    """Return every probe, with its settings from ``settings`` (by probe name) or its defaults."""
    return tuple(cls(settings.get(name, cls.Settings())) for name, cls in known_probes().items())
