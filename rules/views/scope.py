"""Where the privileged accounts of a domain live, and which group policies apply there (MS-GPOL 3.2.5.1.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rules.views.domain import DomainView
from rules.views.objects import Thing

#: gPLink: LDAP paths with their options; option 1 disables a link, option 2 enforces it.
_LINK = re.compile(r"\[LDAP://([^\];]+);(\d+)\]", re.IGNORECASE)
_DISABLED, _ENFORCED, _BLOCKS = 1, 2, 1


def above(dn: str) -> Iterator[str]:
    """Yield the lower-case DNs of what holds an object, nearest first."""
    rest = re.split(r"(?<!\\),", dn.lower(), maxsplit=1)
    while len(rest) == 2:
        yield rest[1]
        rest = re.split(r"(?<!\\),", rest[1], maxsplit=1)


def linked(container: Thing) -> Iterator[tuple[str, int]]:
    """Yield the policies linked to a container, as lower-case DN and options, those that are switched off left out."""
    for text in container.texts("gplink"):
        for dn, options in _LINK.findall(text):
            if not int(options) & _DISABLED:
                yield dn.lower(), int(options)


def privileged_containers(seen: DomainView) -> tuple[list[Thing], list[Thing]]:
    """Return the units above privileged accounts, domain root included, and the sites of the domain's controllers."""
    units = {t.dn.lower(): t for t in seen.own.of("organizationalunit", "domaindns")}
    accounts = [a for a in seen.accounts if a.sid in seen.privileged]
    places = {dn for a in accounts for dn in above(a.dn)}
    return [t for dn, t in units.items() if dn in places], _sites(seen)


def _sites(seen: DomainView) -> list[Thing]:
    table = seen.whole.configuration
    if table is None:
        return []
    controllers = {a.dn.lower() for a in seen.controllers}
    servers = [t for t in table.of("server") if t.text("serverreference").lower() in controllers]
    places = {dn for t in servers for dn in above(t.dn)}
    return [t for t in table.of("site") if t.dn.lower() in places]


def applied(seen: DomainView) -> set[str]:
    """Return the lower-case DNs of the policies that apply to privileged accounts, blocking and enforcement counted."""
    units, sites = privileged_containers(seen)
    known = {t.dn.lower(): t for t in units}
    found = {dn for site in sites for dn, _ in linked(site)}
    for account in seen.accounts:
        if account.sid in seen.privileged:
            found |= set(_inherited(known[dn] for dn in above(account.dn) if dn in known))
    return found


def _inherited(containers: Iterable[Thing]) -> Iterator[str]:
    blocked = False
    for container in containers:
        for dn, options in linked(container):
            if not blocked or options & _ENFORCED:
                yield dn
        blocked = blocked or bool((container.number("gpoptions") or 0) & _BLOCKS)
