"""Rules on DNS hygiene (ANSSI-BP-038, ANSSI-PA-105, RFC 1912, 2182, 5358, 5936, 7766, 8659)."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

from probes.facts.dns import AliasTarget, Delegation, DnsRecords, Presence, RecordSet
from probes.interface import AssetKind, Observation
from rules.interface import (
    Confidence,
    ObjectRef,
    Severity,
    Verdict,
    met,
    not_applicable,
    not_met,
    rule,
    undetermined,
)

Zone = Observation[Delegation]
Records = Observation[DnsRecords]

#: Records by which members of a Windows domain find its controllers (MS-ADTS 6.3.2.3).
_LOCATORS = ("_ldap._tcp.dc._msdcs", "_kerberos._tcp", "_ldap._tcp", "_gc._tcp", "_kpasswd._tcp")
_SURE_LOCATORS = ("_ldap._tcp.dc._msdcs", "_gc._tcp", "_kpasswd._tcp")


#: First labels by which machines of the inside are called.
_INSIDE_NAME = re.compile(
    r"(?:dc|ad|srv|sql|db|nas|san|esx|esxi|vcenter|hyperv|veeam|backup|sauvegarde|intranet|pacs|ris|dpi|radius|wsus|"
    r"impr|print|gtb|gtc|ilo|idrac|ipmi|switch|fw|supervision|glpi)\d{0,3}(?:[.-]|$)"
)


@rule("dns-servers-on-two-networks", reads=Delegation)
def servers_on_two_networks(seen: Zone) -> Verdict:
    """The zone has two name servers or more, not all behind one network."""
    fact = seen.fact
    names = sorted({*fact.by_parent, *fact.by_zone})
    networks = {_network(s.address) for s in fact.servers if s.address}
    if len(names) >= 2 and len(networks) >= 2:
        return met(servers=len(names), networks=len(networks))
    if not names or (len(names) >= 2 and any(not s.address and s.reason for s in fact.servers)):
        return undetermined("addresses-unknown")
    severity = Severity.MEDIUM if len({s.address for s in fact.servers if s.address}) <= 1 else None
    return not_met(severity=severity, servers=", ".join(names)[:200], networks=", ".join(sorted(networks)) or "-")


def _network(address: str) -> str:
    return str(ip_network((address, 24 if ip_address(address).version == 4 else 48), strict=False))


@rule("dns-servers-authoritative", reads=Delegation)
def servers_authoritative(seen: Zone) -> Verdict:
    """Every delegated server answers for the zone with authority; one whose ports are closed does not."""
    lame = [s for s in seen.fact.servers if s.authoritative is False or (s.udp is False and s.tcp is False)]
    if lame or seen.fact.dangling:
        named = [f"{s.name} ({s.address})" for s in lame] + list(seen.fact.dangling)
        worse = Severity.CRITICAL if seen.fact.dangling else None
        return not_met(severity=worse, servers=", ".join(named)[:300], count=len(named))
    if any(s.authoritative is None for s in seen.fact.servers):
        return undetermined("server-silent")
    return met()


@rule("dns-parent-and-zone-agree", reads=Delegation)
def parent_and_zone_agree(seen: Zone) -> Verdict:
    """The parent and the zone name the same servers."""
    fact = seen.fact
    if not fact.by_zone:
        return undetermined("zone-silent")
    if set(fact.by_parent) == set(fact.by_zone):
        return met()
    return not_met(parent=", ".join(fact.by_parent)[:200], zone=", ".join(fact.by_zone)[:200])


@rule("dns-servers-answer-tcp", reads=Delegation)
def servers_answer_tcp(seen: Zone) -> Verdict:
    """Every server answers over TCP, without which large answers are lost."""
    deaf = [f"{s.name} ({s.address})" for s in seen.fact.servers if s.udp and s.tcp is False]
    if deaf:
        return not_met(servers=", ".join(deaf)[:300])
    if any(s.tcp is None for s in seen.fact.servers):
        return undetermined("server-silent")
    return met()


@rule("dns-transfer-closed", reads=Delegation)
def transfer_closed(seen: Zone, *, many: int = 20) -> Verdict:
    """No server gives the whole zone to anybody."""
    given = [s for s in seen.fact.servers if (s.transfer or 0) > 2]
    if given:
        count = max(s.transfer or 0 for s in given)
        objects = [ObjectRef(id=s.address, name=s.name) for s in given]
        inside = any(_INSIDE_NAME.match(name) for s in given for name in s.transferred)
        severity = Severity.HIGH if count > many or inside else None
        return not_met(*objects, severity=severity, count=count, servers=", ".join(s.name for s in given)[:200])
    if any(s.transfer is None for s in seen.fact.servers):
        return undetermined("transfer-not-asked")
    return met()


@rule("dns-recursion-closed", reads=Delegation)
def recursion_closed(seen: Zone) -> Verdict:
    """No authoritative server resolves strangers' names for anybody."""
    given = [s for s in seen.fact.servers if s.recursive]
    if given:
        objects = [ObjectRef(id=s.address, name=s.name) for s in given]
        return not_met(*objects, servers=", ".join(s.name for s in given)[:200])
    if any(s.recursive is None for s in seen.fact.servers):
        return undetermined("recursion-not-asked")
    return met()


