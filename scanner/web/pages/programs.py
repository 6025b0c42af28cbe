"""The interface for programs, described: the same routes under ``/api/v1``, as an OpenAPI 3.1 document."""

from __future__ import annotations

import json
from dataclasses import dataclass

from scanner.web.openapi import document
from scanner.web.rights import Right
from scanner.web.route import Action, Asked, Download, Page, Watch, posts, routes


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A route as a program sees it."""

    method: str
    path: str
    scope: str
    title: tuple[str, str]
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """Every route."""

    endpoints: tuple[Endpoint, ...]


def _programs(asked: Asked) -> Programs:
    return Programs(endpoints=tuple(_endpoint(route) for route in routes() if not isinstance(route, Watch)))


def _endpoint(route: Page | Action | Download) -> Endpoint:
    parameters = route.query if isinstance(route, Page) else route.fields
    if isinstance(route, Download) and not posts(route):
        parameters = route.query
    return Endpoint(
        method="POST" if posts(route) else "GET",
        path=route.path,
        scope=route.right.value,
        title=route.title,
        parameters=dict(parameters),
    )


def _document(asked: Asked) -> tuple[str, str, bytes]:
    return "openapi.json", "application/json", json.dumps(document(), indent=1, ensure_ascii=False).encode()


PROGRAMS = Page(
    path="/programs",
    right=Right.ENTER,
    template="programs.html",
    read=_programs,
    returns=Programs,
    title=("Interface de programmation", "Interface for programs"),
)
OPENAPI = Download(
    path="/openapi.json", right=Right.ENTER, make=_document, title=("Description OpenAPI", "OpenAPI description")
)
