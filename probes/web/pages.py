"""Pure reading of answers: cookies, the first page, and the content that proves a file open."""

from __future__ import annotations

import re
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urljoin, urlsplit

from probes.facts.web import Cookie, OpenFile, Proof
from probes.web.fetch import Answer

_SESSION = re.compile(r"sess|sid\b|auth|token|login|jsessionid|phpsessid|asp\.net|connect\.sid", re.I)
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,300})", re.I)
_PASSWORD = re.compile(r"<input[^>]{0,500}type\s*=\s*[\"']?password", re.I)
_FORM = re.compile(r"<form\b([^>]{0,1000})>(.{0,20000}?)</form", re.I | re.S)
_ACTION = re.compile(r"action\s*=\s*[\"']?([^\"'\s>]{0,500})", re.I)
_ACTIVE = re.compile(
    r"<(?:script|iframe|frame|embed)\b[^>]{0,500}?\bsrc\s*=\s*[\"']?(http://[^\"'\s>]{1,300})"
    r"|<link\b[^>]{0,300}stylesheet[^>]{0,300}?href\s*=\s*[\"']?(http://[^\"'\s>]{1,300})",
    re.I,
)


def cookies(answer: Answer) -> tuple[Cookie, ...]:
    """Return the cookies set, without their values."""
    found = []
    for line in answer.every("set-cookie")[:50]:
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
                session_like=_SESSION.search(name) is not None,
            )
        )
    return tuple(found)


def title(text: str) -> str:
    """Return the title of a page, in one line."""
    found = _TITLE.search(text)
    return " ".join(found[1].split())[:200] if found else ""


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
            if urlsplit(urljoin(url, action[1] if action else "")).scheme == "http":
                return True
    return False


def mixed_content(text: str) -> tuple[str, ...]:
    """Return the addresses of active content that a page fetches in clear."""
    return tuple(sorted({a or b for a, b in _ACTIVE.findall(text)}))[:20]


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


_ENV_LINE = re.compile(r"^(?:export\s+)?([A-Z][A-Z0-9_]{1,80})\s*=", re.M)
_SECRET_NAME = re.compile(r"PASS|SECRET|KEY|TOKEN|CREDENTIAL|DSN|DATABASE_URL", re.I)
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b\x08", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ\x00", b"Rar!")


def proof(path: str, answer: Answer) -> Proof | None:
    """Return the proof that a path gives away what its name says, by content alone; None when it does not."""
    if answer.status not in {200, 206}:
        return None
    text = answer.text
    page = "<html" in text[:2000].lower() or "<!doctype" in text[:200].lower()
    return next((read(path, answer, text, page) for paths, read in _READERS if re.search(paths, path)), None)


def _git(path: str, answer: Answer, text: str, page: bool) -> Proof | None:
    if len(answer.body) < 200 and re.match(r"(ref: refs/[\w./-]{1,150}|[0-9a-f]{40})\s*\Z", text):
        return Proof(what=OpenFile.GIT, path=path, excerpt=text.strip()[:80])
    return None


def _svn(path: str, answer: Answer, text: str, page: bool) -> Proof | None:
    return (
        Proof(what=OpenFile.SVN, path=path, excerpt="SQLite format 3") if text.startswith("SQLite format 3") else None
    )


def _environment(path: str, answer: Answer, text: str, page: bool) -> Proof | None:
    names = _ENV_LINE.findall(text)
    if page or len(names) < 2:
        return None
    secret = any(_SECRET_NAME.search(name) for name in names)
    shown = "\n".join(f"{name}=…" for name in names[:12])
    return Proof(what=OpenFile.ENVIRONMENT, path=path, excerpt=shown, credentials=secret)


def _backup(path: str, answer: Answer, text: str, page: bool) -> Proof | None:
    if answer.body.startswith(_ARCHIVES):
        return Proof(what=OpenFile.BACKUP, path=path, excerpt=f"{answer.body[:4].hex()} (signature d'archive)")
    dump = re.search(r"^(-- (?:MySQL|MariaDB|PostgreSQL) .{0,60}|INSERT INTO |CREATE TABLE )", text[:4000], re.M)
    if dump and not page:
        return Proof(what=OpenFile.BACKUP, path=path, excerpt=dump[1][:60])
    if path.endswith((".bak", ".old", "~")) and "<?php" in text[:2000]:
        return Proof(what=OpenFile.BACKUP, path=path, excerpt="<?php")
    return None


def _phpinfo(path: str, answer: Answer, text: str, page: bool) -> Proof | None:
    found = re.search(r"PHP Version\s*(?:</[^>]{1,20}>\s*<[^>]{1,60}>)?\s*([\d.]{3,12})", text)
    if found and ("phpinfo()" in text or "php.ini" in text):
        return Proof(what=OpenFile.PHPINFO, path=path, excerpt=f"PHP Version {found[1]}")
    return None


def _server_status(path: str, answer: Answer, text: str, page: bool) -> Proof | None:
    found = re.search(r"Apache Server Status for ([^<]{1,100})", text)
    return Proof(what=OpenFile.SERVER_STATUS, path=path, excerpt=found[0][:120]) if found else None


def _actuator(path: str, answer: Answer, text: str, page: bool) -> Proof | None:
    if '"_links"' in text and '"self"' in text and "actuator" in text:
        names = sorted(set(re.findall(r'"([\w-]{2,40})"\s*:\s*\{\s*"href"', text)))
        risky = bool({"env", "heapdump", "configprops"} & set(names))
        return Proof(what=OpenFile.ACTUATOR, path=path, excerpt=", ".join(names)[:200], credentials=risky)
    return None


def _ds_store(path: str, answer: Answer, text: str, page: bool) -> Proof | None:
    if answer.body.startswith(b"\x00\x00\x00\x01Bud1"):
        return Proof(what=OpenFile.DS_STORE, path=path, excerpt="Bud1")
    return None


def _api_docs(path: str, answer: Answer, text: str, page: bool) -> Proof | None:
    found = re.search(r'"(?:swagger|openapi)"\s*:\s*"([\d.]{3,10})"', text[:5000])
    return Proof(what=OpenFile.API_DOCS, path=path, excerpt=found[0]) if found and not page else None


def _listing(path: str, answer: Answer, text: str, page: bool) -> Proof | None:
    found = re.search(r"<title>(Index of /[^<]{0,100}|Directory listing for /[^<]{0,100})</title>", text, re.I)
    if found or "<ListBucketResult" in text[:500]:
        return Proof(what=OpenFile.LISTING, path=path, excerpt=found[1][:120] if found else "ListBucketResult")
    return None


_Reader = Callable[[str, Answer, str, bool], Proof | None]
#: What a path must look like, and who reads its content; the first that fits reads.
_READERS: tuple[tuple[str, _Reader], ...] = (
    (r"^/\.git/HEAD$", _git),
    (r"^/\.svn/wc\.db$", _svn),
    (r"^/\.env", _environment),
    (r"(\.zip|\.tar\.gz|\.tgz|\.sql|\.sql\.gz|\.bak|\.old|~)$", _backup),
    (r"info\.php|^/phpinfo$", _phpinfo),
    (r"^/server-status", _server_status),
    (r"^/actuator", _actuator),
    (r"^/\.DS_Store$", _ds_store),
    (r"(\.json|/api-docs)$", _api_docs),
    (r"/$", _listing),
)
