"""The doors: login with a password or an identity provider, the first account, logout, language, health."""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import urlsplit

from aiohttp import web

from scanner.store.accounts import Account, Role
from scanner.store.errors import StoreError
from scanner.web import gate, render
from scanner.web.oidc import Exchange, OidcError
from scanner.web.shell import SHELL, Shell

#: The token of forms that are filled before there is a session; a cookie holds the same value.
_FORM = "hygie-form"
_OIDC = "hygie-oidc"
_YEAR = 365 * 24 * 3600


def routes() -> list[web.RouteDef]:
    """Return the routes that ask for no right."""
    return [
        web.get("/health", _health),
        web.get("/login", _login),
        web.post("/login", _enter),
        web.get("/setup", _login),
        web.post("/setup", _first),
        web.post("/logout", _leave),
        web.get("/language/{language}", _speak),
        web.get("/oidc/start", _oidc_start),
        web.get("/oidc/callback", _oidc_back),
    ]


async def _health(request: web.Request) -> web.StreamResponse:
    """Tell whether the service and its store answer; nothing else."""
    shell = request.app[SHELL]
    try:
        await shell.apart(shell.store.sightings.running)
    except StoreError:
        return web.json_response({"store": "unavailable"}, status=503)
    return web.json_response({"store": "ok"})


async def _login(request: web.Request) -> web.StreamResponse:
    return _form(request, setup=request.path == "/setup")


def _form(request: web.Request, *, setup: bool = False, fault: str = "", status: int = 200) -> web.Response:
    shell = request.app[SHELL]
    if setup and not shell.setup_token:
        raise web.HTTPSeeOther("/login")
    token = request.cookies.get(_FORM) or secrets.token_urlsafe(32)
    values = {
        "setup": setup,
        "fault": fault,
        "form_token": token,
        "next": _inside(request.query.get("next", "")),
        "oidc": bool(shell.file.file.oidc.issuer),
        "setup_open": bool(shell.setup_token),
    }
    text = render.html("login.html", shell.language(request), shell.file.file.serve.timezone, values)
    response = web.Response(text=text, status=status, content_type="text/html")
    response.set_cookie(_FORM, token, httponly=True, samesite="Strict", secure=shell.secure)
    return response


async def _posted(request: web.Request) -> dict[str, str]:
    """The fields of a form that was filled on one of our own pages."""
    fields = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    known = request.cookies.get(_FORM, "")
    same = hmac.compare_digest(fields.get("_form", "").encode(), known.encode())
    if not (known and same and gate.same_origin(request)):
        raise web.HTTPForbidden
    return fields


async def _enter(request: web.Request) -> web.StreamResponse:
    """Log in with a password."""
    shell, fields = request.app[SHELL], await _posted(request)
    login, address = fields.get("login", "").strip()[:200], request.remote or ""
    keys = (f"account {login}", f"address {address}")
    wait = shell.limit.wait(*keys)
    if wait:
        return _form(request, fault="wait", status=429)
    account = await shell.apart(shell.store.accounts.admit, login, fields.get("password", "")[:1024])
    if account is None:
        shell.limit.failed(*keys)
        await shell.apart(lambda: shell.store.audit.note("login-refused", account=login, address=address))
        return _form(request, fault="refused", status=401)
    shell.limit.passed(*keys)
    return await _admitted(request, shell, account, "password", fields.get("next", ""))


async def _first(request: web.Request) -> web.StreamResponse:
    """Make the first account, with the token that the terminal printed."""
    shell, fields = request.app[SHELL], await _posted(request)
    keys = (f"setup {request.remote}",)
    if shell.limit.wait(*keys):
        return _form(request, setup=True, fault="wait", status=429)
    known = shell.setup_token
    if not known or not hmac.compare_digest(fields.get("token", "").strip().encode(), known.encode()):
        shell.limit.failed(*keys)
        return _form(request, setup=True, fault="token", status=401)
    login = fields.get("login", "").strip()
    if not login or len(login) > 100:
        return _form(request, setup=True, fault="login", status=400)
    account = Account(login=login, name=fields.get("name", "").strip() or login, role=Role.ADMIN)
    try:
        await shell.apart(shell.store.acting(login).accounts.add, account, fields.get("password", ""))
    except StoreError:
        return _form(request, setup=True, fault="password", status=400)
    shell.setup_token = ""
    return await _admitted(request, shell, account, "setup", "")


