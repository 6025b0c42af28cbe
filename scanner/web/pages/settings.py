"""Settings: mandates, perimeters and schedules, of the file and entered on screen, held to the same rules."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from scanner.config.load import extend
from scanner.config.schema import MandateSection, PerimeterSection, ScheduleSection
from scanner.schedule.calendar import next_due, proposed
from scanner.store.declarations import KEYS
from scanner.store.occasions import Occasion
from scanner.web.rights import Right
from scanner.web.route import Action, Asked, Going, Page, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleLine:
    """A schedule, when it is due next, and its last occasion."""

    section: ScheduleSection
    next: datetime | None
    last: Occasion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsSheet:
    """Everything declared; ``on_screen`` are the ids that may be changed here, by kind."""

    mandates: tuple[MandateSection, ...]
    perimeters: tuple[PerimeterSection, ...]
    schedules: tuple[ScheduleLine, ...]
    on_screen: dict[str, frozenset[str]]
    directories: tuple[str, ...]


def _settings(asked: Asked) -> SettingsSheet:
    file, seen = asked.settings.file, asked.identity.sees
    declared = asked.store.declarations.all()
    last = asked.store.occasions.last()
    zone = file.serve.timezone
    perimeters = tuple(p for p in file.perimeters if seen(p.id))
    used = {p.mandate for p in perimeters}
    everything = asked.identity.within is None
    return SettingsSheet(
        mandates=tuple(m for m in file.mandates if everything or m.reference in used),
        perimeters=perimeters,
        schedules=tuple(
            ScheduleLine(section=s, next=next_due(s, asked.now, zone), last=last.get(s.id))
            for s in file.schedules
            if seen(s.perimeter)
        ),
        on_screen={kind: frozenset(str(t[key]) for t in declared.get(kind, [])) for kind, key in KEYS.items()},
        directories=tuple(sorted(asked.settings.directories)) if everything else (),
    )


def _declare_mandate(asked: Asked) -> Going:
    form, document = asked.form, asked.files.get("document")
    table: dict[str, Any] = {
        "reference": form.get("reference", "").strip(),
        "signatory": form.get("signatory", "").strip(),
        "valid_from": form.get("valid_from", ""),
        "valid_until": form.get("valid_until", ""),
        "level": int(form["level"]) if form.get("level", "") in {"1", "2", "3"} else 2,
        "domains": _lines(form, "domains"),
        "networks": _lines(form, "networks"),
        "directories": _lines(form, "directories"),
        "excluded_names": _lines(form, "excluded_names"),
        "excluded_networks": _lines(form, "excluded_networks"),
        "hosted": [_hosted(asked, line) for line in _lines(form, "hosted")],
    }
    if not table["reference"] or not table["signatory"]:
        raise Refused(
            asked.say("Un mandat a une référence et un signataire.", "A mandate has a reference and a signatory.")
        )
    if document is not None and document[1]:
        table["document_sha256"] = hashlib.sha256(document[1]).hexdigest()
    return _declare(asked, "mandates", table, asked.say("Mandat enregistré.", "Mandate recorded."))


def _hosted(asked: Asked, line: str) -> dict[str, Any]:
    """A name served by a provider, written ``name ; provider ; ports ; authorisation``."""
    parts = [part.strip() for part in line.split(";")]
    if len(parts) != 4 or not all(port.strip().isdigit() for port in parts[2].split(",")):
        raise Refused(
            asked.say(
                "Un nom hébergé s’écrit : nom ; hébergeur ; ports ; autorisation.",
                "A hosted name is written: name; provider; ports; authorisation.",
            )
        )
    ports = [int(port) for port in parts[2].split(",")]
    return {"name": parts[0], "provider": parts[1], "ports": ports, "authorisation": parts[3]}


def _declare_perimeter(asked: Asked) -> Going:
    form = asked.form
    table = {
        "id": form.get("id", "").strip(),
        "name": form.get("name", "").strip(),
        "unit": form.get("unit", "ej"),
        "region": form.get("region", "").strip(),
        "ght": form.get("ght", "").strip(),
        "mandate": form.get("mandate", ""),
        "hosts": _lines(form, "hosts"),
        "directories": _lines(form, "directories"),
        "members": [_member(asked, line) for line in _lines(form, "members")],
    }
    if not table["name"]:
        raise Refused(asked.say("Un périmètre a un nom.", "A perimeter has a name."))
    return _declare(asked, "perimeters", table, asked.say("Périmètre enregistré.", "Perimeter recorded."))


def _member(asked: Asked, line: str) -> dict[str, str]:
    """A member by its FINESS number; the register completes what the line leaves out."""
    number, _, name = line.partition(" ")
    known = asked.store.register.of([number]).get(number)
    if known is None:
        return {"finess": number, "name": name.strip() or number}
    return {
        "finess": number,
        "name": name.strip() or known.name,
        "category": known.category,
        "region": known.region,
    }


def _declare_schedule(asked: Asked) -> Going:
    form = asked.form
    if form.get("propose"):
        return _propose(asked)
    kind, perimeter = form.get("kind", ""), form.get("perimeter", "")
    table = {
        "id": form.get("id", "").strip() or f"{perimeter}-{kind}",
        "perimeter": perimeter,
        "kind": kind,
        "cron": form.get("cron", "").strip(),
        "start": form.get("start", "") or "00:00:00",
        "end": form.get("end", "") or "23:59:59",
        "enabled": form.get("enabled", "yes") != "no",
    }
    return _declare(asked, "schedules", table, asked.say("Planification enregistrée.", "Schedule recorded."))


def _propose(asked: Asked) -> Going:
    """Add the usual schedules of a perimeter: short list daily, full weekly, directory monthly."""
    perimeter = asked.settings.perimeters.get(asked.form.get("perimeter", ""))
    if perimeter is None:
        raise Refused(asked.say("Ce périmètre n’est pas déclaré.", "This perimeter is not declared."))
    known = {section.id for section in asked.settings.file.schedules}
    for table in proposed(perimeter.id, directory=bool(perimeter.directories)):
        if table["id"] not in known:
            _declare(asked, "schedules", table, "")
    return Going(to="/settings", told=asked.say("Planifications proposées ajoutées.", "Proposed schedules added."))


def _declare(asked: Asked, kind: str, table: Mapping[str, Any], told: str) -> Going:
    """Keep a table once the whole configuration holds together with it."""
    key, declared = KEYS[kind], asked.store.declarations.all()
    in_file = {getattr(s, key) for s in getattr(asked.settings.file, kind)}
    in_file -= {str(t[key]) for t in declared.get(kind, [])}
    if table[key] in in_file:
        raise Refused(
            asked.say(
                "« {} » est déclaré dans le fichier de configuration : modifiez-le là.",
                "{} is declared in the configuration file: change it there.",
            ).format(table[key])
        )
    _hold(asked, _with(declared, kind, table))
    asked.store.declarations.declare(kind, table)
    return Going(to="/settings", told=told, data=table[key])


def _with(
    declared: Mapping[str, list[dict[str, Any]]], kind: str, table: Mapping[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    key = KEYS[kind]
    others = [t for t in declared.get(kind, []) if t[key] != table[key]]
    return {**declared, kind: [*others, dict(table)]}


def _hold(asked: Asked, declared: Mapping[str, list[dict[str, Any]]]) -> None:
    """Raise ``ConfigError`` unless the file and these tables make one sound configuration."""
    known = asked.store.declarations.all()
    bare = {
        kind: tuple(
            s
            for s in getattr(asked.settings.file, kind)
            if getattr(s, key) not in {t[key] for t in known.get(kind, [])}
        )
        for kind, key in KEYS.items()
    }
    extend(replace(asked.settings, file=asked.settings.file.model_copy(update=bare)), declared)


def _withdraw(asked: Asked) -> Going:
    kind, id = asked.form.get("kind", ""), asked.form.get("id", "")
    declared = asked.store.declarations.all()
    if kind not in KEYS:
        raise Refused("kind: mandates, perimeters or schedules")
    _hold(asked, {**declared, kind: [t for t in declared.get(kind, []) if str(t[KEYS[kind]]) != id]})
    asked.store.declarations.withdraw(kind, id)
    return Going(to="/settings", told=asked.say("Retiré. L’historique reste.", "Withdrawn. The history stays."))


def _lines(form: Mapping[str, str], name: str) -> list[str]:
    return [line.strip() for line in form.get(name, "").splitlines() if line.strip()]


SETTINGS = Page(
    path="/settings",
    right=Right.CONFIGURE,
    template="settings.html",
    read=_settings,
    returns=SettingsSheet,
    title=("Réglages", "Settings"),
)
MANDATE = Action(
    path="/settings/mandates",
    right=Right.CONFIGURE,
    do=_declare_mandate,
    fields={
        "reference": "its name",
        "signatory": "who signed it",
        "valid_from": "a day",
        "valid_until": "a day, inclusive",
        "level": "1, 2 or 3",
        "domains": "one a line",
        "networks": "one a line",
        "directories": "ldaps:// addresses, one a line",
        "excluded_names": "one a line",
        "excluded_networks": "one a line",
        "hosted": "name; provider; ports; authorisation, one a line",
    },
    title=("Enregistrer un mandat", "Record a mandate"),
)
PERIMETER = Action(
    path="/settings/perimeters",
    right=Right.CONFIGURE,
    do=_declare_perimeter,
    fields={
        "id": "lower-case letters, digits and hyphens",
        "name": "its name",
        "unit": "ght, ej or et",
        "region": "INSEE code",
        "ght": "name of its group",
        "mandate": "a mandate's reference",
        "hosts": "one a line",
        "directories": "names of configured directories, one a line",
        "members": "FINESS number and name, one a line",
    },
    title=("Enregistrer un périmètre", "Record a perimeter"),
)
SCHEDULE = Action(
    path="/settings/schedules",
    right=Right.CONFIGURE,
    do=_declare_schedule,
    fields={
        "perimeter": "a perimeter's id",
        "kind": "short, full, directory or confirmation",
        "cron": "five fields",
        "start": "hour from which it may start",
        "end": "hour until which it may start",
        "enabled": "yes or no",
        "propose": "anything: add the usual schedules instead",
    },
    title=("Enregistrer une planification", "Record a schedule"),
)
WITHDRAW = Action(
    path="/settings/withdraw",
    right=Right.CONFIGURE,
    do=_withdraw,
    fields={"kind": "mandates, perimeters or schedules", "id": "its id"},
    title=("Retirer", "Withdraw"),
)
