"""The application: routes to handlers, answers to browsers (HTML) and programs (JSON), failures to one sentence."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from aiohttp import web
from pydantic import TypeAdapter

from reports.visible import visible
from scanner.config.load import ConfigError, Settings, extend
from scanner.schedule.launcher import Launcher, Starter
from scanner.schedule.orders import Orders
from scanner.store import plain
from scanner.store.errors import (
    AlreadyKeptError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
    UnknownEntryError,
    UnknownScanError,
)
from scanner.store.store import Store
from scanner.web import gate, render
from scanner.web.limits import LoginLimit
from scanner.web.route import Action, Asked, Download, Going, Page, Refused, Route, Unknown, Watch, posts, routes

log = logging.getLogger(__name__)
T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
#: Largest request taken, in bytes: documents are attached by digest and values, registers by file.
_LARGEST = 64 << 20
_LANGUAGES = ("fr", "en")
#: The cookie that carries what a person is told after an action, to the next page only.
_TOLD = "hygie-told"


class Shell:
    """What every handler shares: the configuration, the store, the threads that read it, the limit on logins."""

    def __init__(self, settings: Settings, store: Store, *, setup_token: str = "") -> None:
        self.file = settings
        self.store = store
        self.setup_token = setup_token
        self.launcher = Launcher(settings.path)
        self.starter: Starter = Orders(store) if settings.file.serve.runs == "workers" else self.launcher
        self.limit = LoginLimit(time.monotonic)
        self.secure = settings.file.serve.public_url.startswith("https://")
        self.cookie = gate.cookie_name(secure=self.secure)
        self._threads = ThreadPoolExecutor(max_workers=6, thread_name_prefix="pages")
        self._extended: tuple[str, Settings] = ("", settings)

    async def apart(self, work: Callable[..., T], *values: object) -> T:
        """Run blocking work in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *values)

    def settings(self) -> Settings:
        """Return the configuration with what was entered on screen, read again only when that changed."""
        declared = self.store.declarations.all()
        digest = plain.digest(plain.canonical(declared))
        known, extended = self._extended
        if digest != known:
            extended = extend(self.file, declared)
            self._extended = (digest, extended)
        return extended

    def language(self, request: web.Request) -> str:
        """Return the language of a request: asked for, remembered, or the configuration's."""
        for wanted in (request.query.get("lang"), request.cookies.get("hygie-lang")):
            if wanted in _LANGUAGES:
                return str(wanted)
        return self.file.file.reports.language

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


SHELL = web.AppKey("shell", Shell)


def application(shell: Shell) -> web.Application:
    """Return the whole application over a shell."""
    from scanner.web import doors

    app = web.Application(middlewares=[_answered], client_max_size=_LARGEST)
    app[SHELL] = shell
    for route in routes():
        _add(app, route)
    app.add_routes(doors.routes())
    with as_file(files("scanner.web") / "static") as folder:
        app.router.add_get("/static/{name}", _static(folder))
    return app


def _add(app: web.Application, route: Route) -> None:
    from scanner.web import live

    match route:
        case Page():
            app.router.add_get(route.path, _page(route))
            app.router.add_get(gate.API + route.path, _data(route))
        case Download():
            method = "POST" if posts(route) else "GET"
            app.router.add_route(method, route.path, _download(route))
            app.router.add_route(method, gate.API + route.path, _download(route))
        case Watch():
            app.router.add_get(route.path, live.events(route))
        case Action():
            app.router.add_post(route.path, _act(route))
            app.router.add_post(gate.API + route.path, _act(route))


async def asked(request: web.Request, route: Route) -> Asked:
    """Return a request as routes read it, once the gate let it pass."""
    shell = request.app[SHELL]
    cookie, bearer = request.cookies.get(shell.cookie, ""), request.headers.get("Authorization", "")
    identity = await shell.apart(gate.identify, shell.store, cookie, bearer)
    if identity is None:
        raise gate.Nobody
    gate.check(identity, route, request.match_info)
    form, sent = await _sent(request) if request.method == "POST" else ({}, {})
    if request.method == "POST":
        gate.check_source(identity, request, form)
    return Asked(
        identity=identity,
        settings=await shell.apart(shell.settings),
        store=shell.store.acting(identity.login),
        now=datetime.now(UTC),
        language=shell.language(request),
        path=dict(request.match_info),
        query=dict(request.query),
        launch=shell.starter,
        form=form,
        files=sent,
    )


