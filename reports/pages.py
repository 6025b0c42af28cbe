"""The making of pages: Jinja with everything escaped and made visible, and a policy that lets nothing run or load."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from reports.prose import lines, segments
from reports.visible import visible
from reports.words import Words, load
from rules.attestations import kinds
from rules.case import audit_name


@cache
def environment(language: str) -> Environment:
    """Return the templates of ``reports/templates`` for a language; what a template prints is escaped and visible."""
    words = load(language)
    made = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = stylesheet()
    made.globals |= {"w": words, "css": Markup(css), "policy": policy(css), "audit_name": audit_name, "kinds": kinds()}
    made.filters |= {
        "prose": lambda text: _inline(text, words),
        "paragraphs": lambda text: paragraphs(text, words),
    }
    return made


@cache
def stylesheet() -> str:
    """Return the one style sheet of every page."""
    return (files("reports") / "templates" / "style.css").read_text("utf-8")


def policy(css: str) -> str:
    """Return the content security policy of a page: this one style sheet, and nothing else at all."""
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _shown(value: Any) -> Any:  # noqa: ANN401 - whatever a template prints
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def paragraphs(text: str, words: Words) -> Markup:
    """Return a card's text as paragraphs, what stands between backquotes as code."""
    return Markup("").join(Markup("<p>{}</p>").format(_inline(line, words)) for line in lines(text))


def _inline(text: str, words: Words) -> Markup:
    return Markup("").join(
        Markup("<code>{}</code>").format(visible(s.text)) if s.code else escape(visible(s.text))
        for s in segments(text, words)
    )
