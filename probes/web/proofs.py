"""The content that proves a file open: what it is, and an excerpt without its secrets."""

from __future__ import annotations

import re
from collections.abc import Callable

from probes.facts.web import OpenFile, Proof
from probes.web.fetch import Answer

#: Paths whose content alone can prove something; each is asked once.
PATHS = (
    "/.git/HEAD", "/.svn/wc.db", "/.hg/requires", "/.env", "/.env.bak", "/backup.zip", "/backup.tar.gz",
    "/backup.sql", "/dump.sql", "/database.sql", "/index.php.bak", "/wp-config.php.bak", "/config.php.bak",
    "/web.config.bak", "/.htpasswd", "/.aws/credentials", "/id_rsa", "/server.key", "/.bash_history", "/error.log",
    "/debug.log", "/phpinfo.php", "/info.php", "/server-status", "/elmah.axd", "/trace.axd", "/actuator",
    "/.DS_Store", "/swagger.json", "/openapi.json", "/v2/api-docs", "/v3/api-docs", "/uploads/", "/backup/",
    "/images/",
)  # fmt: skip

_ENV_LINE = re.compile(r"^(?:export\s+)?([A-Z][A-Z0-9_]{1,80})\s*=", re.M)
_SECRET_NAME = re.compile(r"PASS|SECRET|KEY|TOKEN|CREDENTIAL|DSN|DATABASE_URL", re.I)
#: How lines of usual logs begin: ISO dates, nginx, Apache, PHP.
_DATED = re.compile(
    r"^(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \["
    r"|\[\w{3} \w{3} \d\d \d\d:|\[\d\d-\w{3}-\d{4} )",
    re.M,
)
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


def _mercurial(path: str, answer: Answer, text: str, page: bool) -> Proof | None:
    lines = set(text.split())
    if not page and {"revlogv1", "store"} <= lines and len(text) < 500:
        return Proof(what=OpenFile.MERCURIAL, path=path, excerpt="revlogv1, store")
    return None


def _private_key(path: str, answer: Answer, text: str, page: bool) -> Proof | None:
    found = re.match(r"\s{0,20}(-----BEGIN (?:RSA |EC |DSA |OPENSSH |ENCRYPTED )?PRIVATE KEY-----)", text)
    return Proof(what=OpenFile.PRIVATE_KEY, path=path, excerpt=found[1], credentials=True) if found else None


def _passwords(path: str, answer: Answer, text: str, page: bool) -> Proof | None:
    if page:
        return None
    users = re.findall(r"^([\w.@-]{1,60}):(?:\$(?:apr1|2[aby]|5|6)\$|\{SHA\})", text[:4000], re.M)
    if users:
        shown = "\n".join(f"{user}:…" for user in users[:5])
        return Proof(what=OpenFile.PASSWORDS, path=path, excerpt=shown, credentials=True)
    if re.search(r"^aws_secret_access_key\s?=", text[:4000], re.M):
        return Proof(what=OpenFile.PASSWORDS, path=path, excerpt="aws_secret_access_key = …", credentials=True)
    return None


def _log(path: str, answer: Answer, text: str, page: bool) -> Proof | None:
    lines = _DATED.findall(text[:20000])
    # Only the dates are shown: what follows may be a patient's.
    return None if page or len(lines) < 2 else Proof(what=OpenFile.LOG, path=path, excerpt=f"{lines[0].strip()}…")


def _history(path: str, answer: Answer, text: str, page: bool) -> Proof | None:
    commands = re.findall(
        r"^(?:sudo )?(cd|ls|vi|vim|nano|cat|ssh|scp|mysql|systemctl|apt|yum|rm|cp|mv)\b", text[:8000], re.M
    )
    if page or len(commands) < 3:
        return None
    return Proof(what=OpenFile.HISTORY, path=path, excerpt=", ".join(dict.fromkeys(commands))[:80])


def _diagnostic(path: str, answer: Answer, text: str, page: bool) -> Proof | None:
    found = re.search(r"Error Log for [^<]{1,60}|Application Trace</|<h1>Trace Information", text[:20000])
    return Proof(what=OpenFile.DIAGNOSTIC, path=path, excerpt=found[0][:80]) if found else None


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
    if path.endswith("config.bak") and "<configuration" in text[:2000] and not page:
        return Proof(
            what=OpenFile.BACKUP, path=path, excerpt="<configuration", credentials="<connectionStrings" in text
        )
    return None


def repository_credentials(answer: Answer) -> bool:
    """Tell whether a Git configuration holds a remote address with a password in it."""
    return "[core]" in answer.text and re.search(r"://[^/\s:@]{1,100}:[^/\s@]{1,200}@", answer.text) is not None


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
    found = re.search(
        r"<title>((?:Index of |Directory: |Directory listing for \[?)/[^<]{0,100})</title>"
        r"|(\[To Parent Directory\]|\[Vers le répertoire parent\])</a>"
        # IIS at its root, which has no parent
        r"|<h1>([^<]{1,100} - /[^<]{0,100})</h1><hr>",
        text,
        re.I,
    )
    if found or "<ListBucketResult" in text[:500]:
        return Proof(
            what=OpenFile.LISTING,
            path=path,
            excerpt=(found[1] or found[2] or found[3])[:120] if found else "ListBucketResult",
        )
    return None


_Reader = Callable[[str, Answer, str, bool], Proof | None]
#: What a path must look like, and who reads its content; the first that fits reads.
_READERS: tuple[tuple[str, _Reader], ...] = (
    (r"^/\.git/HEAD$", _git),
    (r"^/\.svn/wc\.db$", _svn),
    (r"^/\.hg/", _mercurial),
    (r"^/(id_rsa|id_ed25519)$|\.(key|pem)$", _private_key),
    (r"^/\.htpasswd$|credentials$", _passwords),
    (r"\.log$", _log),
    (r"_history$", _history),
    (r"\.axd$", _diagnostic),
    (r"^/\.env", _environment),
    (r"(\.zip|\.tar\.gz|\.tgz|\.sql|\.sql\.gz|\.bak|\.old|~)$", _backup),
    (r"info\.php|^/phpinfo$", _phpinfo),
    (r"^/server-status", _server_status),
    (r"^/actuator", _actuator),
    (r"^/\.DS_Store$", _ds_store),
    (r"(\.json|/api-docs)$", _api_docs),
    (r"/$", _listing),
)
