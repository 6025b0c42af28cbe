"""SPF records (RFC 7208): the grammar, term by term, without any look-up."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum

#: Longest record read, in characters; longer ones are malformed (65 535 bytes of RDATA is the wire's limit).
LONGEST = 16_384


class SpfSyntaxError(ValueError):
    """A record that starts as SPF and does not follow the grammar: a permanent error for receivers."""


class Qualifier(StrEnum):
    """What a match means (RFC 7208 4.6.2)."""

    PASS = "+"
    FAIL = "-"
    SOFTFAIL = "~"
    NEUTRAL = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism:
    """One directive: ``name`` is all, include, a, mx, ptr, ip4, ip6 or exists; ``value`` its domain-spec or network.

    ``prefix4`` and ``prefix6`` are the lengths given after a or mx.
    """

    qualifier: Qualifier
    name: str
    value: str = ""
    prefix4: int | None = None
    prefix6: int | None = None

    @property
    def asks(self) -> bool:
        """Tell whether evaluating it costs one of the ten look-ups (RFC 7208 4.6.4)."""
        return self.name in {"include", "a", "mx", "ptr", "exists"}

    @property
    def macro(self) -> bool:
        """Tell whether its target depends on the message (RFC 7208 7)."""
        return "%" in self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfRecord:
    """The directives in order, and the redirect target or ""; directives after ``all`` are kept."""

    mechanisms: tuple[Mechanism, ...]
    redirect: str = ""
    explanation: str = ""

    @property
    def all_qualifier(self) -> Qualifier | None:
        """The qualifier of the first ``all``, or None."""
        return next((m.qualifier for m in self.mechanisms if m.name == "all"), None)


_MACRO = r"%\{[slodiphcrtvSLODIPHCRTV][0-9]*[rR]?[.\-+,/_=]*\}|%%|%_|%-"
_SPEC = re.compile(rf"(?:{_MACRO}|[!-$&-~])+\Z")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9\-_.]*\Z")
_DUAL = re.compile(r"(?P<rest>.*?)(?:/(?P<four>\d{1,3}))?(?://(?P<six>\d{1,3}))?\Z")
_BARE = {"all"}
_WITH_DOMAIN = {"include", "exists"}


def is_spf(text: str) -> bool:
    """Tell whether a TXT record is a SPF record: the version, then a space or the end (RFC 7208 4.5)."""
    return text[:6].lower() == "v=spf1" and (len(text) == 6 or text[6] == " ")


def parse(text: str) -> SpfRecord:
    """Return the record; raise ``SpfSyntaxError`` saying which term is wrong."""
    if not is_spf(text):
        raise SpfSyntaxError("not a SPF record")
    if len(text) > LONGEST:
        raise SpfSyntaxError("record too long")
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, str] = {}
    for term in text[6:].split(" "):
        if not term:
            continue
        name, equals, value = term.partition("=")
        if equals and _NAME.match(name):
            _modifier(modifiers, name.lower(), value)
        else:
            mechanisms.append(_mechanism(term))
    return SpfRecord(
        mechanisms=tuple(mechanisms), redirect=modifiers.get("redirect", ""), explanation=modifiers.get("exp", "")
    )


def _modifier(modifiers: dict[str, str], name: str, value: str) -> None:
    if name not in {"redirect", "exp"}:
        return
    if name in modifiers:
        raise SpfSyntaxError(f"two {name} modifiers")
    modifiers[name] = _domain(value, name)


def _mechanism(term: str) -> Mechanism:
    qualifier = Qualifier.PASS
    if term[0] in "+-~?":
        qualifier, term = Qualifier(term[0]), term[1:]
    match = re.match(r"([A-Za-z0-9]+)(.*)\Z", term, re.DOTALL)
    if match is None:
        raise SpfSyntaxError(f"unreadable term {term[:40]!r}")
    name, rest = match[1].lower(), match[2]
    if name in _BARE:
        if rest:
            raise SpfSyntaxError(f"{name} takes no value")
        return Mechanism(qualifier=qualifier, name=name)
    if name in {"ip4", "ip6"}:
        return Mechanism(qualifier=qualifier, name=name, value=_network(name, rest))
    if name in _WITH_DOMAIN:
        if not rest.startswith(":"):
            raise SpfSyntaxError(f"{name} needs a domain")
        return Mechanism(qualifier=qualifier, name=name, value=_domain(rest[1:], name))
    if name == "ptr":
        return Mechanism(qualifier=qualifier, name=name, value=_optional(rest, name))
    if name in {"a", "mx"}:
        return _dual(qualifier, name, rest)
    raise SpfSyntaxError(f"unknown mechanism {name[:40]!r}")


def _dual(qualifier: Qualifier, name: str, rest: str) -> Mechanism:
    match = _DUAL.match(rest)
    if match is None:
        raise SpfSyntaxError(f"unreadable term {name}{rest[:40]!r}")
    four = int(match["four"]) if match["four"] else None
    six = int(match["six"]) if match["six"] else None
    if (four is not None and four > 32) or (six is not None and six > 128):
        raise SpfSyntaxError(f"prefix out of range in {name}")
    value = _optional(match["rest"], name)
    return Mechanism(qualifier=qualifier, name=name, value=value, prefix4=four, prefix6=six)


def _network(name: str, rest: str) -> str:
    if not rest.startswith(":"):
        raise SpfSyntaxError(f"{name} needs an address")
    wanted = ipaddress.IPv4Network if name == "ip4" else ipaddress.IPv6Network
    address, slash, prefix = rest[1:].partition("/")
    if slash and not re.fullmatch(r"\d{1,3}", prefix):
        raise SpfSyntaxError(f"unreadable prefix in {name}")
    try:
        return str(wanted(f"{address}{slash}{prefix}", strict=False))
    except ValueError:
        raise SpfSyntaxError(f"unreadable address in {name}:{address[:40]!r}") from None


def _optional(rest: str, name: str) -> str:
    if not rest:
        return ""
    if not rest.startswith(":"):
        raise SpfSyntaxError(f"unreadable value of {name}")
    return _domain(rest[1:], name)


def _domain(text: str, name: str) -> str:
    if not text or not _SPEC.match(text) or ("%" not in text and "." not in text.rstrip(".")):
        raise SpfSyntaxError(f"{name} needs a domain")
    return text
