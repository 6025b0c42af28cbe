"""Rules on what a zone says and lets be known: aliases that can be taken, glue, values, secrets, names undeclared."""

from __future__ import annotations

import re
from datetime import date

from probes.facts.discovery import NamesFound, VirtualHosts, WildcardShape, ZoneWalk
from probes.facts.dns import Delegation, DnsRecords, Presence, RecordSet
from probes.interface import AssetKind, Observation, Part
from rules.interface import Confidence, ObjectRef, Severity, Verdict, met, not_applicable, not_met, rule, undetermined
from rules.views.names import AliasView, InventoryView, Page, Provider

#: What no public record should hold: a private key, an AWS access key, a signed token (JWT).
_SECRETS = (
    ("private-key", re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----")),
    ("aws-key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("token", re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")),
)
_DATED = re.compile(r"(20\d\d)(\d\d)(\d\d)\d\d")
_WEEK = 7 * 86400


@rule("dns-alias-not-claimable", reads=AliasView, part=Part.EXPOSURE)
def alias_not_claimable(view: AliasView) -> Verdict:
    """No alias leads to a name that anybody could have: proved by the target's own zone, or by the provider's page."""
    target = view.target
    if view.asset.name.startswith("_"):
        return not_applicable("service-label")
    if target.presence is Presence.UNKNOWN:
        return undetermined(target.reason or "target-unknown")
    if not target.nonexistent and view.provider is not None and view.provider.unclaimed:
        return _by_page(target.target, view.provider, view.pages)
    if not target.nonexistent or target.in_zone:
        return met(target=target.target)
    if target.asked != "authoritative":
        return undetermined("target-zone-not-asked")
    if target.registrable_nonexistent:
        return not_met(
            severity=Severity.CRITICAL, confidence=Confidence.CONFIRMED, target=target.target, held=target.registrable
        )
    if not view.table:
        return undetermined("provider-table-missing")
    if view.provider is not None and view.provider.claimable:
        return not_met(target=target.target, held=view.provider.service)
    return met(target=target.target)


def _by_page(target: str, provider: Provider, pages: tuple[Page, ...]) -> Verdict:
    """The verdict on a provider whose names always exist, by what it answers under the alias."""
    unclaimed = provider.unclaimed
    told = [page for page in pages if page.says(unclaimed)]
    if any(unclaimed.status in {0, page.status} for page in told):
        confidence = Confidence.INDICATIVE if provider.edge else None
        return not_met(confidence=confidence, target=target, held=provider.service)
    if told:
        return undetermined("provider-page-doubtful")
    # what only sends on, to TLS for instance, has not shown any page
    shown = any(not 300 <= page.status < 400 for page in pages)
    return met(target=target) if shown else undetermined("provider-page-not-seen")


@rule("dns-servers-take-edns", reads=Delegation)
def servers_take_edns(seen: Observation[Delegation]) -> Verdict:
    """Every server takes EDNS, without which DNSSEC and large answers fail."""
    deaf = [f"{s.name} ({s.address})" for s in seen.fact.servers if s.edns is False]
    if deaf:
        return not_met(servers=", ".join(deaf)[:300])
    if any(s.edns is None for s in seen.fact.servers) or not seen.fact.servers:
        return undetermined("server-silent")
    return met()


@rule("dns-glue-true", reads=Delegation)
def glue_true(seen: Observation[Delegation]) -> Verdict:
    """The addresses that the parent hands out for the zone's own servers are theirs; it may hand out fewer."""
    glue = seen.fact.glue
    if not glue:
        return not_applicable("no-server-inside")
    stale = [f"{g.name} {a}" for g in glue if g.zone for a in g.parent if a not in g.zone]
    if stale:
        return not_met(addresses=", ".join(stale)[:300])
    if any(not g.zone for g in glue):
        return undetermined("zone-silent")
    return met()


@rule("dns-servers-hold-one-version", reads=Delegation)
def servers_hold_one_version(seen: Observation[Delegation], *, late_days: int = 2) -> Verdict:
    """No server was left behind: serials that are dates tell since when; others may differ while a change spreads."""
    serials = {s.serial for s in seen.fact.servers if s.serial is not None}
    if not serials:
        return undetermined("server-silent")
    days = [_day(serial) for serial in serials]
    dated = [day for day in days if day is not None]
    late = (max(dated) - min(dated)).days if len(dated) == len(days) else 0
    if late >= late_days:
        behind = [f"{s.name} ({s.address})" for s in seen.fact.servers if s.serial == min(serials)]
        return not_met(days=late, servers=", ".join(behind)[:300])
    return met()


def _day(serial: int) -> date | None:
    """The day of a serial written YYYYMMDDnn (RFC 1912 2.2)."""
    found = _DATED.fullmatch(str(serial))
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


