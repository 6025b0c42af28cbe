"""The prose of cards as segments: text and code, so that each sink escapes and sets them its own way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reports.words import Words
from rules.history import FindingHistory
from rules.interface import Card, Finding

_ENDING = re.compile(r"(\w+)\((aux|e?s|ent|ies|nt)\)")
_REPLACED = {"aux": "al", "ies": "y"}
_SAMPLED = re.compile(r", (?:dont|among them)(?=\s)")
_ALONE = {"fr": "\u00a0:", "en": ":"}


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
        found = agreed(words.typeset(own.found), finding.values, words.language)
        return found.format(**words.quoted(finding.values)) or words.typeset(own.title)
    except (KeyError, IndexError, ValueError):
        return words.typeset(own.title)


def agreed(sentence: str, values: Mapping[str, object], language: str) -> str:
    """Return a card's sentence whose optional endings (« compte(s) ») agree with the last number quoted before them.

    Endings are added, but -aux and -ies, which replace -al and -y; without a number they stay as written. One
    case alone is named (« : ») where several would be sampled (« , dont »). Values are not in the sentence yet.
    """
    pieces, number = [], None
    for piece in re.split(r"(\{\w+\})", sentence):
        quoted = values.get(piece[1:-1]) if piece.startswith("{") else None
        if isinstance(quoted, int) and not isinstance(quoted, bool):
            number = quoted
        if number is not None and not piece.startswith("{"):
            piece = _agree(piece, number, language)
        pieces.append(piece)
    return "".join(pieces)


def _agree(piece: str, number: int, language: str) -> str:
    if number > 1 or (number == 0 and language != "fr"):
        return _ENDING.sub(lambda found: found[1].removesuffix(_REPLACED.get(found[2], "")) + found[2], piece)
    piece = _ENDING.sub(r"\1", piece)
    return _SAMPLED.sub(_ALONE[language], piece) if number == 1 else piece


def course(item: FindingHistory, words: Words) -> tuple[str, ...]:
    """Return the lines on what became of a finding: its dates, then the objects that came and went."""
    told = [words("history.span", first=words.date(item.first_seen.date()), last=words.date(item.last_seen.date()))]
    for key, at in (("gone", item.gone_at), ("reopened", item.reopened_at)):
        told += [words(f"history.{key}", date=words.date(at.date()))] if at else []
    for key, objects in (("appeared", item.appeared), ("disappeared", item.disappeared)):
        told += [words.count(f"history.{key}", len(objects))] if objects else []
    return tuple(told)


def plain(text: str, words: Words) -> str:
    """Return a card's text without its backquotes."""
    return "".join(segment.text for segment in segments(text, words))


def lines(text: str) -> tuple[str, ...]:
    """Return the paragraphs of a card's text."""
    return tuple(part.strip() for part in re.split(r"\n+", text.strip()) if part.strip())
