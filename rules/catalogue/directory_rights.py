"""ANSSI control points on rights: nobody unprivileged controls what the domain rests on (CERTFR-2020-DUR-001).

The split between the two levels of these points is ours: level 1 for rights usable alone, level 2 for the others.
"""

from __future__ import annotations

from collections.abc import Iterable

from probes.facts.identifiers import rid
from probes.interface import Part
from rules.interface import Confidence, ObjectRef, Verdict, met, not_applicable, not_met, rule, undetermined
from rules.views.control import Control, Controlled, Holding
from rules.views.domain import DomainView
from rules.views.forest import privileged_groups
from rules.views.membership import Memberships
from rules.views.objects import Account, Group, Thing
from rules.views.rights import Target
from rules.views.scope import policies_of_the_privileged, privileged_containers

DIRECTORY = Part.DIRECTORY


def judged(
    holdings: Iterable[Holding],
    levels: tuple[int, ...],
    *,
    missing: str = "",
    also: Iterable[ObjectRef] = (),
    uncertain: bool = False,
) -> Verdict:
    """Not met when somebody holds a right; else undetermined when what is missing could hold one; else met."""
    found, extra = list(holdings), list(also)
    direct = any(h.direct for h in found)
    fails = bool(found or extra)
    failing = levels if direct or (fails and len(levels) == 1) else levels[1:] if fails else ()
    if failing:
        refs = [*(h.told for h in found), *extra]
        rest = tuple(n for n in levels if n not in failing) if missing else ()
        confidence = Confidence.PROBABLE if uncertain else None
        return not_met(
            *refs, levels=failing, open_levels=rest, confidence=confidence, count=len(refs), first=refs[0].name
        )
    return undetermined(missing, levels) if missing else met()


def controlled(
    control: Control,
    objects: list[Controlled],
    levels: tuple[int, ...],
    *,
    missing: str = "",
    also: Iterable[ObjectRef] = (),
    uncertain: bool = False,
) -> Verdict:
    """Judge the direct rights over some objects; ``missing`` says what else was not read."""
    exposure = control.exposure(objects)
    unknown = "descriptor-not-readable" if exposure.unread else "principal-not-readable" if exposure.uncertain else ""
    return judged(exposure.holdings, levels, missing=missing or unknown, also=also, uncertain=uncertain)


def _control(seen: DomainView) -> Control:
    return seen.whole.control(seen.asset.name)


def cut(seen: DomainView) -> str:
    """The reason when the domain was not read to its end."""
    return "" if seen.complete else "collection-cut"


def _over(
    seen: DomainView, things: Iterable[Thing], levels: tuple[int, ...], absent: Verdict, target: Target = Target.OTHER
) -> Verdict:
    own = frozenset(a.sid for a in seen.controllers)  # a read-only one writes its own settings
    objects = [Controlled(ref=t.ref, descriptor=t.descriptor, target=target, spared=own) for t in things]
    if not objects:
        return absent if seen.complete else undetermined("collection-cut", levels)
    unsure = seen.privileged_unread
    return controlled(_control(seen), objects, levels, missing=cut(seen), uncertain=unsure)


@rule("adminsdholder-controlled-by-the-privileged-only", reads=DomainView, part=DIRECTORY)
def adminsdholder_controlled(seen: DomainView) -> Verdict:
    """Nobody unprivileged controls AdminSDHolder, whose rights every privileged account takes on."""
    holder = seen.own.named(f"CN=AdminSDHolder,CN=System,{seen.own.fact.dn}")
    objects = [Controlled(ref=t.ref, descriptor=t.descriptor, target=Target.HOLDER) for t in holder]
    if not objects:
        return undetermined("object-not-readable", (1, 2))
    return controlled(_control(seen), objects, (1, 2), uncertain=seen.privileged_unread)


