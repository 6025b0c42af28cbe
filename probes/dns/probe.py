"""The DNS probe: a domain's delegation and records, a host's addresses and where its alias leads."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import ClassVar

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from probes.dns.alias import look_at_alias
from probes.dns.ask import Server, ask
from probes.dns.records import record_set, unknown_set
from probes.dns.servers import look_at_servers
from probes.dns.walk import Walker, Zone
from probes.facts.dns import DnsRecords, Presence, RecordSet
from probes.interface import (
    Asset,
    AssetKind,
    DnsQuestion,
    Line,
    Part,
    Probe,
    ProbeError,
    Reason,
    Shortfall,
    Sight,
    Yield,
)

#: The root servers a.root-servers.net to m.root-servers.net, IPv4 (IANA, root hints of 2026).
ROOTS = (
    "198.41.0.4", "170.247.170.2", "192.33.4.12", "199.7.91.13", "192.203.230.10", "192.5.5.241", "192.112.36.4",
    "198.97.190.53", "192.36.148.17", "192.58.128.30", "193.0.14.129", "199.7.83.42", "202.12.27.33",
)  # fmt: skip
_APEX = ("A", "AAAA", "MX", "NS", "SOA", "TXT", "CAA", "DS", "DNSKEY", "HTTPS")
_HOST = ("A", "AAAA", "CNAME", "CAA", "HTTPS", "SVCB")
#: Names beneath a domain that tell something by themselves; the locator records name an Active Directory.
_BENEATH = (("_dmarc", "TXT"), ("_mta-sts", "TXT"), ("_smtp._tls", "TXT"), ("_domainkey", "TXT"))
SERVICES = (
    "_ldap._tcp", "_kerberos._tcp", "_gc._tcp", "_ldap._tcp.dc._msdcs", "_kpasswd._tcp", "_sip._tls",
    "_sipfederationtls._tcp", "_autodiscover._tcp", "_xmpp-server._tcp", "_imaps._tcp", "_submission._tcp",
)  # fmt: skip
#: What leads to the controllers of an Active Directory by its DNS name (MS-ADTS 6.3.2.3).
_LOCATORS = ("_ldap._tcp", "_kerberos._tcp", "_ldap._tcp.dc._msdcs", "_kerberos._tcp.dc._msdcs")


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsSettings:
    """The configured resolver (numeric, "" for none) and the addresses of the root servers.

    ``directory_names`` are the DNS names of the audited Active Directory domains: those beneath a domain are asked
    for locator records with it.
    """

    resolver: str = ""
    roots: tuple[str, ...] = ROOTS
    directory_names: tuple[str, ...] = ()


class DnsProbe(Probe[DnsSettings]):
    """Sees what the DNS says of a domain or host, from the zone's own servers and from the resolver."""

    name: ClassVar[str] = "dns"
    version: ClassVar[str] = "1"
    level: ClassVar[int] = 1
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.DOMAIN, AssetKind.HOST})
    Settings: ClassVar[type[DnsSettings]] = DnsSettings

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield records, the delegation of a domain, the end of an alias, and the hosts met."""
        walker = Walker(line, self.settings.roots, asset.name)
        name = _name(asset.name)
        zone, missed = await self._zone(walker, name)
        if missed is not None:
            yield missed
        domain = asset.kind is AssetKind.DOMAIN
        sets = await self._records(line, walker, zone, name, domain=domain)
        if all(s.presence is Presence.UNKNOWN for s in sets):
            raise ProbeError(Reason(sets[0].reason), f"nothing could be told of {asset.name}")
        yield Sight(fact=DnsRecords(sets=tuple(sets)))
        if domain and zone is not None and zone.apex == name:
            yield Sight(fact=await look_at_servers(line, walker, zone))
        for met in self._met(asset, sets):
            yield met
        alias = next((s for s in sets if s.alias), None)
        if alias is not None:
            resolve = functools.partial(self._from_resolver, line) if self.settings.resolver else None
            yield Sight(fact=await look_at_alias(walker, resolve, alias, name))
        if not domain and (addressed := await self._addressed(line, asset)) is not None:
            yield addressed

    async def _zone(self, walker: Walker, name: dns.name.Name) -> tuple[Zone | None, Shortfall | None]:
        """The zone by the walk, or what was missed; a mandate without authoritative questions misses nothing."""
        try:
            return await walker.zone_of(name), None
        except ProbeError as error:
            if error.reason is Reason.INTERRUPTED:
                raise
            return None, Shortfall(reason=error.reason, detail=f"delegation: {error.detail}")

    async def _records(
        self, line: Line, walker: Walker, zone: Zone | None, name: dns.name.Name, *, domain: bool
    ) -> list[RecordSet]:
        wanted = [(name, rdtype) for rdtype in (_APEX if domain else _HOST)]
        if domain:
            # CAA is inherited (RFC 8659 3): a domain under a domain has that of the closest one above.
            wanted += [(above, "CAA") for above in _above(name)]
            wanted += [(_below(label, name), rdtype) for label, rdtype in _BENEATH]
            wanted += [(_below(label, name), "SRV") for label in SERVICES]
            beneath = [d for d in map(_name, self.settings.directory_names) if d != name and d.is_subdomain(name)]
            wanted += [(_below(label, directory), "SRV") for directory in beneath for label in _LOCATORS]
        sets = []
        for owner, rdtype in wanted:
            if zone is not None:
                at = await self._parent(walker, zone) if rdtype == "DS" and zone.apex == owner else zone
                sets.append(await _from_zone(walker, at, owner, rdtype))
            if self.settings.resolver and (zone is None or rdtype in {"A", "AAAA", "MX", "CNAME"}):
                sets.append(await self._from_resolver(line, owner, rdtype))
        return sets or [unknown_set(name, "A", Reason.UNREACHABLE, "resolver")]

    async def _parent(self, walker: Walker, zone: Zone) -> Zone:
        """The zone that holds the DS records: the parent's."""
        return await walker.zone_of(zone.apex.parent())

    async def _from_resolver(self, line: Line, owner: dns.name.Name, rdtype: str) -> RecordSet:
        server = Server(address=ip_address(self.settings.resolver), question=DnsQuestion.RESOLVER)
        try:
            answer = await ask(line, server, owner, dns.rdatatype.from_text(rdtype), recurse=True)
        except ProbeError as error:
            if error.reason is Reason.INTERRUPTED:
                raise
            return unknown_set(owner, rdtype, error.reason, "resolver")
        return record_set(answer, owner, rdtype, "resolver")

    def _met(self, asset: Asset, sets: list[RecordSet]) -> list[Asset]:
        """The domain as a host, when it has addresses; the hosts its records name are the leads of the fact."""
        if asset.kind is AssetKind.DOMAIN and any(s.rdtype in {"A", "AAAA"} and s.values for s in sets):
            return [Asset(kind=AssetKind.HOST, name=asset.name, found_by=asset.id)]
        return []

    async def _addressed(self, line: Line, asset: Asset) -> Asset | Shortfall | None:
        """The host with the addresses that the Line resolves, so that it can be looked at.

        A declared host that surely does not exist is a shortfall; one that only a lead named is not missed.
        """
        try:
            addresses = tuple(map(str, await line.resolve(asset.name)))
        except ProbeError as error:
            if error.reason is Reason.INTERRUPTED:
                raise
            if error.reason is Reason.UNKNOWN_HOST and asset.found_by:
                return None
            return Shortfall(reason=error.reason, detail=f"addresses: {error.detail}")
        return replace(asset, addresses=addresses)


async def _from_zone(walker: Walker, zone: Zone, owner: dns.name.Name, rdtype: str) -> RecordSet:
    try:
        at = zone if rdtype == "DS" else await walker.zone_of(owner)
        answer = await walker.ask_any(at, owner, dns.rdatatype.from_text(rdtype))
    except ProbeError as error:
        if error.reason is Reason.INTERRUPTED:
            raise
        return unknown_set(owner, rdtype, error.reason, "authoritative")
    return record_set(answer, owner, rdtype, "authoritative")


def _above(name: dns.name.Name) -> list[dns.name.Name]:
    """The names above one, down to two labels."""
    return [dns.name.Name(name.labels[at:]) for at in range(1, len(name) - 2)]


def _below(label: str, name: dns.name.Name) -> dns.name.Name:
    return dns.name.from_text(label, name)


def _name(text: str) -> dns.name.Name:
    try:
        return dns.name.from_text(text)
    except dns.exception.DNSException as error:
        raise ProbeError(Reason.UNKNOWN_HOST, f"not a name: {text[:100]}") from error
