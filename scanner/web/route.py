"""Routes as data: a page reads, an action does; each declares its right, and both serve browsers and programs."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from rules.subject import Perimeter
from scanner.config.load import Settings
from scanner.schedule.launcher import Starter
from scanner.store.sightings import Live
from scanner.store.store import Store
from scanner.web.rights import Identity, Right


class Unknown(Exception):
    """There is no such thing, or it is not for whoever asks: both are told alike."""


class Refused(Exception):
    """What was sent cannot be taken; the message is one sentence for the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: who asks, for what, when, and over which configuration and store.

    ``path`` are the parts of the address, ``query`` its parameters, ``form`` what was sent.
    """

    identity: Identity
    settings: Settings
    store: Store
    now: datetime
    language: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    launch: Starter
    form: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)

    @property
    def perimeter(self) -> str:
        """The perimeter of the address, which the gate has checked."""
        return self.path["perimeter"]

    def say(self, fr: str, en: str) -> str:
        """Return the words of the language in use."""
        return en if self.language == "en" else fr

    def named(self, perimeter: str) -> str:
        """Return the name of a perimeter; its id when it is no longer declared."""
        known = self.settings.perimeters.get(perimeter)
        return known.name if known else perimeter

    def declared(self) -> tuple[Perimeter, ...]:
        """Return the declared perimeters that are seen, by name."""
        seen = (p for p in self.settings.perimeters.values() if self.identity.sees(p.id))
        return tuple(sorted(seen, key=lambda p: (p.name, p.id)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Something to read at ``path``: HTML by ``template``, JSON under ``/api/v1``; ``read`` returns a ``returns``.

    With ``{perimeter}`` in its path it answers only to those who see that perimeter.
    """

    path: str
    right: Right
    template: str
    read: Callable[[Asked], Any]
    returns: type[Any]
    title: tuple[str, str]
    #: Parameters of the address that it reads, with what they mean.
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """Where a browser goes after an action, and what it is told there; ``data`` is what a program gets."""

    to: str
    told: str = ""
    data: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something to do, by POST at ``path``; ``fields`` are what it takes, with what they mean."""

    path: str
    right: Right
    do: Callable[[Asked], Going]
    fields: Mapping[str, str] = field(default_factory=dict)
    title: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file at ``path``: ``make`` returns its name, media type and bytes.

    One that takes ``fields`` is made by POST, as an action is: it costs work or leaves something behind.
    """

    path: str
    right: Right
    make: Callable[[Asked], tuple[str, str, bytes]]
    title: tuple[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Server-sent events at ``path``: ``look`` is asked again and again, until what it returns has ended."""

    path: str
    right: Right
    look: Callable[[Asked], Live]
    title: tuple[str, str]


Route = Page | Action | Download | Watch


def posts(route: Route) -> bool:
    """Tell whether a route is asked by POST."""
    return isinstance(route, Action) or (isinstance(route, Download) and bool(route.fields))


@cache
def routes() -> tuple[Route, ...]:
    """Return every route, found by its place in a module under ``scanner/web/pages``."""
    import scanner.web.pages

    found: list[Route] = []
    for name in sorted(m.name for m in pkgutil.iter_modules(scanner.web.pages.__path__, "scanner.web.pages.")):
        found += [
            v for v in vars(importlib.import_module(name)).values() if isinstance(v, (Page, Action, Download, Watch))
        ]
    return tuple(found)
