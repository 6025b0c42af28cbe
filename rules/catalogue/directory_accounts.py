"""ANSSI control points on accounts and their passwords (CERTFR-2020-DUR-001, as read in a public copy)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from probes.facts.identifiers import rid
from probes.interface import Part
from rules.interface import Confidence, Outcome, Verdict, met, not_applicable, not_met, rule, undetermined
from rules.views.domain import DomainView
from rules.views.objects import (
    DES_ONLY,
    DISABLED,
    NEVER_EXPIRES,
    NO_PREAUTH,
    REVERSIBLE,
    TRUST,
    Account,
    Group,
)
from rules.views.passwords import policies_readable, tolerated

DIRECTORY = Part.DIRECTORY
#: Why an account's password could not be dated, or its last logon.
NO_DATE, NO_LOGON = "password-date-unknown", "last-logon-unknown"
Owner = TypeVar("Owner", Account, Group, Account | Group)


def none_of(
    seen: DomainView,
    accounts: Iterable[Owner],
    fault: Callable[[Owner], bool | None],
    levels: tuple[int, ...],
    *,
    needs: str = "",
    privileged: bool = False,
    untold_is: str = "attribute-not-readable",
) -> Verdict:
    """Met when no account is at fault; what was not told, or not collected, could change that and nothing else.

    ``needs`` is the attribute (lower case) by which a fault would show; ``privileged`` tells that only privileged
    accounts are asked about, so that members of privileged groups that were not read could be at fault too;
    ``untold_is`` is the reason when an account could not be told.
    """
    found, untold = [], 0
    for account in accounts:
        at_fault = fault(account)
        untold += at_fault is None
        if at_fault:
            found.append(account.ref)
    if found:
        return not_met(*found, levels=levels, count=len(found), first=found[0].name)
    if not seen.complete:
        return undetermined("collection-cut", levels)
    if untold:
        return undetermined(untold_is, levels)
    if absent := seen.missing(needs) if needs else "":
        return undetermined(f"not-readable:{absent}", levels)
    if privileged and seen.privileged_unread:
        return undetermined("member-not-readable", levels)
    return met()


def flag(bit: int) -> Callable[[Account], bool | None]:
    """A userAccountControl bit, None when it was not told."""
    return lambda account: None if account.uac is None else bool(account.uac & bit)


def older(seen: DomainView, days: int) -> Callable[[Account], bool | None]:
    """A password set longer ago than so many days.

    Where pwdLastSet is 0 (to be changed at next logon) its date is lost: only the account's own age bounds it.
    """
    limit = seen.now - timedelta(days=days)

    def told(account: Account) -> bool | None:
        if account.password_set is not None:
            return account.password_set < limit
        young = account.password_told and account.created is not None and account.created >= limit
        return False if young else None

    return told


def silent(
    seen: DomainView,
    accounts: Iterable[Account],
    levels: tuple[int, ...],
    *,
    days: int,
    lag_days: int,
    needs: str = "",
) -> Verdict:
    """Met when every account logged on within so many days, by lastLogonTimestamp, as ANSSI counts them.

    That attribute may lag behind: a silence that the lag alone could explain is told as probable.
    """
    limit, sure = seen.now - timedelta(days=days), seen.now - timedelta(days=days + lag_days)
    kept = list(accounts)

    def at_fault(account: Account) -> bool | None:
        last = account.last_logon or (account.created if seen.told("lastlogontimestamp") else None)
        return None if last is None else last < limit

    verdict = none_of(seen, kept, at_fault, levels, needs=needs, untold_is=NO_LOGON)
    certain = any((last := a.last_logon or a.created) and last < sure for a in kept)
    if verdict.outcome is Outcome.NOT_MET and not certain:
        return replace(verdict, confidence=Confidence.PROBABLE)
    return verdict


def privileged_users(seen: DomainView) -> Iterable[Account]:
    """Privileged user accounts, enabled."""
    return seen.people(privileged=True)


@rule("privileged-passwords-expire", reads=DomainView, part=DIRECTORY)
def privileged_passwords_expire(seen: DomainView) -> Verdict:
    """No privileged account has a password that never expires."""
    return none_of(seen, privileged_users(seen), flag(NEVER_EXPIRES), (1,), privileged=True)


@rule("privileged-accounts-preauthenticate", reads=DomainView, part=DIRECTORY)
def privileged_accounts_preauthenticate(seen: DomainView) -> Verdict:
    """Every privileged account goes through Kerberos pre-authentication."""
    return none_of(seen, privileged_users(seen), flag(NO_PREAUTH), (1,), privileged=True)


@rule("privileged-passwords-renewed", reads=DomainView, part=DIRECTORY)
def privileged_passwords_renewed(seen: DomainView, *, days: int = 1095) -> Verdict:
    """Every privileged password is younger than three years."""
    return none_of(seen, privileged_users(seen), older(seen, days), (1,), privileged=True, untold_is=NO_DATE)


@rule("privileged-accounts-without-spn", reads=DomainView, part=DIRECTORY)
def privileged_accounts_without_spn(seen: DomainView) -> Verdict:
    """No privileged user carries a service principal name; managed service accounts may."""
    accounts = (a for a in privileged_users(seen) if not a.managed and rid(a.sid) != 502)
    verdict = none_of(
        seen,
        accounts,
        lambda a: bool(a.spns) and not tolerated(seen, a),
        (1,),
        needs="serviceprincipalname",
        privileged=True,
    )
    return _unsure_without_policies(seen, verdict)


def _unsure_without_policies(seen: DomainView, verdict: Verdict) -> Verdict:
    """A fault that a fine-grained policy would make tolerated, had those been readable."""
    if verdict.outcome is Outcome.NOT_MET and not policies_readable(seen):
        return replace(verdict, confidence=Confidence.PROBABLE)
    return verdict


@rule("privileged-accounts-few", reads=DomainView, part=DIRECTORY)
def privileged_accounts_few(seen: DomainView, *, most: int = 50) -> Verdict:
    """At most fifty accounts are privileged, RID 500 and domain controllers left out."""
    own = [a for a in seen.accounts if a.sid in seen.privileged]
    everyone = seen.forest.privileged_accounts if seen.forest else own
    counted = [a for a in everyone if rid(a.sid) != 500 and not a.controller]
    limit = max(most, 3 * len(seen.forest.domains) if seen.forest else 0)
    names = len({a.name.lower() for a in counted})
    if len(counted) > limit:
        refs = [a.ref for a in own if a in counted]
        levels = (1, 2) if names > limit else (2,)
        return not_met(*refs, levels=levels, count=len(counted), most=limit)
    if not seen.complete or seen.privileged_unread:
        return undetermined("collection-cut" if not seen.complete else "member-not-readable", (1, 2))
    if seen.forest and seen.forest.domains_unread:
        return undetermined("partition-not-read", (1, 2), count=len(counted))
    return met(count=len(counted))


@rule("accounts-in-use", reads=DomainView, part=DIRECTORY)
def accounts_in_use(seen: DomainView, *, most_percent: int = 25) -> Verdict:
    """At most a quarter of enabled accounts is dormant: old password, and no logon for a year."""
    enabled = [a for a in seen.accounts if a.enabled and not (a.uac or 0) & TRUST]
    told = {a.sid: _dormant(seen, a) for a in enabled}
    dormant = [a for a in enabled if told[a.sid]]
    if not seen.complete:
        return undetermined("collection-cut", (1,))
    if not enabled:
        return not_applicable("no-account")
    percent = 100 * len(dormant) // len(enabled)
    if 100 * len(dormant) > most_percent * len(enabled):
        refs = [a.ref for a in dormant]
        return not_met(*refs, levels=(1,), count=len(dormant), enabled=len(enabled), percent=percent)
    if 100 * sum(one is not False for one in told.values()) > most_percent * len(enabled):
        return undetermined(NO_DATE, (1,), percent=percent)
    return met(percent=percent)


def _dormant(seen: DomainView, account: Account) -> bool | None:
    """Whether an account has not logged on for a year, nor changed its password for three."""
    last = account.last_logon or (account.created if seen.told("lastlogontimestamp") else None)
    if last is not None and last >= seen.now - timedelta(days=365):
        return False
    old = older(seen, 1095)(account)
    return old if last is not None or old is False else None


@rule("passwords-expire", reads=DomainView, part=DIRECTORY)
def passwords_expire(seen: DomainView, *, most_percent: int = 10) -> Verdict:
    """At most a tenth of users has a password that never expires."""
    users = [a for a in seen.people() if rid(a.sid) != 502]
    found = [a for a in users if (a.uac or 0) & NEVER_EXPIRES]
    if not seen.complete or any(a.uac is None for a in users):
        return undetermined("collection-cut", (2,))
    if not users:
        return not_applicable("no-account")
    if 100 * len(found) > most_percent * len(users):
        percent = 100 * len(found) // len(users)
        return not_met(*[a.ref for a in found], levels=(2,), count=len(found), percent=percent)
    return met(percent=100 * len(found) // len(users))


@rule("guest-disabled", reads=DomainView, part=DIRECTORY)
def guest_disabled(seen: DomainView) -> Verdict:
    """The built-in guest account (RID 501) is disabled."""
    guests = [a for a in seen.accounts if rid(a.sid) == 501]
    if not guests:
        return undetermined("object-not-readable", (2,))
    guest = guests[0]
    if guest.uac is None:
        return undetermined("attribute-not-readable", (2,))
    return met() if guest.uac & DISABLED else not_met(guest.ref, levels=(2,), first=guest.name)


@rule("krbtgt-password-renewed", reads=DomainView, part=DIRECTORY)
def krbtgt_password_renewed(seen: DomainView, *, days: int = 365) -> Verdict:
    """The password of krbtgt (RID 502) is younger than a year."""
    found = [a for a in seen.accounts if rid(a.sid) == 502]
    if not found:
        return undetermined("object-not-readable", (2,))
    when = found[0].password_set
    if when is None:
        return undetermined(NO_DATE, (2,))
    age = (seen.now - when).days
    if older(seen, days)(found[0]):
        return not_met(found[0].ref, levels=(2,), age=age, most=days)
    return met(age=age)


@rule("accounts-not-limited-to-des", reads=DomainView, part=DIRECTORY)
def accounts_not_limited_to_des(seen: DomainView) -> Verdict:
    """No user is limited to DES keys."""
    return none_of(seen, seen.people(), flag(DES_ONLY), (2,))


@rule("accounts-preauthenticate", reads=DomainView, part=DIRECTORY)
def accounts_preauthenticate(seen: DomainView) -> Verdict:
    """Every ordinary account goes through Kerberos pre-authentication."""
    without = flag(NO_PREAUTH)
    verdict = none_of(seen, seen.people(privileged=False), lambda a: without(a) and not tolerated(seen, a), (2,))
    return _unsure_without_policies(seen, verdict)


@rule("privileged-accounts-marked", reads=DomainView, part=DIRECTORY)
def privileged_accounts_marked(seen: DomainView) -> Verdict:
    """Every privileged user bears adminCount 1, by which its rights are protected."""
    if absent := seen.missing("admincount"):
        return undetermined(f"not-readable:{absent}", (2,))
    return none_of(seen, privileged_users(seen), lambda a: a.admin_count != 1, (2,), privileged=True)


@rule("trust-passwords-renewed", reads=DomainView, part=DIRECTORY)
def trust_passwords_renewed(seen: DomainView, *, days: int = 365) -> Verdict:
    """Every trust account has a password younger than a year."""
    accounts = [a for a in seen.accounts if (a.uac or 0) & TRUST]
    if not accounts and seen.complete:
        return not_applicable("no-trust-account")
    return none_of(seen, accounts, older(seen, days), (2,), untold_is=NO_DATE)


@rule("sid-history-harmless", reads=DomainView, part=DIRECTORY)
def sid_history_harmless(seen: DomainView) -> Verdict:
    """No SID history holds a well-known SID or a privileged RID (below 1000)."""
    return none_of(seen, _principals(seen), _dangerous_history, (2,), needs="sidhistory")


def _principals(seen: DomainView) -> list[Account | Group]:
    return [*seen.accounts, *(seen.table.groups if seen.table else ())]


def _dangerous_history(account: Account | Group) -> bool | None:
    """A value that is no SID could be any: it only counts when no other one is dangerous."""
    told = [s for s in account.sid_history if s]
    if any(not s.startswith("S-1-5-21-") or rid(s) < 1000 for s in told):
        return True
    return None if len(told) < len(account.sid_history) else False


@rule("sid-history-empty", reads=DomainView, part=DIRECTORY)
def sid_history_empty(seen: DomainView) -> Verdict:
    """No account and no group keeps a SID history."""
    return none_of(seen, _principals(seen), lambda a: bool(a.sid_history), (3,), needs="sidhistory")


@rule("privileged-passwords-not-reversible", reads=DomainView, part=DIRECTORY)
def privileged_passwords_not_reversible(seen: DomainView) -> Verdict:
    """No privileged account stores its password reversibly."""
    return none_of(seen, privileged_users(seen), flag(REVERSIBLE), (3,), privileged=True)


@rule("privileged-users-protected", reads=DomainView, part=DIRECTORY)
def privileged_users_protected(seen: DomainView) -> Verdict:
    """Every privileged user is a member of Protected Users (RID 525); it is not made for managed accounts."""
    domain = next((a.sid.rpartition("-")[0] for a in seen.accounts), "")
    members = seen.groups.get(f"{domain}-525", frozenset() if seen.sees_all else None)
    if members is None:
        return undetermined("group-not-readable", (3,))
    users = (a for a in privileged_users(seen) if not a.managed)
    return none_of(seen, users, lambda a: a.sid not in members, (3,), privileged=True)


@rule("users-cannot-join-machines", reads=DomainView, part=DIRECTORY)
def users_cannot_join_machines(seen: DomainView) -> Verdict:
    """Ordinary users may not add machines to the domain."""
    quota = seen.head.get("ms-ds-machineaccountquota")
    if quota is None:
        return undetermined("attribute-not-readable", (4,))
    root = seen.table.root if seen.table else None
    return not_met(*([root.ref] if root else []), levels=(4,), quota=quota) if quota > 0 else met()
