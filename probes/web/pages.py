"""Pure reading of answers: cookies, and what a page shows."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urljoin, urlsplit

from probes.facts.web import Cookie
from probes.web.fetch import Answer

_SESSION = re.compile(r"sess|sid\b|auth|token|login|jsessionid|phpsessid|asp\.net|connect\.sid", re.I)
#: Tokens against forged requests: scripts must read them to send them back, and they open nothing by themselves.
_ANTI_FORGERY = re.compile(r"csrf|xsrf|requestverification", re.I)
#: How servers take a cookie back: an age that is over, or a year long gone (RFC 6265 3.1).
_TAKEN_BACK = re.compile(r";\s*(?:max-age\s*=\s*(?:-|0+\s*(?:;|$))|expires\s*=[^;]*[ -](?:19\d\d|2000)\b)", re.I)
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,300})", re.I)
#: Elements whose content is for no reader.
_UNSAID = {"script", "style", "template"}
_TAG = re.compile(r"/?[a-z]{1,20}", re.I)
#: Longest text kept of a short page or an error, in characters.
_SHORT = 2000
_PASSWORD = re.compile(r"<input[^>]{0,500}type\s*=\s*[\"']?password", re.I)
_FORM = re.compile(r"<form\b([^>]{0,1000})>(.{0,20000}?)</form", re.I | re.S)
_ACTION = re.compile(r"action\s*=\s*[\"']?([^\"'\s>]{0,500})", re.I)
_ACTIVE = re.compile(r"<(script|iframe|frame|embed|object|link)\b([^>]{0,1000})>", re.I)
_FETCHED = re.compile(r"\b(?:src|href|data)\s*=\s*[\"']?(http://[^\"'\s>]{1,300})", re.I)
_POLICY = re.compile(
    r"<meta\b(?=[^>]{0,200}http-equiv\s*=\s*[\"']?content-security-policy[\"'\s>])"
    r"[^>]{0,200}?\bcontent\s*=\s*(?:\"([^\"]{0,4000})\"|'([^']{0,4000})')",
    re.I,
)
#: A scheme at the beginning of a challenge (RFC 9110 11.6.1): a parameter has an equals sign behind its name.
_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z][\w-]{0,30})(?=\s+[^\s=,]|\s*(?:,|$))")


def cookies(answer: Answer) -> tuple[Cookie, ...]:
    """Return the cookies set, without their values; those taken back are none."""
    found = []
    for line in answer.every("set-cookie")[:50]:
        if _TAKEN_BACK.search(line):
            continue
        name = line.partition("=")[0].strip()[:100]
        flags = {part.partition("=")[0].strip().lower(): part for part in line.split(";")[1:]}
        site = flags.get("samesite", "").partition("=")[2].strip().lower()
        try:
            SimpleCookie(f"{name}=x")
        except CookieError:
            name = re.sub(r"[^\x21-\x7e]", "?", name)
        found.append(
            Cookie(
                name=name,
                secure="secure" in flags,
                http_only="httponly" in flags,
                same_site=site[:10],
                session_like=_SESSION.search(name) is not None and _ANTI_FORGERY.search(name) is None,
            )
        )
    return tuple(found)


def without_secrets(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return headers as they may be kept: of a cookie, its name and flags."""
    return tuple((k, re.sub(r"=[^;]*", "=…", v, count=1) if k == "set-cookie" else v) for k, v in headers)


def without_comments(text: str) -> str:
    """Return a page without what browsers take for comments; one without end is left, since it may be a string."""
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept.append(text[at:start])
        at = end + 3
    return "".join((*kept, text[at:]))


def title(text: str) -> str:
    """Return the title of a page, in one line."""
    found = _TITLE.search(text)
    return " ".join(html.unescape(found[1]).split())[:200] if found else ""


def short_text(answer: Answer) -> str:
    """Return what an error or a short page says to a reader, in one line; "" when it says more."""
    said = " ".join(html.unescape(" ".join(_said(answer.text))).split())
    return said[:_SHORT] if answer.status >= 400 or len(said) <= _SHORT else ""


