"""Exposure and directory joined: what the public DNS says of an audited forest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from probes.facts.directory import NamingContextRead
from probes.facts.dns import DnsRecords, Presence, RecordSet
from probes.interface import Asset, AssetKind, Part, canonical_name
from rules.interface import Unseen, View, view
from rules.subject import Record

#: Locator records that every domain of a forest registers (MS-ADTS 6.3.2.3).
LOCATORS = ("_ldap._tcp", "_kerberos._tcp", "_ldap._tcp.dc._msdcs", "_kerberos._tcp.dc._msdcs")


@dataclass(frozen=True, slots=True, kw_only=True)
class EstablishmentView(View):
    """One audited forest beside the public DNS.

    ``public_names`` are the DNS names of the forest and its audited domains that lie beneath a domain of the mandate;
    ``locators`` maps each of them to its locator record sets by label, as they were asked for from outside.
    """

    public_names: tuple[str, ...]
    locators: Mapping[str, Mapping[str, RecordSet]]


@view(EstablishmentView)
def establishments(record: Record) -> Iterable[EstablishmentView | Unseen]:
    """One view a forest that was read, when the scan also looked from outside."""
    vantage = next((part.vantage for part in record.scan.parts if part.kind is Part.EXPOSURE), None)
    contexts = [o for o in record.observations if isinstance(o.fact, NamingContextRead)]
    records = [o for o in record.observations if isinstance(o.fact, DnsRecords)]
    if vantage is None or not records:
        return
    known = {(s.owner, s.rdtype): s for o in records if isinstance(o.fact, DnsRecords) for s in _best(o.fact)}
    forests: dict[str, set[str]] = {}
    for context in contexts:
        if isinstance(context.fact, NamingContextRead) and context.fact.forest:
            forests.setdefault(context.fact.forest, set()).update({context.fact.forest, context.fact.domain} - {""})
    for forest, names in sorted(forests.items()):
        public = tuple(sorted(n for n in map(canonical_name, names) if record.scan.mandate.scope.holds_name(n)))
        evidence = {o.id for o in contexts if isinstance(o.fact, NamingContextRead) and o.fact.forest == forest}
        yield EstablishmentView(
            asset=Asset(kind=AssetKind.FOREST, name=forest),
            seen_at=max(o.seen_at for o in records),
            vantage=vantage,
            evidence=tuple(sorted({*evidence, *(o.id for o in records)})),
            public_names=public,
            locators={
                name: {label: s for label in LOCATORS if (s := known.get((f"{label}.{name}", "SRV")))}
                for name in public
            },
        )


def _best(fact: DnsRecords) -> Iterable[RecordSet]:
    """The sets, those that tell something last so that they win."""
    return sorted(fact.sets, key=lambda s: (s.presence is not Presence.UNKNOWN, s.asked == "authoritative"))