async def _admitted(request: web.Request, shell: Shell, account: Account, how: str, after: str) -> web.StreamResponse:
    """Begin a session under a new identifier, whatever the browser came with."""
    old = request.cookies.get(shell.cookie, "")
    if old:
        await shell.apart(shell.store.sessions.end, old)
    secret = await shell.apart(shell.store.acting(account.login).sessions.begin, account.login, how)
    response = web.Response(status=303, headers={"Location": _inside(after) or "/"})
    response.set_cookie(shell.cookie, secret, httponly=True, samesite="Lax", secure=shell.secure, path="/")
    response.del_cookie(_FORM)
    return response


async def _leave(request: web.Request) -> web.StreamResponse:
    """Log out; the session's own token is asked for, as everywhere."""
    shell = request.app[SHELL]
    secret = request.cookies.get(shell.cookie, "")
    identity = await shell.apart(gate.identify, shell.store, secret, "")
    if identity is not None:
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        gate.check_source(identity, request, form)
        await shell.apart(shell.store.sessions.end, secret)
    response = web.Response(status=303, headers={"Location": "/login"})
    response.del_cookie(shell.cookie, path="/")
    return response


async def _speak(request: web.Request) -> web.StreamResponse:
    """Remember a language and go back."""
    language = request.match_info["language"]
    back = urlsplit(request.headers.get("Referer", ""))
    target = back.path + (f"?{back.query}" if back.query else "") if back.netloc == request.host else "/"
    response = web.Response(status=303, headers={"Location": _inside(target) or "/"})
    if language in {"fr", "en"}:
        response.set_cookie("hygie-lang", language, max_age=_YEAR, samesite="Lax", secure=request.app[SHELL].secure)
    return response


async def _oidc_start(request: web.Request) -> web.StreamResponse:
    """Send the browser to the identity provider."""
    shell = request.app[SHELL]
    section = shell.file.file.oidc
    if not section.issuer:
        raise web.HTTPNotFound
    exchange = Exchange(section, _callback(request, shell))
    try:
        target, memory = await exchange.begin()
    except OidcError as error:
        return _form(request, fault=f"oidc:{error}", status=502)
    response = web.Response(status=303, headers={"Location": target})
    response.set_cookie(_OIDC, memory, max_age=600, httponly=True, samesite="Lax", secure=shell.secure)
    return response


async def _oidc_back(request: web.Request) -> web.StreamResponse:
    """Take the browser back from the identity provider, and check all it brings."""
    shell = request.app[SHELL]
    section = shell.file.file.oidc
    if not section.issuer:
        raise web.HTTPNotFound
    exchange = Exchange(section, _callback(request, shell))
    try:
        claims = await exchange.complete(dict(request.query), request.cookies.get(_OIDC, ""))
    except OidcError as error:
        return _form(request, fault=f"oidc:{error}", status=401)
    subject = f"{claims['iss']} {claims['sub']}"
    account = await shell.apart(shell.store.accounts.by_subject, subject)
    if account is None:
        account = await shell.apart(shell.store.accounts.bind, str(claims.get(section.claim, "")), subject)
    if account is None:
        return _form(request, fault="oidc-unknown", status=403)
    response = await _admitted(request, shell, account, "oidc", "")
    response.del_cookie(_OIDC)
    return response


def _callback(request: web.Request, shell: Shell) -> str:
    base = shell.file.file.serve.public_url or f"{request.scheme}://{request.host}"
    return f"{base}/oidc/callback"


def _inside(target: str) -> str:
    """A path of this site, or ""."""
    parts = urlsplit(target)
    inside = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc
    return target if inside and target.isprintable() else ""