def _said(text: str) -> Iterator[str]:
    """The pieces of a page between its tags."""
    before, *pieces = text.split("<")
    yield before
    hidden = ""
    for piece in pieces:
        tag, _, after = piece.partition(">")
        found = _TAG.match(tag)
        name = found[0].lower() if found else ""
        if hidden and name != f"/{hidden}":
            continue
        hidden = name if name in _UNSAID else ""
        if not hidden:
            yield after


def is_html(answer: Answer) -> bool:
    """Tell whether an answer is a page for a browser."""
    kind = answer.header("content-type").lower()
    return "html" in kind or (not kind and b"<html" in answer.body[:1000].lower())


def asks_password(text: str) -> bool:
    """Tell whether a page has a password field."""
    return _PASSWORD.search(text) is not None


def password_sent_to_clear(text: str, url: str) -> bool:
    """Tell whether a form with a password field is sent over http."""
    for attributes, inside in _FORM.findall(text):
        if _PASSWORD.search(inside):
            action = _ACTION.search(attributes)
            try:
                if urlsplit(urljoin(url, action[1] if action else "")).scheme == "http":
                    return True
            except ValueError:
                continue
    return False


def mixed_content(text: str) -> tuple[str, ...]:
    """Return the addresses of active content that a page fetches in clear."""
    found = set()
    for tag, attributes in _ACTIVE.findall(text):
        if tag.lower() != "link" or "stylesheet" in attributes.lower():
            found |= set(_FETCHED.findall(attributes))
    return tuple(sorted(found))[:20]


def policies(text: str) -> tuple[str, ...]:
    """Return the content security policies that a page gives itself (CSP 3.3)."""
    return tuple(html.unescape(a or b)[:1000] for a, b in _POLICY.findall(text))[:5]


def schemes(answer: Answer) -> tuple[str, ...]:
    """Return the authentication schemes asked for, lower-case; one header may hold several challenges."""
    bare = (re.sub(r'"[^"]*"', '""', value) for value in answer.every("www-authenticate"))
    return tuple(sorted({scheme.lower() for value in bare for scheme in _SCHEME.findall(value)}))


_LINK = re.compile(r"""\b(?:href|src|action)\s*=\s*["']?((?:https?:)?//[^"'\s>]{1,300})""", re.I)


def linked_hosts(text: str, url: str) -> tuple[str, ...]:
    """Return the hosts that a page links to or loads from, at most 100."""
    found = set()
    for link in _LINK.findall(text):
        try:
            host = urlsplit(urljoin(url, link)).hostname
        except ValueError:
            continue
        if host:
            found.add(host.lower())
    return tuple(sorted(found))[:100]


_DEBUG = (
    ("Django", re.compile(r"seeing this error because you have <code>DEBUG = True")),
    ("Laravel", re.compile(r"Whoops, looks like something went wrong|Illuminate\\\\[A-Z]\w{2,30}|laravel-ignition")),
    ("Symfony", re.compile(r"Symfony Exception|sf-toolbar|/_profiler/[0-9a-f]{6}")),
    ("Werkzeug", re.compile(r"Werkzeug Debugger|__debugger__")),
    ("Rails", re.compile(r"Action Controller: Exception caught|Rails\.root:")),
    ("ASP.NET", re.compile(r"<b>Stack Trace:</b>|\[\w{1,60}Exception: [^\]]{1,300}\]")),
    ("PHP", re.compile(r"<b>(?:Fatal error|Warning|Notice)</b>:\s.{1,300} in <b>/.{1,200}</b> on line <b>\d")),
)
_SCRIPT = re.compile(r"<script\b([^>]{0,1000})>", re.I)
_SOURCE = re.compile(r"\bsrc\s*=\s*[\"']?((?:https?:)?//[^\"'\s>]{1,300})", re.I)


def debug(text: str) -> str:
    """Return the framework whose debug page this is, or ""."""
    return next((name for name, pattern in _DEBUG if pattern.search(text)), "")


def unpinned_scripts(text: str, url: str) -> tuple[str, ...]:
    """Return the addresses of other sites' scripts that a page loads without an integrity digest."""
    own, found = urlsplit(url).hostname, set()
    for attributes in _SCRIPT.findall(text):
        source = _SOURCE.search(attributes)
        if source is None or "integrity" in attributes.lower():
            continue
        try:
            address = urljoin(url, source[1])
            if urlsplit(address).hostname != own:
                found.add(address)
        except ValueError:
            continue
    return tuple(sorted(found))[:20]
