"""What `hygie doctor` says: what works, what is missing, and what to do."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

from scanner.catalogue import probe_settings
from scanner.config.load import ConfigError, Settings
from scanner.doctor_directory import Mark, examine_directories
from scanner.feeds.load import feeds
from scanner.run import check_mandate
from scanner.store.store import Store


def examine(settings: Settings, store: Store) -> tuple[list[str], bool]:
    """Return the lines, and whether a scan could run now."""
    checks = [
        _perimeters(settings),
        _mandates(settings),
        _probes(settings),
        _resolver(settings),
        _feeds(settings),
        _audit(store),
    ]
    directories = examine_directories(settings) if all(good for good, _ in checks) else []
    lines = [f"{'ok      ' if good else 'missing '}{text}" for good, text in checks]
    lines += [f"{mark.value:<8}{text}" for mark, text in directories]
    nmap = shutil.which("nmap")
    lines.append(
        f"{'ok      ' if nmap else 'optional'} nmap: {nmap or 'not found; level 3 misses versions and ends partial'}"
    )
    return lines, all(good for good, _ in checks) and all(mark is not Mark.MISSING for mark, _ in directories)


def _perimeters(settings: Settings) -> tuple[bool, str]:
    names = ", ".join(sorted(settings.perimeters))
    return bool(names), f"perimeters: {names or 'none; add [[mandates]] and [[perimeters]]'}"


def _mandates(settings: Settings) -> tuple[bool, str]:
    try:
        for mandate in settings.mandates.values():
            check_mandate(mandate, datetime.now(UTC))
    except ConfigError as error:
        return False, str(error)
    return True, f"mandates in force: {', '.join(sorted(settings.mandates)) or 'none'}"


def _probes(settings: Settings) -> tuple[bool, str]:
    try:
        return True, f"probes: {', '.join(sorted(probe_settings(settings)))}"
    except ConfigError as error:
        return False, str(error)


def _resolver(settings: Settings) -> tuple[bool, str]:
    resolver = settings.file.dns.resolver
    if resolver is None:
        return False, "dns.resolver: not set; hosts cannot be resolved. Give the address of your resolver"
    return True, f"resolver: {resolver}"


def _feeds(settings: Settings) -> tuple[bool, str]:
    try:
        found = feeds(settings)
    except ConfigError as error:
        return False, str(error)
    today = datetime.now(UTC).date()
    told = ", ".join(f"{feed.name} of {feed.dated}" for feed in found)
    old = [feed.name for feed in found if (today - feed.dated).days > feed.maximum_age_days]
    advice = f"; too old to conclude from: {', '.join(old)}. Name newer files under [feeds.files]" if old else ""
    return not old, f"feeds: {told}{advice}"


def _audit(store: Store) -> tuple[bool, str]:
    broken = store.verify_audit()
    return broken is None, f"audit log: {broken or 'whole'}"
