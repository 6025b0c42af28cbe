"""Rules on files that lie open on a web origin; each is proved by content, and an unreliable origin proves nothing."""

from __future__ import annotations

from collections.abc import Container

from probes.facts.web import OpenFile, WebFiles
from probes.interface import Observation
from rules.interface import ObjectRef, Severity, Verdict, met, not_met, rule, undetermined

Seen = Observation[WebFiles]


def _closed(seen: Seen, what: Container[OpenFile], paths: tuple[str, ...], severity: Severity | None = None) -> Verdict:
    """Met when nothing of a kind was proved open and every path that could prove it was answered."""
    fact = seen.fact
    proofs = [p for p in fact.proofs if p.what in what]
    if not fact.reliable:
        return undetermined("unreliable-origin")
    if proofs:
        worst = severity if any(p.credentials for p in proofs) else None
        objects = [ObjectRef(id=p.path, name=p.excerpt) for p in proofs]
        return not_met(*objects, severity=worst, count=len(proofs), path=proofs[0].path, proof=proofs[0].excerpt)
    if any(path.startswith(paths) for path in fact.unanswered):
        return undetermined("path-unanswered")
    return met()


@rule("web-repository-closed", reads=WebFiles)
def repository_closed(seen: Seen) -> Verdict:
    """No version-control folder lies open; one whose configuration holds a password is critical."""
    kinds = {OpenFile.GIT, OpenFile.SVN, OpenFile.MERCURIAL}
    return _closed(seen, kinds, ("/.git", "/.svn", "/.hg"), Severity.CRITICAL)


@rule("web-environment-file-closed", reads=WebFiles)
def environment_file_closed(seen: Seen) -> Verdict:
    """No environment file lies open; one that names credentials is critical."""
    return _closed(seen, {OpenFile.ENVIRONMENT}, ("/.env",), Severity.CRITICAL)


@rule("web-backup-closed", reads=WebFiles)
def backup_closed(seen: Seen) -> Verdict:
    """No archive, dump or old copy lies open."""
    paths = ("/backup.", "/dump", "/database", "/index", "/wp-config", "/config", "/web.config")
    return _closed(seen, {OpenFile.BACKUP}, paths, Severity.CRITICAL)


@rule("web-diagnostics-closed", reads=WebFiles)
def diagnostics_closed(seen: Seen) -> Verdict:
    """No diagnostic page lies open; an actuator that gives its environment or memory is worse."""
    kinds = {OpenFile.PHPINFO, OpenFile.SERVER_STATUS, OpenFile.ACTUATOR, OpenFile.DIAGNOSTIC}
    paths = ("/phpinfo", "/info", "/server-status", "/actuator", "/elmah", "/trace")
    return _closed(seen, kinds, paths, Severity.HIGH)


@rule("web-listing-off", reads=WebFiles)
def listing_off(seen: Seen) -> Verdict:
    """Folders are not listed."""
    return _closed(seen, {OpenFile.LISTING}, ("/uploads/", "/backup/", "/images/"))


@rule("web-metadata-removed", reads=WebFiles)
def metadata_removed(seen: Seen) -> Verdict:
    """No file that a workstation left behind tells the names of others."""
    return _closed(seen, {OpenFile.DS_STORE}, ("/.DS_Store",))


@rule("web-api-documentation-intended", reads=WebFiles)
def api_documentation_intended(seen: Seen) -> Verdict:
    """The description of an API lies open only if somebody wanted it to."""
    return _closed(seen, {OpenFile.API_DOCS}, ("/swagger", "/openapi", "/v2", "/v3"))


@rule("web-private-key-closed", reads=WebFiles)
def private_key_closed(seen: Seen) -> Verdict:
    """No private key lies open."""
    return _closed(seen, {OpenFile.PRIVATE_KEY}, ("/id_rsa", "/server.key"), Severity.CRITICAL)


@rule("web-password-file-closed", reads=WebFiles)
def password_file_closed(seen: Seen) -> Verdict:
    """No file of passwords or access keys lies open."""
    return _closed(seen, {OpenFile.PASSWORDS}, ("/.htpasswd", "/.aws"), Severity.CRITICAL)


@rule("web-log-closed", reads=WebFiles)
def log_closed(seen: Seen) -> Verdict:
    """No log and no history of commands lies open: both hold names, paths, sometimes patients' data."""
    return _closed(seen, {OpenFile.LOG, OpenFile.HISTORY}, ("/error.log", "/debug.log", "/.bash_history"))