async def _sent(request: web.Request) -> tuple[dict[str, str], dict[str, tuple[str, bytes]]]:
    """The fields and files of a form, or of a JSON object of texts."""
    if request.content_type == "application/json":
        try:
            data = json.loads(await request.text())
        except ValueError:
            raise Refused("the body is not JSON") from None
        if not isinstance(data, dict):
            raise Refused("the body is not a JSON object")
        return {str(k): v if isinstance(v, str) else json.dumps(v) for k, v in data.items()}, {}
    fields: dict[str, str] = {}
    sent: dict[str, tuple[str, bytes]] = {}
    posted = await request.post()
    for name in posted:
        values = posted.getall(name)
        texts = [value for value in values if isinstance(value, str)]
        if texts:
            fields[name] = ",".join(texts)
        for value in values:
            if isinstance(value, web.FileField):
                sent[name] = (value.filename, value.file.read())
    return fields, sent


def _page(route: Page) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        shell, wanted = request.app[SHELL], await asked(request, route)

        def made() -> str:
            return page(shell, wanted, request, route.template, route.title, {"data": route.read(wanted)})

        response = web.Response(text=await shell.apart(made), content_type="text/html")
        if _TOLD in request.cookies:
            response.del_cookie(_TOLD)
        return response

    return handler


def page(
    shell: Shell,
    wanted: Asked,
    request: web.Request,
    template: str,
    title: tuple[str, str],
    values: Mapping[str, Any],
) -> str:
    """Return a page of the dashboard with its frame."""
    frame = {
        "asked": wanted,
        "who": wanted.identity,
        "path": request.path,
        "query": dict(request.query),
        "told": unquote(request.cookies.get(_TOLD, "")),
        "title": wanted.say(*title),
        "perimeter": wanted.path.get("perimeter", ""),
    }
    return render.html(template, wanted.language, shell.file.file.serve.timezone, {**frame, **values})


def _data(route: Page) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        shell, wanted = request.app[SHELL], await asked(request, route)
        adapter: TypeAdapter[Any] = TypeAdapter(route.returns)
        body = await shell.apart(lambda: adapter.dump_json(route.read(wanted)))
        return web.Response(body=body, content_type="application/json")

    return handler


def _download(route: Download) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        shell, wanted = request.app[SHELL], await asked(request, route)
        name, media, body = await shell.apart(route.make, wanted)
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Type": media}
        return web.Response(body=body, headers=headers)

    return handler


def _act(route: Action) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        shell, wanted = request.app[SHELL], await asked(request, route)
        going: Going = await shell.apart(route.do, wanted)
        if request.path.startswith(gate.API):
            return web.json_response({"to": going.to, "told": going.told, "data": going.data})
        response = web.Response(status=303, headers={"Location": going.to})
        if going.told:
            told = quote(going.told[:1000])
            response.set_cookie(_TOLD, told, max_age=60, httponly=True, samesite="Lax", secure=shell.secure)
        return response

    return handler


def _static(folder: Path) -> Handler:
    kept = {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix in {".css", ".js", ".svg"}}
    kinds = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

    async def handler(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in kept:
            raise web.HTTPNotFound
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        kind = kinds[Path(name).suffix]
        return web.Response(body=kept[name], content_type=kind, charset="utf-8", headers=headers)

    return handler


@web.middleware
async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what goes wrong into an answer, and put the same headers on every one."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            for name, value in gate.HEADERS.items():
                error.headers[name] = value
            raise
        response = _failed(request, error.status, "")
    except gate.Nobody:
        if request.path.startswith(gate.API):
            response = _failed(request, 401, "a session or a token is needed: Authorization: Bearer hygie_…")
        else:
            after = request.path_qs if request.method == "GET" else ""
            response = web.Response(status=303, headers={"Location": render.link("/login", next=after)})
    except gate.Forbidden:
        response = _failed(request, 403, "")
    except (Unknown, UnknownEntryError, UnknownScanError):
        response = _failed(request, 404, "")
    except (Refused, ConfigError, AlreadyKeptError) as error:
        response = _failed(request, 400, str(error))
    except StoreError as error:
        log.warning("%s %s: %s", request.method, request.path, visible(str(error)))
        response = _failed(request, 503, _spoken(request, error))
    if not response.prepared:
        for name, value in gate.HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _spoken(request: web.Request, error: StoreError) -> str:
    """What keeps the store from working, in the reader's language where it is one of the usual troubles."""
    french = request.app[SHELL].language(request) == "fr"
    if french and isinstance(error, StoreFullError):
        return "Le disque de la base est plein : libérez de la place, puis recommencez. Ce qui était gardé le reste."
    if french and isinstance(error, StoreUnavailableError):
        return "La base ne répond pas : réessayez dans un instant. Ce qui était gardé le reste."
    return str(error)


def _failed(request: web.Request, status: int, sentence: str) -> web.Response:
    if request.path.startswith(gate.API):
        return web.json_response({"error": sentence or HTTPStatus(status).phrase, "status": status}, status=status)
    shell = request.app[SHELL]
    values = {"status": status, "sentence": sentence}
    text = render.html("failed.html", shell.language(request), shell.file.file.serve.timezone, values)
    return web.Response(text=text, status=status, content_type="text/html")
