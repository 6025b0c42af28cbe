"""Templates to HTML: everything is escaped, and what strangers wrote is made visible first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from reports.pages import paragraphs
from reports.prose import case as sentence
from reports.visible import visible
from reports.words import Words, load
from rules.attestations import kinds
from rules.interface import Finding
from rules.registry import load as registry
from rules.territory import category_name, region_name
from scanner.web import drawings
from scanner.web.convergence import draw
from scanner.web.events import event_name
from scanner.web.lines import window_line
from scanner.web.outcomes import outcome_name


@cache
def environment() -> Environment:
    """Return the templates, compiled once."""
    made = Environment(
        loader=PackageLoader("scanner.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["seen"] = visible
    made.globals |= {
        "level_bar": drawings.level_bar,
        "spark": drawings.spark,
        "draw": draw,
        "window_line": window_line,
        "zip": zip,
        "region_name": region_name,
        "category_name": category_name,
        "static": _version(),
    }
    return made


@cache
def _version() -> str:
    """A short digest of the stylesheet and scripts, so that browsers may keep them until they change."""
    import hashlib

    digest = hashlib.sha256()
    for item in sorted((files("scanner.web") / "static").iterdir(), key=lambda item: item.name):
        digest.update(item.read_bytes())
    return digest.hexdigest()[:12]


def html(template: str, language: str, zone: str, values: Mapping[str, Any]) -> str:
    """Return a page."""
    words = load(language)
    return environment().get_template(template).render({**_spoken(words, zone), **values})


def _spoken(words: Words, zone: str) -> dict[str, Any]:
    """The functions of the templates that depend on the language."""
    there = ZoneInfo(zone)

    def say(fr: str, en: str, **values: object) -> str:
        text = en if words.language == "en" else words.typeset(fr)
        return text.format(**values) if values else text

    def instant(at: datetime | None) -> str:
        if at is None:
            return "–"
        local = at.astimezone(there)
        return f"{words.date(local.date())}, {local:%H:%M}"

    def day(at: date | datetime | None) -> str:
        if at is None:
            return "–"
        return words.date(at.astimezone(there).date() if isinstance(at, datetime) else at)

    def short_day(at: datetime) -> str:
        return f"{at.astimezone(there):%d/%m/%Y}" if words.language == "fr" else f"{at.astimezone(there):%Y-%m-%d}"

    return {
        "language": words.language,
        "word": words,
        "say": say,
        "instant": instant,
        "day": day,
        "short_day": short_day,
        "case": _case(words),
        "outcome_name": lambda outcome: outcome_name(outcome, words.language),
        "event_name": lambda event: event_name(event, words.language),
        "prose": lambda text: paragraphs(text, words),
        "title_of": lambda rule: _title(rule, words),
        "card": lambda rule: registry().cards.get(rule),
        "link": link,
        "attestation_kind": lambda type: kinds()[type],
    }


def _case(words: Words) -> Callable[[Finding], str]:
    """The sentence of a finding's card about the case at hand."""

    def case(finding: Finding) -> str:
        card = registry().cards.get(finding.rule)
        if card is None:
            return finding.rule
        if finding.outcome.value == "undetermined":
            return f"{_title(finding.rule, words)} : {words.reason(finding.reason)}"
        return sentence(card, finding, words)

    return case


def _title(rule: str, words: Words) -> str:
    card = registry().cards.get(rule)
    return words.typeset(card.words(words.language).title) if card else rule


def link(path: str, **query: object) -> str:
    """Return an address with the parameters that say something."""
    kept = {key: value for key, value in query.items() if value not in ("", None)}
    return f"{path}?{urlencode(kept)}" if kept else path
