"""What a web origin showed: the chain of redirects, headers, cookies, the first page, and files that lie open."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar
from urllib.parse import urlsplit

from probes.interface import AssetKind, Fact, FoundIn, Lead, Part

_CSP = ("content-security-policy", "content-security-policy-report-only")
#: A host source of a policy (CSP 2.3.1), without its scheme, port and path.
_SOURCE = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?((?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::[0-9*]+)?(?:/\S*)?", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One answer of a redirect chain. ``followed`` is False where the Line refused the next address, or at the end."""

    url: str
    status: int
    location: str = ""
    followed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """A cookie as set: its name and flags, never its value. ``same_site`` is lower-case, or "" when not given."""

    name: str
    secure: bool
    http_only: bool
    same_site: str = ""
    session_like: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOrigin(Fact):
    """What an origin answers to ``GET /``.

    ``chain`` starts with the origin's own answer; ``own_status`` that answer's status. ``headers`` are the final
    page's, lower-case names, each value cut at 1 000 characters (a policy at 8 000); ``own_headers`` those of
    the origin's own answer. ``html`` tells whether the final page is HTML. ``reliable`` is False when paths that cannot
    exist are answered as if they did. ``title`` and banners are the server's own words.
    """

    kind: ClassVar[str] = "web.origin"
    seen_by: ClassVar[str] = "web"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})

    scheme: str
    host: str
    port: int
    address: str
    chain: tuple[Hop, ...]
    own_headers: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    cookies: tuple[Cookie, ...]
    html: bool
    title: str
    reliable: bool
    #: The final page asks for a password.
    login_form: bool = False
    #: A form with a password is sent to a clear-text address.
    login_to_clear: bool = False
    #: Active content (script, frame, style) fetched in clear from a page over TLS.
    mixed_content: tuple[str, ...] = ()
    #: Schemes of the WWW-Authenticate header of the first page, lower-case.
    authentication: tuple[str, ...] = ()
    #: Methods of the Allow header of an OPTIONS request; TRACE when a TRACE request was echoed.
    methods: tuple[str, ...] = ()
    trace_echoed: bool = False
    #: Access-Control-Allow-Origin given to an unknown origin, and whether credentials go with it.
    cors_origin: str = ""
    cors_credentials: bool = False
    #: Hosts that the final page links to or loads from, sorted.
    linked_hosts: tuple[str, ...] = ()
    #: The framework whose debug page answers where nothing is, or "".
    debug: str = ""
    #: Scripts of other sites loaded without an integrity digest.
    unpinned_scripts: tuple[str, ...] = ()

    #: What stayed without an answer: ``cors``, ``methods``, ``trace``, ``nowhere`` (paths that cannot exist).
    unanswered: tuple[str, ...] = ()
    #: Content security policies that the final page gives itself in a meta element.
    own_policies: tuple[str, ...] = ()
    #: What the origin's own answer says to a reader, when it is an error or short; "" of a longer page.
    own_text: str = ""

    def every(self, name: str) -> tuple[str, ...]:
        """Return every value of a header of the final page, lists taken apart at their commas."""
        return tuple(part.strip() for key, value in self.headers if key == name for part in value.split(","))

    @property
    def strict_transport(self) -> str:
        """The Strict-Transport-Security header of the origin's own answer: of several, the first (RFC 6797 8.1)."""
        return next((value for key, value in self.own_headers if key == "strict-transport-security"), "")

    def leads(self) -> Iterable[Lead]:
        """Return the hosts of redirects, of links, and of the content security policy."""
        for hop in self.chain:
            yield from (Lead(text=host, found_in=FoundIn.REDIRECT) for host in [_host(hop.location)] if host)
        for name, value in (*self.own_headers, *self.headers):
            if name in _CSP:
                found = (_SOURCE.fullmatch(word) for word in value.replace(";", " ").split())
                yield from (Lead(text=match[1], found_in=FoundIn.CSP) for match in found if match)
        yield from (Lead(text=host, found_in=FoundIn.LINK) for host in self.linked_hosts)

    @property
    def status(self) -> int:
        """The status of the final page."""
        return self.chain[-1].status


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


class OpenFile(StrEnum):
    """What a file that lies open is, proved by its content."""

    GIT = "git"
    SVN = "svn"
    ENVIRONMENT = "environment"
    BACKUP = "backup"
    PHPINFO = "phpinfo"
    SERVER_STATUS = "server-status"
    ACTUATOR = "actuator"
    LISTING = "listing"
    DS_STORE = "ds-store"
    API_DOCS = "api-docs"
    LOG = "log"
    PRIVATE_KEY = "private-key"
    PASSWORDS = "passwords"
    MERCURIAL = "mercurial"
    DIAGNOSTIC = "diagnostic"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A file proved open: what, where, and an excerpt in which every secret was replaced before anything was kept."""

    what: OpenFile
    path: str
    excerpt: str
    #: The content holds credentials (their names are in the excerpt, never their values).
    credentials: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WebFiles(Fact):
    """Which of the paths asked lie open. An unreliable origin answers everything: nothing is concluded from it."""

    kind: ClassVar[str] = "web.files"
    seen_by: ClassVar[str] = "web"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})

    asked: tuple[str, ...]
    unanswered: tuple[str, ...]
    proofs: tuple[Proof, ...]
    reliable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityText(Fact):
    """The security.txt file (RFC 9116): its state (present, absent, unknown), fields, and the instant it expires."""

    kind: ClassVar[str] = "web.security-txt"
    seen_by: ClassVar[str] = "web"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})

    state: str
    contact: tuple[str, ...] = ()
    expires: str = ""
