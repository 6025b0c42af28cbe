"""The second look at a web origin: what was found is asked for again, what was not found is taken over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from probes.facts.web import WebFiles
from probes.facts.web_products import WebProducts, WebWindowsAuthentication
from probes.interface import Fact, Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The paths asked of an origin beside its first page."""

    products: tuple[str, ...]
    windows: tuple[str, ...]
    files: tuple[str, ...]


def paths(every: Paths, seen: Sequence[Fact]) -> Paths:
    """Return the paths at which the facts of the first look found something; all of a kind that was not seen."""
    for fact in seen:
        match fact:
            case WebProducts():
                every = replace(every, products=_beside(p.path for p in fact.products))
            case WebWindowsAuthentication():
                every = replace(every, windows=_beside(e.path for e in fact.endpoints))
            case WebFiles():
                every = replace(every, files=_beside(p.path for p in fact.proofs))
            case _:
                pass
    return every


def whole(sight: Sight, seen: Sequence[Fact]) -> Sight:
    """Return a sight of the second look, completed by what the first look asked in vain."""
    for first in seen:
        match sight.fact, first:
            case WebFiles() as files, WebFiles():
                unanswered = tuple(path for path in first.asked if path in {*first.unanswered, *files.unanswered})
                reliable = first.reliable and files.reliable
                return replace(sight, fact=replace(files, asked=first.asked, unanswered=unanswered, reliable=reliable))
            case WebProducts() as products, WebProducts():
                return replace(sight, fact=replace(products, unanswered=_both(first.unanswered, products.unanswered)))
            case WebWindowsAuthentication() as windows, WebWindowsAuthentication():
                return replace(sight, fact=replace(windows, unanswered=_both(first.unanswered, windows.unanswered)))
            case _:
                pass
    return sight


def _both(first: tuple[str, ...], again: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *again)))


def _beside(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(path for path in found if path != "/"))
