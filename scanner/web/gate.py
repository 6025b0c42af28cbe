"""The gate: who asks, whether the route and the perimeter are theirs, and whether the request came from our pages."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from aiohttp import web

from scanner.store.doors import PREFIX
from scanner.store.store import Store
from scanner.web.rights import Identity
from scanner.web.route import Refused, Route, Unknown

#: Where programs ask; the same routes lie beneath it.
API = "/api/v1"
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: under it a browser sends `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Forbidden(Exception):
    """The role, or the token, does not allow it."""


class Nobody(Exception):
    """Nobody is logged in."""


def cookie_name(*, secure: bool) -> str:
    """Return the name of the session's cookie: bound to this host by its prefix wherever TLS is spoken."""
    return "__Host-hygie" if secure else "hygie"


def identify(store: Store, cookie: str, authorization: str) -> Identity | None:
    """Return who a cookie or an ``Authorization: Bearer`` header stands for."""
    kind, _, secret = authorization.partition(" ")
    if authorization:
        token = store.tokens.find(secret) if kind.lower() == "bearer" and secret.startswith(PREFIX) else None
        account = store.accounts.of(token.login) if token else None
        if token is None or account is None:
            return None
        return Identity(account=account, scopes=frozenset(token.scopes))
    session = store.sessions.find(cookie) if cookie else None
    account = store.accounts.of(session.login) if session else None
    if session is None or account is None:
        return None
    return Identity(account=account, csrf=session.csrf)


def check(identity: Identity, route: Route, path: Mapping[str, str]) -> None:
    """Raise unless the route is allowed; a foreign perimeter is unknown, not forbidden."""
    if "perimeter" in path and not identity.sees(path["perimeter"]):
        raise Unknown
    if not identity.may(route.right):
        raise Forbidden


def check_source(identity: Identity, request: web.Request, form: Mapping[str, str]) -> None:
    """Raise unless a form comes from our own pages: its token, and its origin when the browser tells it."""
    if identity.scopes is not None:
        return
    if not same_origin(request) or not hmac.compare_digest(form.get("_csrf", "").encode(), identity.csrf.encode()):
        raise Refused(
            "Ce formulaire a expiré ou vient d’ailleurs : rechargez la page et recommencez. / "
            "This form has expired or comes from elsewhere: reload the page and try again."
        )


def same_origin(request: web.Request) -> bool:
    """Tell whether the browser says that a request comes from our own pages; silence is accepted."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host
