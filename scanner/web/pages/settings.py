"""Settings: mandates, directories, perimeters and schedules, of the file and entered on screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rules.territory import regions
from scanner.config.schema import DirectorySection, MandateSection, PerimeterSection, ScheduleSection
from scanner.schedule.calendar import next_due, proposed
from scanner.store.declarations import KEYS
from scanner.store.occasions import Occasion
from scanner.web.declaring import declare, withdraw
from scanner.web.lines import hosted_line, window_line
from scanner.web.pages.declarations import allowed
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
    """Everything declared; ``on_screen`` are the ids that may be changed here, by kind.

    ``references`` are the secrets that directories may name; ``drafts`` fill the forms: the fields of what is being
    changed, by kind. ``registered`` counts the establishments of the FINESS register.
    """

    mandates: tuple[MandateSection, ...]
    directories: tuple[DirectorySection, ...]
    perimeters: tuple[PerimeterSection, ...]
    schedules: tuple[ScheduleLine, ...]
    on_screen: dict[str, frozenset[str]]
    references: tuple[str, ...]
    regions: tuple[tuple[str, str], ...]
    drafts: dict[str, dict[str, str]]
    registered: int


def _settings(asked: Asked) -> SettingsSheet:
    file, declared = asked.settings.file, asked.store.declarations.all()
    last = asked.store.occasions.last()
    zone = file.serve.timezone
    on_screen = {kind: frozenset(str(t[key]) for t in declared.get(kind, [])) for kind, key in KEYS.items()}
    return SettingsSheet(
        mandates=file.mandates,
        directories=file.directories,
        perimeters=file.perimeters,
        schedules=tuple(
            ScheduleLine(section=s, next=next_due(s, asked.now, zone), last=last.get(s.id)) for s in file.schedules
        ),
        on_screen=on_screen,
        references=allowed(asked),
        regions=regions(),
        drafts={kind: _draft(asked, kind, on_screen[kind]) for kind in KEYS},
        registered=asked.store.register.count(),
    )


def _draft(asked: Asked, kind: str, on_screen: frozenset[str]) -> dict[str, str]:
    """The fields of the section that the address asks to change, as they are entered; none for another kind."""
    id = asked.query.get("id", "")
    if asked.query.get("change") != kind or id not in on_screen:
        return {}
    section = next(s for s in getattr(asked.settings.file, kind) if getattr(s, KEYS[kind]) == id)
    return {name: _entered(asked, name, value) for name, value in section}


def _entered(asked: Asked, name: str, value: Any) -> str:  # noqa: ANN401 - any field of a section
    """A field of a section as a form holds it."""
    match name:
        case "windows":
            return "\n".join(window_line(window, asked.language) for window in value)
        case "hosted":
            return "\n".join(map(hosted_line, value))
        case "members":
            return "\n".join(f"{member.finess} {member.name}" for member in value)
        case "start" | "end":
            return f"{value:%H:%M}"
        case _ if isinstance(value, tuple):
            return "\n".join(map(str, value))
        case _ if isinstance(value, bool):
            return "yes" if value else "no"
        case _:
            return "" if value is None else str(value)


def _schedule(asked: Asked) -> Going:
    form = asked.form
    if form.get("propose"):
        return _propose(asked)
    kind, perimeter = form.get("kind", ""), form.get("perimeter", "")
    table = {
        "id": form.get("id", "").strip() or f"{perimeter}-{kind}"[:64],
        "perimeter": perimeter,
        "kind": kind,
        "cron": form.get("cron", "").strip(),
        "start": form.get("start", "") or "00:00:00",
        "end": form.get("end", "") or "23:59:59",
        "enabled": form.get("enabled", "yes") != "no",
    }
    return declare(asked, "schedules", table, asked.say("Planification enregistrée.", "Schedule recorded."))


def _propose(asked: Asked) -> Going:
    """Add the usual schedules of a perimeter: short list daily, full weekly, directory monthly."""
    perimeter = asked.settings.perimeters.get(asked.form.get("perimeter", ""))
    if perimeter is None:
        raise Refused(asked.say("Ce périmètre n’est pas déclaré.", "This perimeter is not declared."))
    known = {section.id for section in asked.settings.file.schedules}
    for table in proposed(perimeter.id, directory=bool(perimeter.directories)):
        if table["id"] not in known:
            declare(asked, "schedules", table, "")
    return Going(
        to="/settings#schedules", told=asked.say("Planifications proposées ajoutées.", "Proposed schedules added.")
    )


def _withdraw(asked: Asked) -> Going:
    kind, id = asked.form.get("kind", ""), asked.form.get("id", "")
    if kind not in KEYS:
        raise Refused(f"kind: {', '.join(KEYS)}")
    withdraw(asked, kind, id)
    return Going(to=f"/settings#{kind}", told=asked.say("Retiré. L’historique reste.", "Withdrawn. The history stays."))


_QUERY: Mapping[str, str] = {"change": f"{', '.join(KEYS)}: fill its form", "id": "with the fields of this one"}

SETTINGS = Page(
    path="/settings",
    right=Right.CONFIGURE,
    template="settings.html",
    read=_settings,
    returns=SettingsSheet,
    title=("Réglages", "Settings"),
    query=_QUERY,
)
SCHEDULE = Action(
    path="/settings/schedules",
    right=Right.CONFIGURE,
    do=_schedule,
    fields={
        "id": "its own by default: perimeter-kind",
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
    fields={"kind": ", ".join(KEYS), "id": "its id"},
    title=("Retirer", "Withdraw"),
)
