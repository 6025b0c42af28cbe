"""What a step tells of its failure: Hygie's own sentences in the reader's language, whatever else is said as it is."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

from reports.typography import french

_HOLE = "{}"


def own(text: str, language: str) -> str | None:
    """Return a sentence of Hygie's own in a language; None for the words of a server or a library.

    A sentence may come after what it is about: ``192.0.2.1: an endless reply``.
    """
    for pattern, template in _phrases():
        if found := pattern.fullmatch(text):
            *first, last = found.groups() or ("",)
            values = [*first, own(last, language) or last]
            return template.format(*values) if language == "fr" else text
    subject, colon, sentence = text.partition(": ")
    told = own(sentence, language) if colon else None
    return told and (f"{subject}{french(' :')} {told}" if language == "fr" else text)


@cache
def phrases() -> dict[str, str]:
    """Return the French of every sentence of Hygie's own, by its English; a hole is ``{}`` there, ``{0}`` here."""
    return tomllib.loads((files("reports") / "details.fr.toml").read_text("utf-8"))


@cache
def _phrases() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The sentences as patterns, those that say most first; what one begins with is a single word."""
    ordered = sorted(phrases().items(), key=lambda phrase: -len(phrase[0].replace(_HOLE, "")))
    return tuple((re.compile(_pattern(english), re.DOTALL), french(said)) for english, said in ordered)


def _pattern(english: str) -> str:
    first, *rest = (re.escape(part) for part in english.split(_HOLE))
    holes = [r"(\S+)" if not first and not number else "(.+)" for number in range(len(rest))]
    return first + "".join(hole + part for hole, part in zip(holes, rest, strict=True))
