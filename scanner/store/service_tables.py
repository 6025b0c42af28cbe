"""The tables of the service: who may enter, what was declared on screen, when scans are due, and the read models."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field

from scanner.store.tables import Instant, Rows


class AccountRow(Rows, table=True):
    """A person who may enter; ``secret`` is an argon2id hash, empty for those who come by OIDC only."""

    __tablename__ = "accounts"
    login: str = Field(primary_key=True)
    secret: str = Field(sa_type=Text)
    #: ``issuer subject`` of an OIDC identity, or "".
    subject: str = Field(sa_type=Text)
    document: str = Field(sa_type=Text)


class SessionRow(Rows, table=True):
    """A browser's session; ``digest`` is the SHA-256 of the identifier in its cookie."""

    __tablename__ = "sessions"
    digest: str = Field(primary_key=True)
    login: str = Field(index=True)
    csrf: str
    began_at: datetime = Field(sa_type=Instant)
    seen_at: datetime = Field(sa_type=Instant)


class TokenRow(Rows, table=True):
    """A token of the interface for programs; ``digest`` is the SHA-256 of the token."""

    __tablename__ = "tokens"
    digest: str = Field(primary_key=True)
    login: str = Field(index=True)
    document: str = Field(sa_type=Text)


class DeclarationRow(Rows, table=True):
    """A section of the configuration entered on screen: a mandate, a perimeter or a schedule."""

    __tablename__ = "declarations"
    kind: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    document: str = Field(sa_type=Text)


class OccasionRow(Rows, table=True):
    """One due instant of a schedule, taken by the one service that inserted it."""

    __tablename__ = "occasions"
    schedule: str = Field(primary_key=True)
    due_at: datetime = Field(primary_key=True, sa_type=Instant)
    taken_at: datetime = Field(sa_type=Instant)
    outcome: str = Field(sa_type=Text)


class StopRow(Rows, table=True):
    """A scan that somebody asked to stop."""

    __tablename__ = "stops"
    scan: str = Field(primary_key=True)
    asked_by: str
    asked_at: datetime = Field(sa_type=Instant)


class StandingRow(Rows, table=True):
    """What one part of a scan amounts to, as last judged: counts and levels; ``newest`` within its perimeter."""

    __tablename__ = "standings"
    scan: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    perimeter: str = Field(index=True)
    judgement: str
    started_at: datetime = Field(sa_type=Instant)
    newest: bool = Field(index=True)
    guaranteed: int
    best: int
    critical: int
    high: int
    medium: int
    low: int
    info: int
    undetermined: int
    met: int


class ShiftRow(Rows, table=True):
    """A finding that is not as it was in the scan before: new, worse, reopened, better or closed."""

    __tablename__ = "shifts"
    scan: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    fingerprint: str = Field(primary_key=True)
    perimeter: str = Field(index=True)
    at: datetime = Field(sa_type=Instant, index=True)
    change: str
    rule: str
    asset: str = Field(sa_type=Text)
    severity: str


class OpenRuleRow(Rows, table=True):
    """How often a rule is not met in the newest scan of a perimeter."""

    __tablename__ = "open_rules"
    perimeter: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    rule: str = Field(primary_key=True)
    severity: str
    number: int


class EstablishmentRow(Rows, table=True):
    """An establishment of the FINESS register; ``number`` is its FINESS number."""

    __tablename__ = "establishments"
    number: str = Field(primary_key=True)
    entity: str = Field(index=True)
    ght: str = Field(index=True)
    region: str = Field(index=True)
    document: str = Field(sa_type=Text)


class NoticeRow(Rows, table=True):
    """A message that was sent, so that it is sent once; ``id`` says what about."""

    __tablename__ = "notices"
    id: str = Field(primary_key=True)
    sent_at: datetime = Field(sa_type=Instant)
