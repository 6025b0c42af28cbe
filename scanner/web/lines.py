"""What is entered one a line: windows of a mandate, hosted names; read from their text, and written as it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from typing import Any

from scanner.config.schema import Day, HostedSection, WindowSection
from scanner.web.route import Asked, Refused

#: Days as the configuration names them, with their names in French.
_DAYS: Mapping[str, Day] = {
    "lun": "mon", "mar": "tue", "mer": "wed", "jeu": "thu", "ven": "fri", "sam": "sat", "dim": "sun",
    "mon": "mon", "tue": "tue", "wed": "wed", "thu": "thu", "fri": "fri", "sat": "sat", "sun": "sun",
}  # fmt: skip
_WEEK: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(r"(?:(?P<days>[a-z,\- ]+?)\s+)?(?P<start>\d{1,2}[:h]\d{2})\s*[-–]\s*(?P<end>\d{1,2}[:h]\d{2})")


def lines(form: Mapping[str, str], name: str) -> list[str]:
    """Return the lines of a field that say something."""
    return [line.strip() for line in form.get(name, "").splitlines() if line.strip()]


def window(asked: Asked, line: str) -> dict[str, Any]:
    """Return the table of a window written ``lun-ven 20:00-06:00``; without days, it is of every day."""
    found = _WINDOW.fullmatch(line.lower())
    try:
        if found is None:
            raise ValueError(line)
        return {
            "days": _days(found["days"] or "mon-sun"),
            "start": _time(found["start"]),
            "end": _time(found["end"]),
        }
    except (ValueError, KeyError):
        raise Refused(
            asked.say(
                "Une plage s’écrit : lun-ven 20:00-06:00, ou sam,dim 08:00-18:00. Illisible : {}",
                "A window is written: mon-fri 20:00-06:00, or sat,sun 08:00-18:00. Not readable: {}",
            ).format(line[:80])
        ) from None


def _days(text: str) -> list[Day]:
    found: set[Day] = set()
    for part in re.split(r"[, ]+", text.strip()):
        first, dash, last = part.partition("-")
        start = _WEEK.index(_DAYS[first])
        end = _WEEK.index(_DAYS[last]) if dash else start
        found |= {_WEEK[(start + n) % 7] for n in range((end - start) % 7 + 1)}
    return sorted(found, key=_WEEK.index)


def _time(text: str) -> str:
    hour, minute = re.split("[:h]", text)
    return time(int(hour), int(minute)).isoformat()


def window_line(window: WindowSection, language: str) -> str:
    """Return a window as it is written."""
    return f"{_days_line(window.days, language)} {window.start:%H:%M}-{window.end:%H:%M}".strip()


def _days_line(days: tuple[Day, ...], language: str) -> str:
    names = {day: name for name, day in _DAYS.items() if (name == day) is (language == "en")}
    if len(set(days)) == 7:
        return ""
    runs: list[list[Day]] = []
    for day in sorted(set(days), key=_WEEK.index):
        if runs and _WEEK.index(day) == _WEEK.index(runs[-1][-1]) + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(names[run[0]] if len(run) == 1 else f"{names[run[0]]}-{names[run[-1]]}" for run in runs)


def hosted(asked: Asked, line: str) -> dict[str, Any]:
    """Return the table of a name served by a provider, written ``name ; provider ; ports ; authorisation``."""
    parts = [part.strip() for part in line.split(";")]
    if len(parts) != 4 or not all(port.strip().isdecimal() for port in parts[2].split(",")):
        raise Refused(
            asked.say(
                "Un nom hébergé s’écrit : nom ; hébergeur ; ports ; autorisation. Illisible : {}",
                "A hosted name is written: name; provider; ports; authorisation. Not readable: {}",
            ).format(line[:80])
        )
    ports = [int(port) for port in parts[2].split(",")]
    return {"name": parts[0], "provider": parts[1], "ports": ports, "authorisation": parts[3]}


def hosted_line(name: HostedSection) -> str:
    """Return a hosted name as it is written."""
    return f"{name.name} ; {name.provider} ; {', '.join(map(str, name.ports))} ; {name.authorisation}"
