"""ANSSI control points on privileged accounts as a whole, and on what the domain itself sets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain

from probes.facts.identifiers import rid
from probes.interface import Part
from rules.catalogue.directory_accounts import none_of, privileged_users
from rules.catalogue.directory_rights import privileged_principals
from rules.interface import ObjectRef, Verdict, met, not_met, rule, undetermined
from rules.views.domain import DomainView
from rules.views.membership import Memberships
from rules.views.objects import Account, Group, Thing
from rules.views.passwords import domain_policy, fine_policies, policies_readable, policy_of

DIRECTORY = Part.DIRECTORY
_CLEAR_TEXT = 16


@rule("privileged-password-policy-strong", reads=DomainView, part=DIRECTORY)
def privileged_password_policy_strong(seen: DomainView) -> Verdict:
    """The policy that holds for every privileged account asks for eight characters, renewed within three years.

    No policy holds for managed service accounts, whose passwords the controllers make.
    """
    general = domain_policy(seen)
    if general is None:
        return undetermined("attribute-not-readable", (2,))
    users, fine = [a for a in privileged_users(seen) if not a.managed], fine_policies(seen)
    told = {a.sid: policy_of(seen, a, fine) for a in users}
    hidden = not policies_readable(seen)
    named = {a.sid for a in users if a.names("msds-resultantpso")}
    weak = [a for a in users if (p := told[a.sid]) and p.weak and (not hidden or a.sid in named)]
    days = general.age.days if general.age else 0
    if weak:
        return not_met(*(a.ref for a in weak), levels=(2,), count=len(weak), length=general.length, days=days)
    if hidden or None in told.values():
        return undetermined("password-settings-not-readable", (2,), length=general.length, days=days)
    if not seen.complete or seen.privileged_unread:
        return undetermined("collection-cut" if not seen.complete else "member-not-readable", (2,))
    return met(length=general.length, days=days)


@rule("privileged-accounts-in-silo", reads=DomainView, part=DIRECTORY)
def privileged_accounts_in_silo(seen: DomainView) -> Verdict:
    """Every privileged user belongs to an authentication silo that is enforced."""
    table = seen.whole.configuration
    silos = {t.dn.lower(): t for t in table.of("msds-authnpolicysilo")} if table else {}

    def outside(account: Account) -> bool | None:
        named = account.names("msds-assignedauthnpolicysilo")
        if not named:
            return True
        if table is None:
            return None
        silo = silos.get(named[0].lower())
        if silo is None:
            return None
        members = {dn.lower() for dn in silo.texts("msds-authnpolicysilomembers")}
        enforced = silo.text("msds-authnpolicysiloenforced").upper() == "TRUE"
        return not enforced or account.dn.lower() not in members

    return none_of(seen, privileged_users(seen), outside, (4,), privileged=True)


@rule("smartcard-secrets-renewed", reads=DomainView, part=DIRECTORY)
def smartcard_secrets_renewed(seen: DomainView) -> Verdict:
    """The hidden password of accounts that log on by card is renewed by the domain."""
    root = seen.own.root
    if root is None or "minpwdlength" not in root.values:
        return undetermined("attribute-not-readable", (4,))
    if root.text("msds-expirepasswordsonsmartcardonlyaccounts").upper() == "TRUE":
        return met()
    return not_met(root.ref, levels=(4,), domain=seen.asset.name)


@rule("passwords-not-stored-in-clear", reads=DomainView, part=DIRECTORY)
def passwords_not_stored_in_clear(seen: DomainView) -> Verdict:
    """The domain does not ask for passwords to be stored reversibly."""
    properties = seen.head.get("pwdproperties")
    root = seen.own.root
    if properties is None or root is None:
        return undetermined("attribute-not-readable", (3,))
    return not_met(root.ref, levels=(3,), value=properties) if properties & _CLEAR_TEXT else met()


@rule("critical-objects-readable", reads=DomainView, part=DIRECTORY)
def critical_objects_readable(seen: DomainView) -> Verdict:
    """The objects on which the audit rests could be read, rights included."""
    last = (512, 518, 519) if seen.asset.name.lower() == seen.whole.name.lower() else (512,)
    holder = next(iter(seen.own.named(f"CN=AdminSDHolder,CN=System,{seen.own.fact.dn}")), None)
    found = {"AdminSDHolder": holder.descriptor if holder else -1}
    for number in (500, 502):
        found[f"RID {number}"] = next((a.descriptor for a in seen.accounts if rid(a.sid) == number), -1)
    for number in last:
        group = seen.group(number)
        found[f"RID {number}"] = group.descriptor if group else -1
    absent = [name for name, place in found.items() if seen.whole.descriptors.get(place) is None]
    if not absent:
        return met(count=len(found))
    if not seen.complete:
        return undetermined("collection-cut", (1,), missing=", ".join(absent))
    return not_met(*(ObjectRef(id=n, name=n) for n in absent), levels=(1,), missing=", ".join(absent))


@rule("privileged-descriptors-readable", reads=DomainView, part=DIRECTORY)
def privileged_descriptors_readable(seen: DomainView) -> Verdict:
    """The descriptor of every privileged account and group could be read."""
    bad = [p for p in privileged_principals(seen) if seen.whole.descriptors.get(p.descriptor) is None]
    if bad:
        return not_met(*(p.ref for p in bad), levels=(3,), count=len(bad), first=bad[0].name)
    if not seen.complete or seen.privileged_unread:
        return undetermined("collection-cut" if not seen.complete else "member-not-readable", (3,))
    return met()


@rule("groups-without-loop", reads=DomainView, part=DIRECTORY)
def groups_without_loop(seen: DomainView) -> Verdict:
    """No group is a member of itself through others."""
    assert isinstance(seen.groups, Memberships)
    inside = {sid for loop in seen.groups.loops for sid in loop}
    bad = [g for g in seen.own.groups if g.sid in inside]
    if bad:
        return not_met(*(g.ref for g in bad), levels=(4,), count=len(bad), first=bad[0].name)
    if absent := seen.missing("member"):
        return undetermined(f"not-readable:{absent}", (4,))
    cut = not seen.complete or bool(seen.own.cut_groups)
    return undetermined("collection-cut", (4,)) if cut else met()


@rule("owners-standard", reads=DomainView, part=DIRECTORY)
def owners_standard(seen: DomainView, *, days: int = 7) -> Verdict:
    """Accounts, groups, units and policies older than a week belong to administrators or the system."""
    limit = seen.now - timedelta(days=days)
    sound: dict[int, bool | None] = {}
    bad, unread = [], 0
    units = seen.own.of("organizationalunit", "grouppolicycontainer")
    owned: Iterator[Account | Group | Thing] = chain(seen.accounts, seen.own.groups, units)
    for one in owned:
        place = one.descriptor
        if place not in sound:
            descriptor = seen.whole.descriptors.get(place)
            sound[place] = None if descriptor is None else _sound_owner(descriptor.owner)
        created = one.created
        if sound[place] is False and created is not None and created < limit:
            bad.append(one.ref)
        unread += sound[place] is None or created is None
    if bad:
        return not_met(*bad, levels=(3,), count=len(bad), first=bad[0].name)
    if not seen.complete:
        return undetermined("collection-cut", (3,))
    return undetermined("descriptor-not-readable", (3,), count=unread) if unread else met()


def _sound_owner(owner: str) -> bool:
    return owner in {"S-1-5-32-544", "S-1-5-18"} or (owner.startswith("S-1-5-21-") and rid(owner) in {512, 519})
