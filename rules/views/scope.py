"""Where the privileged accounts of a domain live, and which group policies apply there."""

from __future__ import annotations

from rules.views.domain import DomainView
from rules.views.gpo import container
from rules.views.gpo_links import above, applied
from rules.views.objects import Thing


def privileged_containers(seen: DomainView) -> tuple[list[Thing], list[Thing]]:
    """Return the units above privileged accounts, domain root included, and the sites of the domain's controllers."""
    places = {dn for a in seen.accounts if a.sid in seen.privileged for dn in above(a.dn.lower())}
    units = [t for t in seen.own.of("organizationalunit", "domaindns") if t.dn.lower() in places]
    return units, _sites(seen)


def _sites(seen: DomainView) -> list[Thing]:
    table = seen.whole.configuration
    if table is None:
        return []
    controllers = {a.dn.lower() for a in seen.controllers}
    servers = [t for t in table.of("server") if t.text("serverreference").lower() in controllers]
    places = {dn for t in servers for dn in above(t.dn.lower())}
    return [t for t in table.of("site") if t.dn.lower() in places]


def policies_of_the_privileged(seen: DomainView) -> set[str]:
    """Return the lower-case DNs of the policies that apply to privileged accounts, blocking and enforcement counted."""
    units, sites = privileged_containers(seen)
    known = {c.dn: c for c in map(container, units)}
    accounts = [a.dn for a in seen.accounts if a.sid in seen.privileged]
    return {link.policy for dn in accounts for link in applied(dn, known, map(container, sites))}
