"""HTML: one self-contained file for three readers, without script and without any request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields

from probes.interface import Status
from reports import charts
from reports.dossier import Dossier
from reports.interface import SHOWN_OBJECTS, Format
from reports.outline import Outline, outline
from reports.pages import environment
from reports.prose import case, course
from reports.words import load
from rules.history import Course
from rules.interface import Card, Effort, Severity

#: Rows shown of a list of changes or attempts; the JSON report carries them all.
_SHOWN_CHANGES = 50


def render(dossier: Dossier, cards: Mapping[str, Card], language: str) -> bytes:
    """Return the page."""
    words, told = load(language), outline(dossier, cards)
    page = environment(language).get_template("report/page.html")
    text = page.render(
        {f.name: getattr(told, f.name) for f in fields(Outline)},
        dossier=dossier,
        cards=cards,
        case=lambda card, finding: case(card, finding, words),
        waivers={waiver.id: waiver for waiver in dossier.waivers},
        matrix=Counter((topic.severity, topic.card.effort) for topic in told.todo),
        severities=tuple(Severity),
        efforts=tuple(Effort),
        statuses=tuple(Status),
        courses=tuple(Course),
        course_of=lambda item: course(item, words),
        evolutions=charts.evolutions(dossier.trends),
        charts=charts,
        shown_objects=SHOWN_OBJECTS,
        shown_changes=_SHOWN_CHANGES,
    )
    return text.encode("utf-8", "backslashreplace")


FORMAT: Format[Dossier] = Format(suffix="html", media_type="text/html; charset=utf-8", render=render)
