"""The wildcard model: what names made by chance are answered, sampled until nothing new comes."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterable
from typing import Protocol

import dns.exception
import dns.message
import dns.rdatatype

from probes.facts.discovery import Wildcard, WildcardShape
from probes.interface import Existence, NameAnswer

#: Names a round, rounds without anything new after which the model is whole, names at the most.
_ROUND, _QUIET, _MOST = 5, 2, 100
#: More distinct answers than this are no model.
_DISTINCT = 40
_SYLLABLES = ("ra", "li", "to", "mer", "cen", "pol", "dan", "vi", "sou", "ter", "ga", "nor", "bel", "fi")


class Ask(Protocol):
    """Asks about names of one type (addresses of the fourth version, unless told) and gives each answer."""

    def __call__(self, names: Iterable[str], rdtype: int = ...) -> AsyncIterator[NameAnswer]:
        """Ask."""
        ...


#: What a name was answered: (type, data) of every record, aliases included; None when it does not exist.
Signature = frozenset[tuple[str, str]]


async def sample(ask: Ask, parent: str) -> tuple[Wildcard, frozenset[Signature]]:
    """Return what names by chance under a parent are answered, and the distinct answers.

    Every round holds a name of each shape, since some wildcards only answer for words.
    """
    seen: set[Signature] = set()
    tried = unknown = quiet = 0
    while tried < _MOST and quiet < _QUIET:
        before, bare = len(seen), []
        async for answer in ask(f"{label}.{parent}" for label in _labels()):
            tried += 1
            if answer.existence is Existence.EXISTS:
                records = signature(answer)
                seen |= {records} if records else set()
                bare += [] if records else [answer.name]
            unknown += answer.existence is Existence.UNKNOWN
        # A name without address of the fourth version may have one of the sixth.
        async for answer in ask(bare, dns.rdatatype.AAAA):
            if answer.existence is Existence.EXISTS:
                seen.add(signature(answer))
            unknown += answer.existence is Existence.UNKNOWN
        quiet = quiet + 1 if len(seen) == before else 0
        if len(seen) > _DISTINCT:
            break
    if unknown > tried // 2 and not seen:
        shape = WildcardShape.UNKNOWN
    elif quiet < _QUIET:
        shape = WildcardShape.UNBOUNDED
    else:
        shape = WildcardShape.BOUNDED if seen else WildcardShape.NONE
    answers = tuple(sorted(" ".join(f"{t} {d}" for t, d in sorted(one)) for one in seen))[:20]
    return Wildcard(parent=parent, shape=shape, tried=tried, answers=answers), frozenset(seen)


def signature(answer: NameAnswer) -> Signature:
    """Return the records of an answer without their owners; empty for a name without records of that type."""
    try:
        message = dns.message.from_wire(answer.wire, ignore_trailing=True)
    except dns.exception.DNSException:
        return frozenset({("?", answer.wire[12:].hex()[:200])})
    return frozenset((dns.rdatatype.to_text(r.rdtype), str(record).lower()) for r in message.answer for record in r)


def _labels() -> tuple[str, ...]:
    """One label of each shape, that nobody can have published: hexadecimal, word, digits, hyphen, two levels."""

    def word() -> str:
        return "".join(secrets.choice(_SYLLABLES) for _ in range(6))

    digits = "".join(secrets.choice("0123456789") for _ in range(9))
    return secrets.token_hex(6), word(), digits, f"{word()}-{secrets.token_hex(2)}", f"{secrets.token_hex(4)}.{word()}"
