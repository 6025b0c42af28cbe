"""The OpenAPI 3.1 document, made from the routes and from the types that they return."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter

from scanner.web.gate import API
from scanner.web.route import Action, Download, Page, Watch, posts, routes

_REFERENCE = "#/components/schemas/{model}"


def document() -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {}
    for route in routes():
        if isinstance(route, Watch):
            continue
        method = "post" if posts(route) else "get"
        paths.setdefault(API + route.path, {})[method] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hygie", "version": version("hygie"), "license": {"name": "GPL-3.0-or-later"}},
        "security": [{"token": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _operation(route: Page | Action | Download, schemas: dict[str, Any]) -> dict[str, Any]:
    inside = [_parameter(name, "path", "") for name in re.findall(r"{(\w+)}", route.path)]
    operation: dict[str, Any] = {
        "summary": route.title[1],
        "description": f"Scope: {route.right.value}",
        "parameters": inside,
        "responses": {
            "200": {"description": "done", "content": _content(route, schemas)},
            "400": {"description": "refused, with one sentence"},
            "401": {"description": "no valid session or token"},
            "403": {"description": "the role or the token does not allow it"},
            "404": {"description": "unknown, or another perimeter's"},
        },
    }
    if not isinstance(route, Page) and posts(route):
        operation["requestBody"] = {"content": {"application/json": {"schema": _fields(route.fields)}}}
    elif not isinstance(route, Action):
        query = route.query
        operation["parameters"] = [*inside, *(_parameter(name, "query", text) for name, text in query.items())]
    return operation


def _content(route: Page | Action | Download, schemas: dict[str, Any]) -> dict[str, Any]:
    match route:
        case Page():
            return {"application/json": {"schema": _schema(route.returns, schemas)}}
        case Download():
            return {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        case Action():
            told = {"type": "object", "properties": {"to": {"type": "string"}, "told": {"type": "string"}, "data": {}}}
            return {"application/json": {"schema": told}}


def _schema(of: type[Any], schemas: dict[str, Any]) -> dict[str, Any]:
    made = TypeAdapter(of).json_schema(ref_template=_REFERENCE, mode="serialization")
    schemas.update(made.pop("$defs", {}))
    schemas[of.__name__] = made
    return {"$ref": _REFERENCE.format(model=of.__name__)}


def _fields(fields: Mapping[str, str]) -> dict[str, Any]:
    return {"type": "object", "properties": {n: {"type": "string", "description": t} for n, t in fields.items()}}


def _parameter(name: str, place: str, text: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": text,
        "schema": {"type": "string"},
    }
