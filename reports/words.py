"""The words of what people read, in French and English: one TOML file a language in a package's `words/` folder."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from probes.interface import Reason
from reports import details
from reports.typography import NARROW, WIDE, french

#: French first; English complete.
LANGUAGES = ("fr", "en")
_REASONS = frozenset(reason.value for reason in Reason)
_Text = str | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language, by dotted key (``severity.critical``); ``{name}`` is filled by keyword.

    A table with ``one`` and ``other`` is a plural. Texts come out as plain text: each sink escapes them.
    """

    language: str
    texts: Mapping[str, _Text]

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the words of a key."""
        text = self.texts[key]
        if not isinstance(text, str):
            raise TypeError(f"{key} is a plural: ask for count()")
        return text.format(**values)

    def count(self, key: str, number: int, /, **values: object) -> str:
        """Return the plural of a key for a number, which the words may quote as ``{n}``."""
        forms = self.texts[key]
        if isinstance(forms, str):
            raise TypeError(f"{key} is no plural")
        single = number in {0, 1} if self.language == "fr" else number == 1
        return forms["one" if single else "other"].format(n=self.number(number), **values)

    def known(self, key: str) -> bool:
        """Tell whether a key has words."""
        return key in self.texts

    def reason(self, code: str) -> str:
        """Return the words of a machine reason such as ``timed-out`` or ``not-readable:pwdLastSet``."""
        name, _, detail = code.partition(":")
        if not self.known(f"reason.{name}"):
            return self("reason-unknown", code=code)
        detail = self(f"reason.{detail.strip()}") if self.known(f"reason.{detail.strip()}") else detail.strip()
        return f"{self(f'reason.{name}')} ({detail})" if detail else self(f"reason.{name}")

    def detail(self, text: str) -> str:
        """Return what a step told of its failure: our own sentence said, the words of a server or library quoted."""
        if (own := details.own(text, self.language)) is not None:
            return own
        # a lone word is a name or a number: it stands for itself
        return self("detail.quoted", text=text) if " " in text else text

    def quoted(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return the values of a finding as a card quotes them.

        A ``flaw`` is a machine reason, said in words; so are yes, no, and ``-``, which stands for a value not there. A
        ``detail`` is what a step told, after its reason if it had one.
        """
        return {name: self._quoted(name, value) for name, value in values.items()}

    def _quoted(self, name: str, value: object) -> object:
        if isinstance(value, bool):
            return self("quoted.yes" if value else "quoted.no")
        if value == "-":
            return self("quoted.nothing")
        if name == "flaw" and isinstance(value, str):
            return self.reason(value)
        return self._told(value) if name == "detail" and isinstance(value, str) else value

    def _told(self, text: str) -> str:
        reason, _, rest = text.partition(" ")
        if reason.removesuffix(":") not in _REASONS:
            return self.detail(text)
        said = self(f"reason.{reason.removesuffix(':')}")
        return f"{said} ({self.detail(rest)})" if rest else said

    def number(self, value: float) -> str:
        """Return a number with the thousands separator and decimal mark of the language."""
        text = f"{int(value) if value == int(value) else value:,}"
        return text.replace(",", NARROW).replace(".", ",") if self.language == "fr" else text

    def date(self, day: date) -> str:
        """Return a day in full: « 1er mars 2026 », "1 March 2026"."""
        first = "1er" if self.language == "fr" and day.day == 1 else str(day.day)
        return f"{first}{WIDE}{self(f'month.{day.month}')}{WIDE}{day.year}"

    def instant(self, at: datetime) -> str:
        """Return an instant to the minute, in UTC, and said so."""
        there = at.astimezone(UTC)
        return self("instant", date=self.date(there.date()), hour=f"{there:%H}", minute=f"{there:%M}")

    def listed(self, items: Sequence[str]) -> str:
        """Return « a, b et c »."""
        if len(items) < 2:
            return "".join(items)
        return self("listed", first=", ".join(items[:-1]), last=items[-1])

    def typeset(self, text: str) -> str:
        """Return prose with the spaces of French typography; English is left as it is."""
        return french(text) if self.language == "fr" else text


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence by its key and what it quotes, told in a language when it is shown; what it quotes may be said too."""

    key: str
    values: Mapping[str, object]

    def in_(self, words: Words) -> str:
        """Return the sentence in the language of words."""
        quoted = {name: value.in_(words) if isinstance(value, Said) else value for name, value in self.values.items()}
        return words(self.key, **quoted)

    def flat(self) -> dict[str, object]:
        """Return the key and what it quotes as plain data."""
        quoted = {name: value.flat() if isinstance(value, Said) else str(value) for name, value in self.values.items()}
        return {"key": self.key, "values": quoted}


def said(key: str, /, **values: object) -> Said:
    """Return the sentence of a key."""
    return Said(key, values)


@cache
def load(language: str, *packages: str) -> Words:
    """Return the words of ``reports``, then of further packages that have a ``words/`` folder."""
    found: dict[str, _Text] = {}
    for package in ("reports", *packages):
        own = _flat(tomllib.loads((files(package) / "words" / f"{language}.toml").read_text("utf-8")), "", language)
        if twice := found.keys() & own.keys():
            raise ValueError(f"{package}/words/{language}.toml says {min(twice)} again")
        found |= own
    return Words(language, MappingProxyType(found))


def _flat(table: Mapping[str, object], prefix: str, language: str) -> dict[str, _Text]:
    found: dict[str, _Text] = {}
    for key, value in table.items():
        if isinstance(value, str):
            found[prefix + key] = french(value) if language == "fr" else value
        elif isinstance(value, dict) and value.keys() == {"one", "other"}:
            kept = {form: text.replace("{n} ", "{n}" + WIDE) for form, text in value.items()}
            found[prefix + key] = {k: french(v) if language == "fr" else v for k, v in kept.items()}
        elif isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}.", language)
        else:
            raise TypeError(f"{prefix}{key} is neither text, plural nor table")
    return found
