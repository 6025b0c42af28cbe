"""Which password policy holds for an account: the domain's, or the fine-grained one that the directory resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from probes.facts.identifiers import generalized_time
from rules.views.domain import DomainView
from rules.views.objects import Account, Thing, first

#: msDS-SupportedEncryptionTypes (MS-KILE 2.2.7): AES, and what is older than it (DES, RC4).
_AES, _OLDER = 0x18, 0x7
_NEVER = -(1 << 63)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPolicy:
    """A policy: shortest length, longest age (None when passwords never expire), and when it was last changed.

    ``order`` decides between fine-grained policies, the lowest first; ``holders`` are the SIDs that they are linked to.
    """

    name: str
    length: int
    age: timedelta | None
    changed: datetime | None
    order: tuple[int, bytes] = (0, b"")
    holders: frozenset[str] = frozenset()

    @property
    def weak(self) -> bool:
        """Below what ANSSI asks for privileged accounts: eight characters, three years."""
        return self.length < 8 or self.age is None or self.age > timedelta(days=1095)


def policies_readable(seen: DomainView) -> bool:
    """Whether fine-grained policies would show: their container is hidden from whoever may not read them."""
    if seen.table is None:
        return False
    return seen.sees_all or any(seen.own.of("msds-passwordsettingscontainer", "msds-passwordsettings"))


def domain_policy(seen: DomainView) -> PasswordPolicy | None:
    """Return the policy of the domain's root; None when it was not told."""
    length, age = seen.head.get("minpwdlength"), seen.head.get("maxpwdage")
    if length is None or age is None:
        return None
    return PasswordPolicy(name=seen.asset.name, length=length, age=_span(age), changed=None)


def fine_policies(seen: DomainView) -> dict[str, PasswordPolicy]:
    """Return the fine-grained policies by lower-case DN."""
    return {t.dn.lower(): _fine(seen, t) for t in seen.own.of("msds-passwordsettings")} if seen.table else {}


def _fine(seen: DomainView, thing: Thing) -> PasswordPolicy:
    return PasswordPolicy(
        name=thing.name,
        length=thing.number("msds-minimumpasswordlength") or 0,
        age=_span(thing.number("msds-maximumpasswordage") or 0),
        changed=generalized_time(first(thing.values, "whenchanged")),
        order=(thing.number("msds-passwordsettingsprecedence") or 0, first(thing.values, "objectguid")),
        holders=frozenset(seen.whole.sids.get(dn.lower(), "") for dn in thing.texts("msds-psoappliesto")),
    )


def _span(ticks: int) -> timedelta | None:
    """A span of tenths of microseconds; None for zero, for never, and for more than 64 bits can say."""
    return None if ticks == 0 or ticks <= _NEVER or ticks >= -_NEVER else timedelta(microseconds=abs(ticks) // 10)


def policy_of(seen: DomainView, account: Account, fine: Mapping[str, PasswordPolicy]) -> PasswordPolicy | None:
    """Return the policy that holds for an account, one of the fine-grained ones or the domain's.

    None when the directory names one that was not read. An export has no resultant policy, which a controller computes
    when asked: it is then the first of those linked to the account, else to its groups (MS-ADTS 3.1.1.4.5.36).
    """
    named = account.names("msds-resultantpso")
    if named:
        return fine.get(named[0].lower())
    if seen.told("msds-resultantpso"):
        return domain_policy(seen)
    own = [p for p in fine.values() if account.sid in p.holders]
    through = [p for p in fine.values() if any(account.sid in seen.groups.get(sid, ()) for sid in p.holders)]
    return min(own or through, key=lambda p: p.order, default=None) or domain_policy(seen)


def tolerated(seen: DomainView, account: Account) -> bool:
    """Whether ANSSI tolerates a service name on a privileged account: a policy of more than 32 characters and at most
    three years, a password set since that policy, and AES keys only.
    """
    fine = fine_policies(seen)
    policy = policy_of(seen, account, fine)
    if policy is None or policy not in fine.values() or policy.length <= 32 or policy.weak:
        return False
    renewed = policy.changed is None or (account.password_set is not None and account.password_set > policy.changed)
    encryption = account.encryption or 0
    return renewed and bool(encryption & _AES) and not encryption & _OLDER