@rule("dns-version-hidden", reads=Delegation)
def version_hidden(seen: Zone) -> Verdict:
    """No server tells its version."""
    told = [s for s in seen.fact.servers if s.version and any(c.isdigit() for c in s.version)]
    if told:
        return not_met(version=told[0].version or "", server=told[0].name)
    if any(s.version is None for s in seen.fact.servers):
        return undetermined("version-not-asked")
    return met()


@rule("dns-alias-target-exists", reads=AliasTarget)
def alias_target_exists(seen: Observation[AliasTarget]) -> Verdict:
    """An alias leads to a name that exists; underscored names are keys of services, not hosts."""
    fact = seen.fact
    if seen.asset.name.startswith("_"):
        return not_applicable("service-label")
    if fact.presence is Presence.UNKNOWN:
        return undetermined(fact.reason or "target-unknown")
    if not fact.nonexistent:
        return met(target=fact.target)
    return not_met(severity=Severity.LOW if fact.in_zone else None, target=fact.target)


@rule("dns-certificate-authorities-named", reads=DnsRecords)
def certificate_authorities_named(seen: Records) -> Verdict:
    """The domain names the authorities that may issue for it (CAA), or inherits them; so do its hosts (RFC 8659 3)."""
    if seen.asset.kind is not AssetKind.DOMAIN:
        return not_applicable("inherited")
    sets = [s for s in seen.fact.sets if s.rdtype == "CAA" and f".{seen.asset.name}".endswith(f".{s.owner}")]
    holder = next((s for s in sets if s.presence is Presence.PRESENT), None)
    if holder is not None:
        return met(domain=holder.owner)
    unknown = next((s for s in sets if s.presence is Presence.UNKNOWN), None)
    if unknown is not None or not sets:
        return undetermined(unknown.reason if unknown else "not-asked")
    return not_met(domain=seen.asset.name)


@rule("dns-zone-signed", reads=DnsRecords)
def zone_signed(seen: Records) -> Verdict:
    """The parent holds a DS record: the zone is signed."""
    if seen.asset.kind is not AssetKind.DOMAIN:
        return not_applicable("host")
    return _present(seen, "DS")


def _present(seen: Records, rdtype: str) -> Verdict:
    found = seen.fact.find(rdtype)
    if found is None or found.presence is Presence.UNKNOWN:
        return undetermined(found.reason if found else "not-asked")
    return met() if found.presence is Presence.PRESENT else not_met(domain=found.owner)


@rule("dns-no-private-addresses", reads=DnsRecords)
def no_private_addresses(seen: Records) -> Verdict:
    """No public name shows an address of the inside."""
    sets = [s for s in seen.fact.sets if s.rdtype in {"A", "AAAA"} and s.owner == seen.asset.name]
    inside = sorted({v for s in sets for v in s.values if _inside(v)})
    if inside:
        return not_met(addresses=", ".join(inside)[:200])
    if any(s.presence is Presence.UNKNOWN for s in sets) and not any(s.values for s in sets):
        return undetermined("addresses-unknown")
    return met()


def _inside(text: str) -> bool:
    """RFC 1918, unique local, carrier-grade and link-local addresses; loopback is a lab's or a parked name's."""
    address = ip_address(text)
    return address.is_private and not address.is_loopback and not address.is_unspecified


def _targets(found: RecordSet) -> tuple[str, ...]:
    """The hosts of SRV records; a single dot says that the service is decidedly not there (RFC 2782)."""
    return tuple(target for v in found.values if (target := v.split()[-1].rstrip(".")))


@rule("dns-directory-locators-private", reads=DnsRecords)
def directory_locators_private(seen: Records) -> Verdict:
    """The records that lead to domain controllers are not published to the Internet."""
    if seen.asset.kind is not AssetKind.DOMAIN:
        return not_applicable("host")
    by_label = {label: seen.fact.find("SRV", f"{label}.{seen.asset.name}") for label in _LOCATORS}
    found = [s for s in by_label.values() if s and _targets(s)]
    sure = [label for label in _SURE_LOCATORS if (s := by_label[label]) and _targets(s)]
    if found:
        targets = sorted({target for s in found for target in _targets(s)})
        return not_met(
            *[ObjectRef(id=t, name=t) for t in targets],
            confidence=None if sure else Confidence.PROBABLE,
            records=", ".join(s.owner for s in found)[:300],
            controllers=", ".join(targets)[:200],
        )
    if any(s is None or s.presence is Presence.UNKNOWN for s in by_label.values()):
        return undetermined("records-unknown")
    return met()
