"""ANSSI control point on the DNS zones kept in the directory."""

from __future__ import annotations

from probes.facts.dnszone import Updates, updates
from probes.interface import Part
from rules.interface import Verdict, met, not_applicable, not_met, rule, undetermined
from rules.views.domain import DomainView
from rules.views.objects import Thing
from rules.views.tables import Table


def _tables(seen: DomainView) -> tuple[Table | None, ...]:
    """The partitions with the domain's zones, None for one not read; those of the forest go with its root domain."""
    forest = seen.whole
    found: list[Table | None] = [seen.own]
    if (own := forest.domain_zones.get(seen.asset.name)) or not forest.without(f"DC=DomainDnsZones,{seen.own.fact.dn}"):
        found.append(own)
    if forest.name not in forest.domains or seen.asset.name == forest.name:
        root = ",".join(f"DC={part}" for part in forest.name.split("."))
        found += [forest.zones] if forest.zones or not forest.without(f"DC=ForestDnsZones,{root}") else []
    return tuple(found)


@rule("zones-take-secure-updates-only", reads=DomainView, part=Part.DIRECTORY)
def zones_take_secure_updates_only(seen: DomainView) -> Verdict:
    """No zone of the directory takes an update that nobody signed: level 1 for the domain's own zones, 3 for others."""
    domains = {seen.asset.name.lower(), seen.whole.name.lower(), *seen.whole.domain_names}
    names = domains | {f"_msdcs.{name}" for name in domains}
    bad: list[Thing] = []
    unknown: list[Thing] = []
    # the server keeps a zone that was deleted, or is being made, under a name in dots, and does not serve it
    held = (z for table in _tables(seen) if table is not None for z in table.of("dnszone"))
    zones = [z for z in held if not z.name.startswith("..")]
    for zone in zones:
        told = updates(zone.values.get("dnsproperty", ()))
        bad += [zone] if told is Updates.UNSECURE else []
        unknown += [zone] if told is None else []
    tables = _tables(seen)
    cut = any(t is None or not t.complete or t.root is None for t in tables)
    # partitions for zones, and not the domain's own among them: it is hidden, unless somebody looked who sees all
    own = any(z.name.lower() == seen.asset.name.lower() for z in zones)
    hidden = len(tables) > 1 and not own and not seen.sees_all
    missing = "partition-not-read" if cut else "attribute-not-readable" if unknown else ""
    missing = missing or ("object-not-readable" if hidden else "")
    if bad:
        levels = (1, 3) if any(z.name.lower() in names for z in bad) else (3,)
        others = (1,) if missing and 1 not in levels else ()
        refs = [z.ref for z in bad]
        return not_met(*refs, levels=levels, open_levels=others, count=len(bad), first=bad[0].name)
    if missing:
        return undetermined(missing, (1, 3))
    return met(count=len(zones)) if zones else not_applicable("no-zone")
