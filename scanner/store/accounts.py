"""The accounts: who may enter, as what, and for which perimeters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlmodel import Session, col, select

from scanner.store import plain
from scanner.store.audit import Audit
from scanner.store.database import Database
from scanner.store.errors import AlreadyKeptError, StoreError, UnknownEntryError
from scanner.store.service_tables import AccountRow

#: Shortest password taken, in characters (ANSSI, recommandations relatives à l'authentification: long, no composition).
SHORTEST = 12
#: A hash of nothing, verified when there is no account, so that both answers take as long.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$Z2VuZXJpYyBzYWx0IQ$6pi+vzSc4wYHZNhpRrRPkd3ymJMy5uDYp1dhVNl7yCQ"


class Role(StrEnum):
    """What a person is here for."""

    ADMIN = "admin"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ANALYST = "analyst"
    ESTABLISHMENT = "establishment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person; ``perimeters`` bounds what is seen: None is everything, which an establishment never has."""

    login: str
    name: str
    role: Role
    perimeters: tuple[str, ...] | None = None
    closed_at: datetime | None = None


class WeakPasswordError(StoreError):
    """A password is at least 12 characters long, and is not the login."""


class Accounts:
    """Made, changed and closed, never deleted: the audit log names them."""

    def __init__(self, database: Database, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def add(self, account: Account, password: str = "", subject: str = "") -> None:
        """Keep a new account, with a password or the subject of an OIDC identity."""
        account = _bounded(account)
        secret = _hashed(account.login, password) if password else ""
        with self._database.write() as session:
            self._database.lock(session, f"account {account.login}")
            if session.get(AccountRow, account.login) is not None:
                raise AlreadyKeptError(f"there is already an account {account.login}")
            row = AccountRow(login=account.login, secret=secret, subject=subject, document=plain.write(account))
            session.add(row)
            self._note(session, "account-added", account)

    def change(self, account: Account, password: str = "") -> None:
        """Change an account's name, role, perimeters or, when one is given, password."""
        account = _bounded(account)
        with self._database.write() as session:
            row = session.get(AccountRow, account.login, with_for_update=True)
            if row is None:
                raise UnknownEntryError(f"there is no account {account.login}")
            row.document = plain.write(account)
            if password:
                row.secret = _hashed(account.login, password)
            self._note(session, "account-changed", account)

    def close(self, login: str) -> None:
        """Close an account; whoever holds it is out at once."""
        account = self.of(login)
        if account is None:
            raise UnknownEntryError(f"there is no account {login}")
        self.change(replace(account, closed_at=self._clock()))

    def of(self, login: str) -> Account | None:
        """Return an account that is not closed."""
        with self._database.read() as session:
            row = session.get(AccountRow, login)
            return None if row is None else _living(row)

    def by_subject(self, subject: str) -> Account | None:
        """Return the account of an OIDC identity (``issuer subject``)."""
        with self._database.read() as session:
            row = session.exec(select(AccountRow).where(AccountRow.subject == subject).limit(1)).first()
            return None if row is None or not subject else _living(row)

    def bind(self, login: str, subject: str) -> Account | None:
        """Bind an OIDC identity to the account of a login that has no password and no identity yet."""
        with self._database.write() as session:
            row = session.get(AccountRow, login, with_for_update=True) if login else None
            account = _living(row) if row is not None and not row.secret and not row.subject else None
            if row is None or account is None:
                return None
            row.subject = subject
            self._audit.append(session, "identity-bound", account=login, subject=subject)
        return account

    def all(self) -> tuple[Account, ...]:
        """Return every account, closed ones included, by login."""
        with self._database.read() as session:
            rows = session.exec(select(AccountRow.document).order_by(col(AccountRow.login))).all()
        return tuple(plain.read(text, Account) for text in rows)

    def admit(self, login: str, password: str) -> Account | None:
        """Return the account that a login and a password open, or None; it takes as long either way."""
        with self._database.read() as session:
            row = session.get(AccountRow, login)
            secret, account = (row.secret, _living(row)) if row else ("", None)
        try:
            PasswordHasher().verify(secret or _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return None
        return account if secret else None

    def _note(self, session: Session, event: str, account: Account) -> None:
        bound = "*" if account.perimeters is None else ",".join(account.perimeters)
        state = "closed" if account.closed_at else "open"
        self._audit.append(
            session, event, account=account.login, role=account.role.value, perimeters=bound, state=state
        )


def _living(row: AccountRow) -> Account | None:
    account = plain.read(row.document, Account)
    return None if account.closed_at else account


def _bounded(account: Account) -> Account:
    """An establishment without perimeters sees none, never all."""
    if account.role is Role.ESTABLISHMENT and account.perimeters is None:
        return replace(account, perimeters=())
    return account


def _hashed(login: str, password: str) -> str:
    if len(password) < SHORTEST or password.casefold() == login.casefold():
        raise WeakPasswordError
    return PasswordHasher().hash(password)
