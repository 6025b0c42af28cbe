"""The prose of cards as segments: text and code, so that each sink escapes and sets them its own way."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reports.words import Words
from rules.interface import Card, Finding


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of prose, or of code to type as it is (written between backquotes in a card)."""

    text: str
    code: bool = False


def segments(text: str, words: Words) -> tuple[Segment, ...]:
    """Return a card's text cut at its backquotes; only the prose gets the spaces of French typography."""
    found = []
    for index, piece in enumerate(text.split("`")):
        if piece:
            found.append(Segment(piece, code=True) if index % 2 else Segment(words.typeset(piece)))
    return tuple(found)


def case(card: Card, finding: Finding, words: Words) -> str:
    """Return the sentence of a card about one finding; the title when the values it quotes are not there."""
    own = card.words(words.language)
    try:
        return words.typeset(own.found).format(**words.quoted(finding.values)) or words.typeset(own.title)
    except (KeyError, IndexError, ValueError):
        return words.typeset(own.title)


def plain(text: str, words: Words) -> str:
    """Return a card's text without its backquotes."""
    return "".join(segment.text for segment in segments(text, words))


def lines(text: str) -> tuple[str, ...]:
    """Return the paragraphs of a card's text."""
    return tuple(part.strip() for part in re.split(r"\n+", text.strip()) if part.strip())
