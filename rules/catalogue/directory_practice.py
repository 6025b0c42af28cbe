"""Good practice beside ANSSI's points: delegation, what everybody controls, what makes a forest recoverable."""

from __future__ import annotations

from probes.facts.identifiers import rid
from probes.interface import Part
from rules.catalogue.directory_accounts import NO_DATE, none_of, older, privileged_users
from rules.interface import ObjectRef, Verdict, met, not_applicable, not_met, rule, undetermined
from rules.views.control import WELL_KNOWN
from rules.views.domain import DomainView
from rules.views.forest import ForestView
from rules.views.objects import Account, Group, Thing
from rules.views.rights import DIRECT, Target

DIRECTORY = Part.DIRECTORY
_NOT_DELEGATED = 0x100000
_PROTECTED_USERS, _SCHEMA_ADMINS = 525, 518
_WIDE = frozenset({513, 514, 515})
#: The optional feature by which deleted objects come back whole (MS-ADTS 3.1.1.9.1).
_RECYCLE_BIN = "cn=recycle bin feature,"


@rule("passwords-renewed", reads=DomainView, part=DIRECTORY)
def passwords_renewed(seen: DomainView, *, days: int = 1095) -> Verdict:
    """Every ordinary account has a password younger than three years."""
    return none_of(seen, seen.people(privileged=False), older(seen, days), (), untold_is=NO_DATE)


@rule("privileged-accounts-not-delegable", reads=DomainView, part=DIRECTORY)
def privileged_accounts_not_delegable(seen: DomainView) -> Verdict:
    """No privileged user can be impersonated by a service: marked sensitive, or in Protected Users."""
    safe = seen.groups.get(f"{seen.sid}-{_PROTECTED_USERS}", frozenset())

    def delegable(account: Account) -> bool | None:
        return None if account.uac is None else not account.uac & _NOT_DELEGATED and account.sid not in safe

    return none_of(seen, (a for a in privileged_users(seen) if not a.managed), delegable, (), privileged=True)


@rule("privileged-groups-without-machine", reads=DomainView, part=DIRECTORY)
def privileged_groups_without_machine(seen: DomainView) -> Verdict:
    """No machine but a domain controller is a member of a privileged group."""
    machines = (a for a in seen.accounts if a.computer and not a.controller)
    return none_of(seen, machines, lambda a: a.sid in seen.privileged, (), needs="member", privileged=True)


@rule("schema-admins-empty", reads=DomainView, part=DIRECTORY)
def schema_admins_empty(seen: DomainView) -> Verdict:
    """Schema Admins is empty between two changes of the schema."""
    group = seen.group(_SCHEMA_ADMINS)
    if group is None:
        return not_applicable("not-the-root-domain") if seen.complete else undetermined("collection-cut")
    control = seen.whole.control(seen.asset.name)
    members = [control.name(sid) for sid in sorted(seen.groups[group.sid])]
    if members:
        return not_met(*members, count=len(members), first=members[0].name)
    unread = seen.whole.memberships(seen.asset.name).unread(group.sid)
    return undetermined("member-not-readable") if unread or seen.missing("member") else met()


@rule("two-controllers-at-least", reads=DomainView, part=DIRECTORY)
def two_controllers_at_least(seen: DomainView) -> Verdict:
    """The domain survives the loss of a controller: it has two that can be written to."""
    count = sum(a.controller and not a.read_only_controller and a.enabled for a in seen.accounts)
    if count >= 2:
        return met(count=count)
    return not_met(count=count) if seen.complete and count else undetermined("collection-cut")


@rule("everybody-controls-nothing", reads=DomainView, part=DIRECTORY)
def everybody_controls_nothing(seen: DomainView) -> Verdict:
    """Neither everybody, nor all users, nor all machines control an account, a group or a unit."""
    control = seen.whole.control(seen.asset.name)
    judged: dict[tuple[int, Target], str | None] = {}
    bad, unread = [], 0
    for one, target in _targets(seen):
        key = one.descriptor, target
        if key not in judged:
            held = control.holders(*key)
            judged[key] = None if held is None else ", ".join(s for s, r in held.items() if r & DIRECT and _wide(s))
        holders = judged[key]
        unread += holders is None
        if holders:
            who = ", ".join(control.name(sid).name for sid in holders.split(", "))
            bad.append(ObjectRef(id=one.ref.id, name=f"{one.ref.name} ({who})", dn=one.ref.dn))
    if bad:
        return not_met(*bad, count=len(bad), first=bad[0].name)
    missing = "collection-cut" if not seen.complete else "descriptor-not-readable" if unread else ""
    return undetermined(missing) if missing else met()


def _wide(sid: str) -> bool:
    return sid in WELL_KNOWN or (sid.startswith("S-1-5-21-") and rid(sid) in _WIDE)


def _targets(seen: DomainView) -> list[tuple[Account | Group | Thing, Target]]:
    found: list[tuple[Account | Group | Thing, Target]] = []
    found += [(a, Target.COMPUTER if a.computer else Target.USER) for a in seen.accounts]
    found += [(g, Target.GROUP) for g in seen.own.groups]
    found += [(t, Target.CONTAINER) for t in seen.own.of("organizationalunit")]
    return found


@rule("deleted-objects-recoverable", reads=ForestView, part=DIRECTORY)
def deleted_objects_recoverable(seen: ForestView) -> Verdict:
    """The recycle bin of the directory is enabled."""
    partitions = next(iter(seen.configuration.named(f"CN=Partitions,{seen.configuration.fact.dn}")), None)
    if partitions is None:
        return undetermined("object-not-readable")
    enabled = partitions.texts("msds-enabledfeature")
    return met() if any(dn.lower().startswith(_RECYCLE_BIN) for dn in enabled) else not_met(forest=seen.forest.name)
