"""The tables. Rows never leave the store; what strangers wrote is inside ``document``, as ASCII JSON.

Two sets of tables: everything, and the captures, which SQLite keeps in a second file.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, Dialect, LargeBinary, MetaData, Text
from sqlalchemy.types import String, TypeDecorator
from sqlmodel import Field, SQLModel


class Instant(TypeDecorator[datetime]):
    """An aware instant, as UTC text of fixed width (RFC 3339, microseconds): it sorts, on every engine."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Write the instant."""
        return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Read the instant."""
        return None if value is None else datetime.fromisoformat(value)


class Rows(SQLModel):
    """Base of every table but the captures'."""

    metadata = MetaData()


class CaptureRows(SQLModel):
    """Base of the tables of captures."""

    metadata = MetaData()


class ScanRow(Rows, table=True):
    """One scan; ``document`` is the whole ``rules.subject.Scan``."""

    __tablename__ = "scans"
    id: str = Field(primary_key=True)
    perimeter: str = Field(index=True)
    state: str
    started_at: datetime = Field(sa_type=Instant, index=True)
    ended_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    document: str = Field(sa_type=Text)


class LeaseRow(Rows, table=True):
    """Who scans a perimeter now."""

    __tablename__ = "leases"
    perimeter: str = Field(primary_key=True)
    scan: str
    token: str
    holder: str = Field(sa_type=Text)
    renewed_at: datetime = Field(sa_type=Instant)


class StepRow(Rows, table=True):
    """A step of a scan's journal; ``position`` is the order of commits, null until then."""

    __tablename__ = "steps"
    scan: str = Field(primary_key=True, foreign_key="scans.id", ondelete="CASCADE")
    #: SHA-256 of the step's key.
    step: str = Field(primary_key=True)
    begun: int
    begun_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    position: int | None = None
    document: str = Field(sa_type=Text)


class ObservationRow(Rows, table=True):
    """An observation, in the place its step gave it."""

    __tablename__ = "observations"
    scan: str = Field(primary_key=True, foreign_key="scans.id", ondelete="CASCADE")
    step: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    kind: str
    document: str = Field(sa_type=Text)


class AttemptRow(Rows, table=True):
    """An attempt, in the place its step gave it."""

    __tablename__ = "attempts"
    scan: str = Field(primary_key=True, foreign_key="scans.id", ondelete="CASCADE")
    step: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    document: str = Field(sa_type=Text)


class AssetRow(Rows, table=True):
    """An asset as it stood at the end of a scan, in the order met."""

    __tablename__ = "assets"
    scan: str = Field(primary_key=True, foreign_key="scans.id", ondelete="CASCADE")
    position: int = Field(primary_key=True)
    in_scope: bool
    document: str = Field(sa_type=Text)


class FeedRow(Rows, table=True):
    """The extract of a dated feed that concerns a scan."""

    __tablename__ = "feeds"
    scan: str = Field(primary_key=True, foreign_key="scans.id", ondelete="CASCADE")
    name: str = Field(primary_key=True)
    digest: str = Field(primary_key=True)
    dated: str
    document: str = Field(sa_type=Text)


class JudgementRow(Rows, table=True):
    """A judgement; ``digest`` is over its findings and levels."""

    __tablename__ = "judgements"
    id: str = Field(primary_key=True)
    scan: str = Field(foreign_key="scans.id", ondelete="CASCADE", index=True)
    made_at: datetime = Field(sa_type=Instant)
    digest: str
    document: str = Field(sa_type=Text)


class FindingRow(Rows, table=True):
    """A finding of a judgement, in the judge's order."""

    __tablename__ = "findings"
    judgement: str = Field(primary_key=True, foreign_key="judgements.id", ondelete="CASCADE")
    position: int = Field(primary_key=True)
    rule: str = Field(index=True)
    asset: str = Field(sa_type=Text)
    outcome: str
    severity: str
    fingerprint: str = Field(index=True)
    document: str = Field(sa_type=Text)


class SummaryRow(Rows, table=True):
    """What a judgement leaves to later timelines, by kind of part."""

    __tablename__ = "summaries"
    judgement: str = Field(primary_key=True, foreign_key="judgements.id", ondelete="CASCADE")
    kind: str = Field(primary_key=True)
    perimeter: str = Field(index=True)
    scan: str
    started_at: datetime = Field(sa_type=Instant)
    made_at: datetime = Field(sa_type=Instant)
    document: str = Field(sa_type=Text)


class AttestationRow(Rows, table=True):
    """A document that a person attached."""

    __tablename__ = "attestations"
    id: str = Field(primary_key=True)
    perimeter: str = Field(index=True)
    document: str = Field(sa_type=Text)


class WaiverRow(Rows, table=True):
    """An accepted risk."""

    __tablename__ = "waivers"
    id: str = Field(primary_key=True)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    document: str = Field(sa_type=Text)


class CandidateRow(Rows, table=True):
    """An asset met outside the mandate; ``asset`` is the SHA-256 of its id."""

    __tablename__ = "candidates"
    perimeter: str = Field(primary_key=True)
    asset: str = Field(primary_key=True)
    state: str
    document: str = Field(sa_type=Text)


class FrozenRow(Rows, table=True):
    """A frozen dossier; its judgement is never purged."""

    __tablename__ = "frozen"
    id: str = Field(primary_key=True)
    judgement: str = Field(foreign_key="judgements.id", index=True)
    document: str = Field(sa_type=Text)


class AuditRow(Rows, table=True):
    """An event of the audit log, chained to the one before."""

    __tablename__ = "audit"
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    previous: str
    digest: str
    document: str = Field(sa_type=Text)


class CaptureRow(CaptureRows, table=True):
    """A capture; ``kept_at`` is the last time a scan kept it."""

    __tablename__ = "captures"
    digest: str = Field(primary_key=True)
    size: int = Field(sa_type=BigInteger)
    kept_at: datetime = Field(sa_type=Instant, index=True)


class ChunkRow(CaptureRows, table=True):
    """A piece of a capture: at most 4 MiB, compressed on its own (zstd)."""

    __tablename__ = "chunks"
    digest: str = Field(primary_key=True, foreign_key="captures.digest", ondelete="CASCADE")
    position: int = Field(primary_key=True)
    data: bytes = Field(sa_type=LargeBinary)
