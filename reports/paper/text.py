"""Text made fit for paper: visible, bounded, drawn by the embedded fonts, breakable where identifiers are long."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from reports.prose import lines, segments
from reports.visible import visible
from reports.words import Words
from rules.interface import Severity

Data = dict[str, Any]

_LONGEST = 400
#: What Libertinus Serif and DejaVu Sans Mono both draw; PDF/A refuses a text that no font draws.
_UNDRAWN = re.compile(
    "[^ -~\u00a0-\u00ac\u00ae-\u017f"  # Latin
    "\u0391-\u03a1\u03a3-\u03a9\u03b1-\u03c9\u0401\u0410-\u044f\u0451"  # Greek, Cyrillic
    "\u2190-\u2193\u2212\u2260\u2264\u2265\u2022\u2030\u2039\u203a\u201e\u2122"  # arrows, signs
    "\u2013\u2014\u2018\u2019\u201c\u201d\u2026\u202f\u20ac]"
)
_BREAKS = re.compile(r"([@/.,=:_-])(?=\w)")
_ANYWHERE = re.compile(r"(\w{24})(?=\w)")


def drawn(text: str, longest: int = _LONGEST) -> str:
    """Return text that is visible, bounded and drawn by the fonts; other characters become their code."""
    return _UNDRAWN.sub(lambda found: f"\\u{{{ord(found[0]):x}}}", visible(text, longest))


def breakable(text: str) -> str:
    """Return an identifier that may be broken after its separators, and anywhere when it has none."""
    return _ANYWHERE.sub("\\1\u200b", _BREAKS.sub("\\1\u200b", drawn(text, 300)))


@dataclass(frozen=True, slots=True)
class Hand:
    """The words of a language, written as the template reads them."""

    words: Words

    def prose(self, text: str) -> list[Data]:
        """Return the segments of a card's text."""
        return [
            {"text": breakable(s.text) if s.code else drawn(s.text, 2000), "code": s.code}
            for s in segments(text, self.words)
        ]

    def paragraphs(self, text: str) -> list[list[Data]]:
        """Return the paragraphs of a card's text."""
        return [self.prose(line) for line in lines(text)]

    def severity(self, of: Severity | str) -> Data:
        """Return a severity: its name chooses mark and colour, its label is read."""
        name = of.value if isinstance(of, Severity) else of
        return {"name": name, "label": self.words(f"severity.{name}")}

    def status(self, name: str) -> Data:
        """Return the status of a criterion."""
        return {"name": name, "label": self.words(f"criterion.{name}")}

    def header(self, *columns: str) -> list[str]:
        """Return the header of a table."""
        return [self.words(f"column.{column}") for column in columns]