@rule("controllers-controlled-by-the-privileged-only", reads=DomainView, part=DIRECTORY)
def controllers_controlled(seen: DomainView) -> Verdict:
    """Nobody unprivileged controls the account of a domain controller, nor manages a read-only one."""
    if not seen.controllers:
        return undetermined("object-not-readable", (1, 2))
    control = _control(seen)
    objects = [Controlled(ref=a.ref, descriptor=a.descriptor, target=Target.COMPUTER) for a in seen.controllers]
    managing = [
        (a, seen.whole.sids.get(dn.lower(), ""))
        for a in seen.controllers
        if a.read_only_controller
        for dn in a.names("managedby")
    ]
    managers = [
        ObjectRef(id=sid, name=f"{control.name(sid).name} (ManagedBy → {a.name})", dn=control.name(sid).dn)
        for a, sid in managing
        if sid and control.risky(sid)
    ]
    unknown = any(not sid or control.risky(sid) is None for _, sid in managing)
    missing, unsure = cut(seen) or ("principal-not-readable" if unknown else ""), seen.privileged_unread
    return controlled(control, objects, (1, 2), missing=missing, also=managers, uncertain=unsure)


@rule("sysvol-replication-controlled-by-the-privileged-only", reads=DomainView, part=DIRECTORY)
def sysvol_replication_controlled(seen: DomainView) -> Verdict:
    """Nobody unprivileged controls the settings by which SYSVOL is replicated."""
    group = f",cn=domain system volume,cn=dfsr-globalsettings,cn=system,{seen.own.fact.dn.lower()}"
    local = tuple(f",{a.dn.lower()}" for a in seen.controllers)
    things = (
        t
        for t in seen.own.things
        if any(c.startswith("msdfsr-") for c in t.classes)
        and (f",{t.dn.lower()}".endswith(group) or t.dn.lower().endswith(local))
    )
    return _over(seen, things, (1, 2), not_applicable("no-dfsr"))


@rule("dpapi-keys-controlled-by-the-privileged-only", reads=DomainView, part=DIRECTORY)
def dpapi_keys_controlled(seen: DomainView) -> Verdict:
    """Nobody unprivileged controls the keys that open every user's protected data (DPAPI)."""
    keys = (t for t in seen.own.of("secret") if t.name.upper().startswith("BCKUPKEY_"))
    return _over(seen, keys, (1, 2), _hidden(seen, "no-backup-key", (1, 2)))


def _hidden(seen: DomainView, reason: str, levels: tuple[int, ...]) -> Verdict:
    """What only administrators see is absent when one of them looked; else it may be there."""
    return not_applicable(reason) if seen.sees_all else undetermined("object-not-readable", levels)


@rule("partitions-controlled-by-the-privileged-only", reads=DomainView, part=DIRECTORY)
def partitions_controlled(seen: DomainView) -> Verdict:
    """Nobody unprivileged controls the root of a partition, nor may replicate the domain's secrets."""
    forest = seen.whole
    tables = (seen.table, forest.configuration, forest.schema, forest.domain_zones.get(seen.asset.name), forest.zones)
    roots = [t.root for t in tables if t is not None and t.root is not None]
    objects = [
        Controlled(ref=t.ref, descriptor=t.descriptor, target=Target.ROOT, children=t.dn == seen.own.fact.dn)
        for t in roots
    ]
    dns = {f"DC=DomainDnsZones,{seen.own.fact.dn}", f"DC=ForestDnsZones,{_root_dn(seen)}"}
    absent = sum(forest.without(dn) for dn in dns)
    missing = "partition-not-read" if len(roots) + absent < len(tables) else ""
    return controlled(_control(seen), objects, (1, 2), missing=missing, uncertain=seen.privileged_unread)


def _root_dn(seen: DomainView) -> str:
    return ",".join(f"DC={part}" for part in seen.whole.name.split("."))


@rule("dns-server-settings-controlled-by-the-privileged-only", reads=DomainView, part=DIRECTORY)
def dns_server_controlled(seen: DomainView) -> Verdict:
    """Nobody unprivileged may change the settings of the DNS servers kept in the directory."""
    container = seen.own.named(f"CN=MicrosoftDNS,CN=System,{seen.own.fact.dn}")
    return _over(seen, container, (1,), _hidden(seen, "no-dns-container", (1,)))