@rule("dns-soa-values-usual", reads=DnsRecords)
def soa_values_usual(seen: Observation[DnsRecords]) -> Verdict:
    """The timers of the zone keep it alive through an outage and let changes spread (RFC 1912 2.2, RFC 2308 4)."""
    soa = _of_zone(seen, "SOA")
    if isinstance(soa, Verdict):
        return soa
    fields = soa.values[0].split()
    if len(fields) != 7 or not all(f.isdecimal() for f in fields[3:]):
        return undetermined("soa-not-read")
    refresh, retry, expire, negative = map(int, fields[3:])
    odd = []
    odd += [f"refresh {refresh}"] if not 1200 <= refresh <= 2 * 86400 else []
    odd += [f"retry {retry}"] if not 60 <= retry <= max(refresh, 60) else []
    odd += [f"expire {expire}"] if expire < _WEEK or expire <= refresh else []
    odd += [f"minimum {negative}"] if negative > 86400 else []
    return not_met(values=", ".join(odd)) if odd else met()


@rule("dns-lifetimes-reasonable", reads=DnsRecords)
def lifetimes_reasonable(seen: Observation[DnsRecords]) -> Verdict:
    """Name servers and exchangers are remembered a minute at least and a week at most."""
    if seen.asset.kind is not AssetKind.DOMAIN:
        return not_applicable("host")
    # Only the zone's own servers tell the whole lifetime: a resolver's is what is left of it.
    sets = [s for s in seen.fact.sets if s.rdtype in {"NS", "MX"} and s.asked == "authoritative" and s.values]
    odd = [f"{s.rdtype} {s.ttl} s" for s in sets if s.owner == seen.asset.name and not 60 <= s.ttl <= _WEEK]
    if odd:
        return not_met(values=", ".join(odd))
    return met() if sets else undetermined("zone-silent")


@rule("dns-no-secret-in-text", reads=DnsRecords)
def no_secret_in_text(seen: Observation[DnsRecords]) -> Verdict:
    """No TXT record holds a secret: the record is public, whatever it was for."""
    texts = [s for s in seen.fact.sets if s.rdtype == "TXT"]
    found = sorted({(s.owner, kind) for s in texts for v in s.values for kind, form in _SECRETS if form.search(v)})
    if found:
        return not_met(owner=", ".join(owner for owner, _ in found)[:200], kinds=", ".join(k for _, k in found))
    if seen.asset.kind is not AssetKind.DOMAIN:
        return not_applicable("host")
    if any(s.presence is Presence.UNKNOWN for s in texts) or not texts:
        return undetermined("records-unknown")
    return met()


@rule("dns-no-wildcard", reads=NamesFound)
def no_wildcard(seen: Observation[NamesFound]) -> Verdict:
    """Names that nobody published lead nowhere; a wildcard of texts alone (`* TXT "v=spf1 -all"`) protects them."""
    own = next((w for w in seen.fact.wildcards if w.parent == seen.asset.name), None)
    if own is None or own.shape is WildcardShape.UNKNOWN:
        return undetermined("not-asked" if own is None else "server-silent")
    if own.shape is WildcardShape.NONE or (own.shape is WildcardShape.BOUNDED and not any(own.answers)):
        return met()
    return not_met(domain=own.parent, answers="; ".join(own.answers)[:200] or "-")


@rule("dns-zone-not-walkable", reads=NamesFound)
def zone_not_walkable(seen: Observation[NamesFound]) -> Verdict:
    """The proofs of absence of a signed zone do not list its names."""
    walk = seen.fact.walk
    if walk is ZoneWalk.UNSIGNED:
        return not_applicable("no-ds")
    if walk is ZoneWalk.UNKNOWN:
        return undetermined("server-silent")
    return not_met(count=seen.fact.walked) if walk is ZoneWalk.WALKED else met()


@rule("exposure-names-declared", reads=InventoryView, part=Part.EXPOSURE)
def names_declared(view: InventoryView) -> Verdict:
    """Every host that answers under the domain is one that the establishment declared."""
    if view.undeclared:
        objects = [ObjectRef(id=a.id, name=f"{a.name} ({a.found_in.value or 'dns'})") for a in view.undeclared]
        return not_met(*objects, count=len(objects), names=", ".join(a.name for a in view.undeclared)[:300])
    return met() if view.whole else undetermined("names-not-told")


@rule("exposure-sites-still-named", reads=VirtualHosts)
def sites_still_named(seen: Observation[VirtualHosts]) -> Verdict:
    """A server serves no site whose name no longer leads to it: nobody looks after those.

    A name that leads elsewhere may pass through there to this very server: a relay of a provider, for instance.
    """
    fact = seen.fact
    if not fact.reliable:
        return undetermined("server-answers-at-random")
    if not fact.answered:
        return undetermined("rate-limited") if fact.rate_limited else met(tried=fact.tried)
    led = {site.name: f" ({', '.join(site.led)})" if site.led else "" for site in fact.answered}
    objects = [ObjectRef(id=name, name=name + there) for name, there in led.items()]
    return not_met(
        *objects,
        confidence=Confidence.INDICATIVE if all(led.values()) else None,
        names=", ".join(led)[:300],
        address=fact.address,
    )


def _of_zone(seen: Observation[DnsRecords], rdtype: str) -> RecordSet | Verdict:
    """A set of a domain's apex, or the verdict without it."""
    if seen.asset.kind is not AssetKind.DOMAIN:
        return not_applicable("host")
    found = seen.fact.find(rdtype)
    if found is None or found.presence is Presence.UNKNOWN:
        return undetermined(found.reason if found else "not-asked")
    return found if found.values else not_applicable("no-zone-apex")
