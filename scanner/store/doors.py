"""Sessions of browsers and tokens of programs: random secrets, of which only the digest is kept."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import col, delete, select

from scanner.store import plain
from scanner.store.audit import Audit
from scanner.store.database import Database
from scanner.store.errors import StoreFullError, UnknownEntryError
from scanner.store.service_tables import SessionRow, TokenRow

#: How long a session lives without a request, and at most.
IDLE, ABSOLUTE = timedelta(minutes=60), timedelta(hours=12)
#: A session's last use is written at most this often.
_GRAIN = timedelta(minutes=1)
#: What a token begins with, so that a leaked one is recognised.
PREFIX = "hygie_"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSession:
    """Who is behind a cookie, and the token that its forms must carry."""

    login: str
    csrf: str


class Sessions:
    """Begun at login with a new identifier, ended by logout, by idleness or by age."""

    def __init__(self, database: Database, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def begin(self, login: str, how: str) -> str:
        """Begin a session, note how it was opened, and return the secret of its cookie."""
        secret, now = secrets.token_urlsafe(32), self._clock()
        with self._database.write() as session:
            session.exec(delete(SessionRow).where(col(SessionRow.began_at) < now - ABSOLUTE))
            row = SessionRow(
                digest=plain.digest(secret), login=login, csrf=secrets.token_urlsafe(32), began_at=now, seen_at=now
            )
            session.add(row)
            self._audit.append(session, "session-begun", account=login, how=how)
        return secret

    def find(self, secret: str) -> BrowserSession | None:
        """Return the living session of a cookie, and keep it alive; on a full disk one reads on, till it is idle."""
        now, digest = self._clock(), plain.digest(secret)
        with self._database.read() as session:
            row = session.get(SessionRow, digest)
            if row is None or now - row.began_at > ABSOLUTE or now - row.seen_at > IDLE:
                return None
            found, stale = BrowserSession(login=row.login, csrf=row.csrf), now - row.seen_at > _GRAIN
        if stale:
            with suppress(StoreFullError), self._database.write() as session:
                row = session.get(SessionRow, digest)
                if row is not None:
                    row.seen_at = now
        return found

    def end(self, secret: str) -> None:
        """End one session."""
        with self._database.write() as session:
            session.exec(delete(SessionRow).where(col(SessionRow.digest) == plain.digest(secret)))

    def end_all(self, login: str) -> None:
        """End every session of an account."""
        with self._database.write() as session:
            session.exec(delete(SessionRow).where(col(SessionRow.login) == login))


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A program's key: whose rights it borrows, bounded by ``scopes`` (names of rights), until when."""

    id: str
    login: str
    label: str
    scopes: tuple[str, ...]
    made_at: datetime
    expires_at: datetime


class Tokens:
    """Issued once in clear, then known by digest only."""

    def __init__(self, database: Database, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def issue(self, login: str, label: str, scopes: tuple[str, ...], days: int) -> tuple[str, Token]:
        """Make a token and return its secret, which cannot be had again, and what is kept of it."""
        secret, now = PREFIX + secrets.token_urlsafe(32), self._clock()
        digest = plain.digest(secret)
        token = Token(
            id=digest[:12], login=login, label=label, scopes=scopes, made_at=now,
            expires_at=now + timedelta(days=days),
        )  # fmt: skip
        with self._database.write() as session:
            session.add(TokenRow(digest=digest, login=login, document=plain.write(token)))
            self._audit.append(session, "token-issued", token=token.id, account=login, scopes=",".join(scopes))
        return secret, token

    def find(self, secret: str) -> Token | None:
        """Return the token of a secret, unless it has expired."""
        with self._database.read() as session:
            row = session.get(TokenRow, plain.digest(secret))
            token = None if row is None else plain.read(row.document, Token)
        return token if token is not None and token.expires_at > self._clock() else None

    def of(self, login: str) -> tuple[Token, ...]:
        """Return the tokens of an account, oldest first."""
        with self._database.read() as session:
            rows = session.exec(select(TokenRow.document).where(TokenRow.login == login)).all()
        return tuple(sorted((plain.read(text, Token) for text in rows), key=lambda token: token.made_at))

    def revoke(self, login: str, token_id: str) -> None:
        """End a token of an account."""
        with self._database.write() as session:
            rows = session.exec(select(TokenRow).where(TokenRow.login == login)).all()
            row = next((row for row in rows if row.digest.startswith(token_id) and token_id), None)
            if row is None:
                raise UnknownEntryError(f"there is no token {token_id}")
            session.delete(row)
            self._audit.append(session, "token-revoked", token=token_id, account=login)
