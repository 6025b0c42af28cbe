"""Who may do what: one table of rights by role, bounded by perimeters, and by scopes for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from scanner.store.accounts import Account, Role


class Right(StrEnum):
    """What a route asks for; the names are the scopes of tokens."""

    #: Log out, change the language, read about the interface: whoever is in.
    ENTER = "enter"
    READ = "read"
    #: Compare perimeters with each other.
    COMPARE = "compare"
    #: Waive, promote or reject candidates.
    DECIDE = "decide"
    #: Attach documents with their values.
    ATTEST = "attest"
    EXPORT = "export"
    #: Freeze a dossier, have its evidence pack signed.
    FREEZE = "freeze"
    #: Start and stop scans.
    SCAN = "scan"
    #: Declare perimeters, mandates and schedules.
    CONFIGURE = "configure"
    #: Read the audit log.
    AUDIT = "audit"
    #: Make and change accounts.
    ACCOUNTS = "accounts"


#: Rights over the whole service: nobody who is bound to some perimeters has them.
_WHOLE = frozenset({Right.CONFIGURE, Right.AUDIT, Right.ACCOUNTS})
_READER = frozenset({Right.ENTER, Right.READ, Right.EXPORT})

#: What each role may do; what is not here is refused.
TABLE: Mapping[Role, frozenset[Right]] = MappingProxyType(
    {
        Role.ADMIN: frozenset(Right),
        Role.OPERATOR: _READER | {Right.COMPARE, Right.DECIDE, Right.ATTEST, Right.SCAN},
        Role.AUDITOR: _READER | {Right.COMPARE, Right.ATTEST, Right.FREEZE, Right.AUDIT},
        Role.ANALYST: _READER | {Right.COMPARE},
        Role.ESTABLISHMENT: _READER | {Right.DECIDE, Right.ATTEST},
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who asks: an account, through a browser's session or a token with its ``scopes`` (None is all)."""

    account: Account
    scopes: frozenset[str] | None = None
    csrf: str = ""

    @property
    def login(self) -> str:
        """The account's login."""
        return self.account.login

    @property
    def within(self) -> tuple[str, ...] | None:
        """The perimeters that are seen; None is all."""
        return self.account.perimeters

    def may(self, right: Right) -> bool:
        """Tell whether the role, and the token's scopes, allow something."""
        scoped = self.scopes is None or right in self.scopes or right is Right.ENTER
        bounded = right in _WHOLE and self.within is not None
        return right in TABLE[self.account.role] and scoped and not bounded

    def sees(self, perimeter: str) -> bool:
        """Tell whether a perimeter is within bounds."""
        return self.within is None or perimeter in self.within
