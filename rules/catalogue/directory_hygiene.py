"""What weakens a domain beside ANSSI's points: passwords not required, LAPS, old systems, policies, leftovers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from probes.facts.identifiers import rid, sid_text
from probes.interface import Part
from rules.catalogue.directory_accounts import flag, none_of, privileged_users
from rules.catalogue.directory_rights import cut
from rules.interface import Confidence, ObjectRef, Verdict, met, not_applicable, not_met, rule, undetermined
from rules.support import windows_support
from rules.views.control import Controlled
from rules.views.domain import DomainView
from rules.views.forest import privileged_groups
from rules.views.objects import PASSWORD_NOT_REQUIRED, REVERSIBLE, TRUST, Account
from rules.views.passwords import domain_policy, fine_policies, policies_readable
from rules.views.rights import Target

DIRECTORY = Part.DIRECTORY
_COMPLEX = 1
_OPERATORS = frozenset(f"S-1-5-32-{n}" for n in (548, 549, 550, 551))


@rule("passwords-required", reads=DomainView, part=DIRECTORY)
def passwords_required(seen: DomainView) -> Verdict:
    """No enabled account may have an empty password (PASSWD_NOTREQD)."""
    accounts = (a for a in seen.accounts if a.enabled and not (a.uac or 0) & TRUST)
    return none_of(seen, accounts, flag(PASSWORD_NOT_REQUIRED), ())


@rule("passwords-not-reversible", reads=DomainView, part=DIRECTORY)
def passwords_not_reversible(seen: DomainView) -> Verdict:
    """No ordinary account stores its password reversibly."""
    return none_of(seen, seen.people(privileged=False), flag(REVERSIBLE), ())


def _active(seen: DomainView, days: int) -> list[Account]:
    """Enabled computers but controllers that have logged on lately."""
    limit = seen.now - timedelta(days=days)
    members = (a for a in seen.accounts if a.computer and not a.controller and a.enabled)
    return [a for a in members if a.last_logon is not None and a.last_logon >= limit]


@rule("local-passwords-managed", reads=DomainView, part=DIRECTORY)
def local_passwords_managed(seen: DomainView, *, least_percent: int = 90, days: int = 90) -> Verdict:
    """At least nine active Windows computers in ten have their local administrator's password managed by LAPS."""
    machines = [a for a in _active(seen, days) if "windows" in a.system.lower()]
    bare = [a for a in machines if not a.laps]
    if not machines:
        return not_applicable("no-computer") if seen.complete else undetermined("collection-cut")
    percent = 100 * (len(machines) - len(bare)) // len(machines)
    if not seen.complete:
        return undetermined("collection-cut", percent=percent)
    if percent >= least_percent:
        return met(percent=percent)
    # nobody's date came back: nothing is deployed, or the account may not read it
    confidence = Confidence.PROBABLE if len(bare) == len(machines) else None
    refs = [a.ref for a in bare]
    return not_met(*refs, confidence=confidence, count=len(bare), enabled=len(machines), percent=percent)


@rule("computers-supported", reads=DomainView, part=DIRECTORY)
def computers_supported(seen: DomainView, *, days: int = 90) -> Verdict:
    """No active computer runs a Windows that its vendor no longer supports."""
    feed = seen.whole.feed
    if feed is None:
        return undetermined("no-fresh-support-feed")
    known: dict[tuple[str, str], bool | None] = {}

    def obsolete(account: Account) -> bool | None:
        key = account.system, account.system_version
        if key not in known:
            support = windows_support(feed, *key)
            known[key] = None if support is None else support.over(seen.now)
        return known[key]

    machines = [a for a in _active(seen, days) if "windows" in a.system.lower()]
    return none_of(seen, machines, obsolete, (), needs="operatingsystem", untold_is="system-not-known")


@rule("password-policy-strong", reads=DomainView, part=DIRECTORY)
def password_policy_strong(seen: DomainView, *, least_length: int = 12) -> Verdict:
    """The domain asks for long and complex passwords, and locks an account that is being guessed."""
    policy, properties = domain_policy(seen), seen.head.get("pwdproperties")
    threshold = seen.head.get("lockoutthreshold")
    if policy is None or properties is None or threshold is None:
        return undetermined("attribute-not-readable")
    if policy.length < least_length or not properties & _COMPLEX or threshold == 0:
        return not_met(length=policy.length, least=least_length, threshold=threshold)
    return met(length=policy.length, threshold=threshold)


@rule("fine-grained-policies-not-weaker", reads=DomainView, part=DIRECTORY)
def fine_grained_policies_not_weaker(seen: DomainView) -> Verdict:
    """No fine-grained policy asks for less than the domain's."""
    general = domain_policy(seen)
    if not policies_readable(seen) or general is None:
        return undetermined("password-settings-not-readable")
    weaker = {dn: p for dn, p in fine_policies(seen).items() if p.length < general.length}
    if weaker:
        refs = [ObjectRef(id=dn, name=f"{p.name} ({p.length})", dn=dn) for dn, p in sorted(weaker.items())]
        return not_met(*refs, count=len(refs), first=refs[0].name)
    return met(count=len(fine_policies(seen))) if seen.complete else undetermined("collection-cut")


