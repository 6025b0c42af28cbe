"""What is told of changes: one message about each thing, in the language of the configuration."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from reports.visible import visible
from reports.words import Words, load
from rules.interface import Finding, Severity
from rules.registry import load as registry
from scanner.config.load import Settings
from scanner.schedule.confirmation import Window
from scanner.store.boards import Shift

#: Findings listed in one message; the rest is counted.
LISTED = 20
_TOLD = {
    "new": ("nouveau", "new"),
    "worse": ("aggravé", "worse"),
    "reopened": ("rouvert", "reopened"),
    "overdue": ("en retard", "overdue"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message; ``marks`` say what about, so that each thing is told once; ``lines`` name the findings."""

    id: str
    kind: str
    perimeter: str
    subject: str
    lines: tuple[str, ...]
    marks: tuple[str, ...]


def changes(shifts: Iterable[Shift], least: Severity, settings: Settings) -> list[Notice]:
    """Return one message a scan that brought something new, worse or reopened, at or above a severity."""
    by_scan: dict[tuple[str, str], list[Shift]] = defaultdict(list)
    for shift in shifts:
        if shift.change in _TOLD and shift.severity.rank <= least.rank:
            by_scan[shift.perimeter, shift.scan].append(shift)
    notices = []
    for (perimeter, scan), found in by_scan.items():
        found.sort(key=lambda s: (s.severity.rank, s.rule, s.asset))
        subject = _say(
            settings, f"{_count(found, 'constat', 'constats')} à regarder", f"{_count(found, 'finding')} to look at"
        )
        lines = [_line(settings, s.change, s.severity, s.rule, s.asset) for s in found[:LISTED]]
        notices.append(
            Notice(
                id=f"scan {scan}",
                kind="changes",
                perimeter=perimeter,
                subject=_titled(settings, perimeter, subject),
                lines=(*lines, *_more(settings, found), *_where(settings, perimeter)),
                marks=(f"scan {scan}",),
            )
        )
    return notices


def overdue(perimeter: str, late: Sequence[Finding], today: date, settings: Settings) -> Notice:
    """Return the message about the findings of a perimeter that became overdue, the gravest first."""
    found = sorted(late, key=lambda f: (f.severity.rank, f.first_seen, f.rule, f.asset))
    subject = _say(
        settings,
        f"{_count(found, 'constat ouvert', 'constats ouverts')} depuis trop longtemps",
        f"{_count(found, 'finding')} open for too long",
    )
    words, lines = _words(settings), []
    for finding in found[:LISTED]:
        since = words.date(finding.first_seen.date())
        line = _line(settings, "overdue", finding.severity, finding.rule, finding.asset)
        lines.append(line + _say(settings, f" (depuis le {since})", f" (since {since})"))
    return Notice(
        id=f"overdue {perimeter} {today.isoformat()}",
        kind="overdue",
        perimeter=perimeter,
        subject=_titled(settings, perimeter, subject),
        lines=(*lines, *_more(settings, found), *_where(settings, perimeter)),
        marks=tuple(overdue_mark(perimeter, finding) for finding in found),
    )


def overdue_mark(perimeter: str, finding: Finding) -> str:
    """Return the mark of a finding that was told as overdue."""
    return f"overdue {perimeter} {finding.fingerprint}"


def window(perimeter: str, found: Window, settings: Settings) -> Notice:
    """Return the message about the window of a confirmation audit."""
    words = _words(settings)
    opens, closes = words.date(found.opens), words.date(found.closes)
    subject = _say(settings, "l’audit de confirmation peut être fait", "the confirmation audit may be made")
    line = _say(
        settings,
        f"Du {opens} au {closes} inclus (45e au 60e jour après le premier audit), un second audit d’exposition "
        "au moins du même niveau confirme le premier.",
        f"From {opens} to {closes} inclusive (day 45 to day 60 after the first audit), a second exposure audit of at "
        "least the same level confirms the first.",
    )
    return Notice(
        id=window_mark(perimeter, found.opens),
        kind="window",
        perimeter=perimeter,
        subject=_titled(settings, perimeter, subject),
        lines=(line, *_where(settings, perimeter)),
        marks=(window_mark(perimeter, found.opens),),
    )


def window_mark(perimeter: str, opens: date) -> str:
    """Return the mark of a window that was told."""
    return f"window {perimeter} {opens.isoformat()}"


def _words(settings: Settings) -> Words:
    return load(settings.file.reports.language)


def _say(settings: Settings, fr: str, en: str) -> str:
    words = _words(settings)
    return en if words.language == "en" else words.typeset(fr)


def _count(found: Sequence[object], one: str, several: str = "") -> str:
    return f"{len(found)} {one if len(found) == 1 else several or one + 's'}"


def _titled(settings: Settings, perimeter: str, subject: str) -> str:
    known = settings.perimeters.get(perimeter)
    return (
        _say(settings, f"{known.name if known else perimeter} : ", f"{known.name if known else perimeter}: ") + subject
    )


def _line(settings: Settings, change: str, severity: Severity, rule: str, asset: str) -> str:
    """What changed, the rule that should be met, and where: a title alone would read as if it were."""
    words, card = _words(settings), registry().cards.get(rule)
    title = card.words(words.language).title if card else rule
    grave = words(f"severity.{severity.value}")
    return _say(
        settings,
        f"[{_TOLD[change][0]}, {grave}] attendu : {title} – {visible(asset, 200)}",
        f"[{_TOLD[change][1]}, {grave}] expected: {title} – {visible(asset, 200)}",
    )


def _more(settings: Settings, found: Sequence[object]) -> tuple[str, ...]:
    rest = len(found) - LISTED
    if rest <= 0:
        return ()
    return (_say(settings, f"… et {rest} {'autre' if rest == 1 else 'autres'}", f"… and {rest} more"),)


def _where(settings: Settings, perimeter: str) -> tuple[str, ...]:
    """The address of the dashboard, when it is configured."""
    base = settings.file.serve.public_url
    return (f"{base}/p/{perimeter}/findings",) if base else ()