@rule("policies-of-the-privileged-controlled-by-them-only", reads=DomainView, part=DIRECTORY)
def policies_controlled(seen: DomainView) -> Verdict:
    """Nobody unprivileged controls a group policy that applies to privileged accounts."""
    wanted = policies_of_the_privileged(seen)
    tables = seen.whole.domains.values()
    policies = [t for table in tables for t in table.of("grouppolicycontainer") if t.dn.lower() in wanted]
    missing = "configuration-not-read" if seen.whole.configuration is None else cut(seen)
    # a link to a policy of a domain that was read leads nowhere; one to another domain may lead anywhere
    read = tuple(f",cn=policies,cn=system,{t.fact.dn.lower()}" for t in tables)
    missing = missing or ("" if all(dn.endswith(read) for dn in wanted) else "partition-not-read")
    objects = [Controlled(ref=_policy(t), descriptor=t.descriptor, target=Target.POLICY) for t in policies]
    return controlled(_control(seen), objects, (1,), missing=missing, uncertain=seen.privileged_unread)


def _policy(thing: Thing) -> ObjectRef:
    return ObjectRef(id=thing.ref.id, name=thing.text("displayname") or thing.name, dn=thing.dn)


@rule("containers-of-the-privileged-controlled-by-them-only", reads=DomainView, part=DIRECTORY)
def containers_controlled(seen: DomainView) -> Verdict:
    """Nobody unprivileged controls a unit or a site that holds privileged accounts."""
    units, sites = privileged_containers(seen)
    held = [t for t in (*units, *sites) if "domaindns" not in t.classes]
    missing = "configuration-not-read" if seen.whole.configuration is None else cut(seen)
    objects = [Controlled(ref=t.ref, descriptor=t.descriptor, target=Target.CONTAINER) for t in held]
    return controlled(_control(seen), objects, (2,), missing=missing, uncertain=seen.privileged_unread)


@rule("privileged-members-controlled-by-the-privileged-only", reads=DomainView, part=DIRECTORY)
def privileged_members_controlled(seen: DomainView) -> Verdict:
    """Nobody unprivileged controls a privileged account or group, those protected like AdminSDHolder left out."""
    objects = [
        Controlled(ref=p.ref, descriptor=p.descriptor, target=_kind(p))
        for p in privileged_principals(seen)
        if not _control(seen).protected(p)
    ]
    missing = cut(seen) or ("member-not-readable" if seen.privileged_unread else "")
    return controlled(_control(seen), objects, (1, 2), missing=missing, uncertain=seen.privileged_unread)


def privileged_principals(seen: DomainView) -> list[Account | Group]:
    """The domain's privileged accounts but controllers, krbtgt, its privileged groups, and those nested in them."""
    groups = set(privileged_groups(seen.groups))
    nested = {m for sid in groups for m in seen.groups[sid]}
    accounts = [a for a in seen.accounts if (a.sid in seen.privileged or rid(a.sid) == 502) and not a.controller]
    return [*accounts, *(g for g in seen.own.groups if g.sid in groups | nested)]


def _kind(principal: Account | Group) -> Target:
    if isinstance(principal, Group):
        return Target.GROUP
    return Target.COMPUTER if principal.computer else Target.USER


@rule("dnsadmins-empty", reads=DomainView, part=DIRECTORY)
def dnsadmins_empty(seen: DomainView) -> Verdict:
    """DnsAdmins, which can run code on the controllers, has no unprivileged member and is controlled by none."""
    group = next((g for g in seen.own.groups if g.name.lower() == "dnsadmins"), None)
    if group is None:
        return not_applicable("no-dnsadmins") if seen.complete else undetermined("collection-cut", (1,))
    control = _control(seen)
    inside = sorted(seen.groups[group.sid] - seen.groups.keys())
    members = [control.name(sid) for sid in inside if control.risky(sid)]
    objects = [Controlled(ref=group.ref, descriptor=group.descriptor, target=Target.GROUP)]
    assert isinstance(seen.groups, Memberships)
    unread = group.dn.lower() in seen.own.cut_groups or seen.missing("member")
    missing = "group-not-readable" if unread else cut(seen)
    missing = missing or ("member-not-readable" if seen.groups.unread(group.sid) else "")
    return controlled(control, objects, (1,), missing=missing, also=members, uncertain=seen.privileged_unread)