@rule("admin-marks-current", reads=DomainView, part=DIRECTORY)
def admin_marks_current(seen: DomainView) -> Verdict:
    """No account keeps adminCount, and the frozen rights that go with it, after leaving the privileged groups."""
    members = {m for sid in _OPERATORS & seen.groups.keys() for m in seen.groups[sid]}
    left = (
        a for a in seen.accounts if a.sid not in seen.privileged | members and rid(a.sid) != 502 and not a.controller
    )
    return none_of(seen, left, lambda a: a.admin_count == 1, (), needs="admincount")


@rule("built-in-administrator-at-rest", reads=DomainView, part=DIRECTORY)
def built_in_administrator_at_rest(seen: DomainView, *, days: int = 30) -> Verdict:
    """The built-in administrator (RID 500) has not logged on for a month."""
    account = next((a for a in seen.accounts if rid(a.sid) == 500), None)
    if account is None:
        return undetermined("object-not-readable")
    if not account.enabled or account.last_logon is None:
        return met()
    # Another controller's clock may be ahead of the one that said the time.
    age = max(0, (seen.now - account.last_logon).days)
    return not_met(account.ref, age=age, first=account.name) if age < days else met(age=age)


def _privileged_members(seen: DomainView, wanted: Callable[[str], bool]) -> list[str]:
    members = {m for g in privileged_groups(seen.groups) for m in seen.groups[g]}
    return sorted(m for m in members if wanted(m))


@rule("operator-groups-empty", reads=DomainView, part=DIRECTORY)
def operator_groups_empty(seen: DomainView) -> Verdict:
    """The groups of operators (accounts, servers, printers, backups) are empty."""
    groups = [g for g in seen.own.groups if g.sid in _OPERATORS]
    filled = [g for g in groups if seen.groups[g.sid]]
    if filled:
        return not_met(*(g.ref for g in filled), count=len(filled), first=filled[0].name)
    if len(groups) < len(_OPERATORS) or seen.missing("member"):
        return undetermined("group-not-readable")
    return met()


@rule("privileged-groups-without-foreigners", reads=DomainView, part=DIRECTORY)
def privileged_groups_without_foreigners(seen: DomainView) -> Verdict:
    """No privileged group has a member from another forest."""
    ours = {a.rpartition("-")[0] for a in seen.whole.principals}
    foreign = _privileged_members(seen, lambda m: m.startswith("S-1-5-21-") and m.rpartition("-")[0] not in ours)
    if foreign:
        return not_met(*(ObjectRef(id=m, name=m) for m in foreign), count=len(foreign), first=foreign[0])
    return undetermined(cut(seen) or "member-not-readable") if cut(seen) or seen.privileged_unread else met()


@rule("privileged-accounts-enabled", reads=DomainView, part=DIRECTORY)
def privileged_accounts_enabled(seen: DomainView) -> Verdict:
    """No disabled account is left in a privileged group."""
    accounts = (a for a in seen.accounts if a.sid in seen.privileged and rid(a.sid) != 500)
    return none_of(seen, accounts, lambda a: None if a.uac is None else not a.enabled, (), privileged=True)


@rule("privileged-accounts-without-script", reads=DomainView, part=DIRECTORY)
def privileged_accounts_without_script(seen: DomainView) -> Verdict:
    """No privileged account runs a logon script of its own."""
    return none_of(
        seen, privileged_users(seen), lambda a: "scriptpath" in a.rare, (), needs="scriptpath", privileged=True
    )


@rule("privileged-keys-known", reads=DomainView, part=DIRECTORY)
def privileged_keys_known(seen: DomainView) -> Verdict:
    """No controller or privileged account carries a key by which somebody may log on in its place."""
    accounts = (a for a in seen.accounts if a.sid in seen.privileged)
    name = "msds-keycredentiallink"
    return none_of(seen, accounts, lambda a: name in a.rare, (), needs=name, privileged=True)


@rule("machines-joined-by-the-privileged", reads=DomainView, part=DIRECTORY)
def machines_joined_by_the_privileged(seen: DomainView) -> Verdict:
    """No machine was joined by an ordinary user, who stays its owner."""
    control = seen.whole.control(seen.asset.name)

    def ordinary(account: Account) -> bool:
        creators = map(sid_text, account.rare.get("ms-ds-creatorsid", ()))
        return any(s in seen.whole.principals and control.risky(s) for s in creators)

    return none_of(seen, (a for a in seen.accounts if a.computer), ordinary, (), needs="ms-ds-creatorsid")


@rule("delegated-accounts-made-by-the-privileged", reads=DomainView, part=DIRECTORY)
def delegated_accounts_made_by_the_privileged(seen: DomainView) -> Verdict:
    """Nobody unprivileged may make a delegated managed service account, which takes the place of any other."""
    schema = seen.whole.schema
    if schema is None:
        return undetermined("schema-not-read")
    known = any(t.text("ldapdisplayname") == "msDS-DelegatedManagedServiceAccount" for t in schema.of("classschema"))
    if not known:
        return not_applicable("schema-before-2025") if schema.complete else undetermined("collection-cut")
    places = seen.own.of("organizationalunit", "container", "domaindns")
    objects = [Controlled(ref=t.ref, descriptor=t.descriptor, target=Target.NURSERY) for t in places]
    exposure = seen.whole.control(seen.asset.name).exposure(objects)
    if exposure.holdings:
        refs = [h.told for h in exposure.holdings]
        return not_met(*refs, count=len(refs), first=refs[0].name)
    missing = cut(seen) or ("descriptor-not-readable" if exposure.unread or exposure.uncertain else "")
    return undetermined(missing) if missing else met()
