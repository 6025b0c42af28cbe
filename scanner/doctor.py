"""What `hygie doctor` says: what works, what is missing, and what to do."""

from __future__ import annotations

import ipaddress
import shutil
from datetime import UTC, datetime
from urllib.parse import urlsplit

from reports.words import Words
from scanner.catalogue import probe_settings
from scanner.config.load import ConfigError, Settings
from scanner.doctor_directory import Mark, examine_directories, locked_directories
from scanner.doctor_workers import examine_workers
from scanner.feeds.load import feeds
from scanner.store.store import Store

#: A mark and its line.
Said = tuple[Mark, str]


def examine(settings: Settings, store: Store, w: Words) -> list[Said]:
    """Return the lines, one missing keeps a scan from running; directories are asked as soon as a mandate allows it."""
    allowed = [_perimeters(settings, w), *mandates(settings, w), _probes(settings, w)]
    said = [*allowed, *locked_directories(settings, w), resolver(settings, w), _feeds(settings, w), _audit(store, w)]
    if all(mark is not Mark.MISSING for mark, _ in allowed):
        said += examine_directories(settings, w)
    return [*said, *examine_workers(settings, store, w), _nmap(w)]


def _perimeters(settings: Settings, w: Words) -> Said:
    names = ", ".join(sorted(settings.perimeters))
    return (Mark.OK, w("doctor.perimeters", names=names)) if names else (Mark.MISSING, w("doctor.no-perimeter"))


def mandates(settings: Settings, w: Words) -> list[Said]:
    """Say of each mandate whether it is in force today."""
    today = datetime.now(UTC).date()
    said = []
    for name, mandate in sorted(settings.mandates.items()):
        if today < mandate.valid_from:
            said.append((Mark.MISSING, w("doctor.mandate-early", name=name, day=w.date(mandate.valid_from))))
        elif today > mandate.valid_until:
            said.append((Mark.MISSING, w("doctor.mandate-over", name=name, day=w.date(mandate.valid_until))))
        else:
            said.append((Mark.OK, w("doctor.mandate", name=name, day=w.date(mandate.valid_until))))
    return said


def _probes(settings: Settings, w: Words) -> Said:
    try:
        return Mark.OK, w("doctor.probes", names=", ".join(sorted(probe_settings(settings))))
    except ConfigError as error:
        return Mark.MISSING, str(error)


def resolver(settings: Settings, w: Words) -> Said:
    """Say which resolver there is, and whether one is needed."""
    if settings.file.dns.resolver is not None:
        return Mark.OK, w("doctor.resolver", address=settings.file.dns.resolver)
    return (Mark.MISSING if _resolves(settings) else Mark.OPTIONAL), w("doctor.no-resolver")


def _resolves(settings: Settings) -> bool:
    """Whether something has to be resolved: a name in scope, a host, a controller without a numeric address."""
    scopes = [mandate.scope for mandate in settings.mandates.values()]
    named = any(scope.domains or scope.hosted for scope in scopes) or any(p.hosts for p in settings.perimeters.values())
    return named or any(not _numeric(one.address or _host(one.url)) for one in settings.directories.values())


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _numeric(text: object) -> bool:
    try:
        ipaddress.ip_address(str(text))
    except ValueError:
        return False
    return True


def _feeds(settings: Settings, w: Words) -> Said:
    try:
        found = feeds(settings)
    except ConfigError as error:
        return Mark.MISSING, str(error)
    today = datetime.now(UTC).date()
    told = ", ".join(w("doctor.feed", name=feed.name, day=w.date(feed.dated)) for feed in found)
    old = [feed.name for feed in found if (today - feed.dated).days > feed.maximum_age_days]
    if old:
        return Mark.MISSING, w("doctor.feeds-old", told=told, names=", ".join(old))
    return Mark.OK, w("doctor.feeds", told=told)


def _audit(store: Store, w: Words) -> Said:
    broken = store.verify_audit()
    return (Mark.MISSING, w("doctor.audit-broken", fault=broken)) if broken else (Mark.OK, w("doctor.audit"))


def _nmap(w: Words) -> Said:
    nmap = shutil.which("nmap")
    return (Mark.OK, w("doctor.nmap", path=nmap)) if nmap else (Mark.OPTIONAL, w("doctor.no-nmap"))
