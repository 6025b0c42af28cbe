"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    _scans()
    _seen()
    _judged()
    _decided()
    if op.get_bind().dialect.name != "sqlite":
        _captures()


def _key(name: str, of: str = "") -> sa.Column[str]:
    references = (sa.ForeignKey(f"{of}.id", ondelete="CASCADE"),) if of else ()
    return sa.Column(name, sa.String, *references, primary_key=True, nullable=False)


def _place() -> sa.Column[int]:
    return sa.Column("position", sa.Integer, primary_key=True, autoincrement=False, nullable=False)


def _word(name: str, *, index: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False, index=index)


def _text(name: str = "document") -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _instant(name: str, *, nullable: bool = False, index: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(27), nullable=nullable, index=index)


def _scans() -> None:
    op.create_table(
        "scans",
        _key("id"),
        _word("perimeter", index=True),
        _word("state"),
        _instant("started_at", index=True),
        _instant("ended_at", nullable=True),
        _text(),
    )
    op.create_table("leases", _key("perimeter"), _word("scan"), _word("token"), _text("holder"), _instant("renewed_at"))


def _seen() -> None:
    op.create_table(
        "steps",
        _key("scan", "scans"),
        _key("step"),
        sa.Column("begun", sa.Integer, nullable=False),
        _instant("begun_at", nullable=True),
        sa.Column("position", sa.Integer, nullable=True),
        _text(),
    )
    op.create_table("observations", _key("scan", "scans"), _key("step"), _place(), _word("kind"), _text())
    op.create_table("attempts", _key("scan", "scans"), _key("step"), _place(), _text())
    op.create_table(
        "assets", _key("scan", "scans"), _place(), sa.Column("in_scope", sa.Boolean, nullable=False), _text()
    )
    op.create_table("feeds", _key("scan", "scans"), _key("name"), _key("digest"), _word("dated"), _text())


def _judged() -> None:
    op.create_table(
        "judgements",
        _key("id"),
        sa.Column("scan", sa.String, sa.ForeignKey("scans.id", ondelete="CASCADE"), nullable=False, index=True),
        _instant("made_at"),
        _word("digest"),
        _text(),
    )
    op.create_table(
        "findings",
        _key("judgement", "judgements"),
        _place(),
        _word("rule", index=True),
        _text("asset"),
        _word("outcome"),
        _word("severity"),
        _word("fingerprint", index=True),
        _text(),
    )
    op.create_table(
        "summaries",
        _key("judgement", "judgements"),
        _key("kind"),
        _word("perimeter", index=True),
        _word("scan"),
        _instant("started_at"),
        _instant("made_at"),
        _text(),
    )
    judgement = sa.Column("judgement", sa.String, sa.ForeignKey("judgements.id"), nullable=False, index=True)
    op.create_table("frozen", _key("id"), judgement, _text())


def _decided() -> None:
    op.create_table("attestations", _key("id"), _word("perimeter", index=True), _text())
    op.create_table("waivers", _key("id"), _instant("withdrawn_at", nullable=True), _text())
    op.create_table("candidates", _key("perimeter"), _key("asset"), _word("state"), _text())
    op.create_table("audit", _place(), _word("previous"), _word("digest"), _text())


def _captures() -> None:
    size = sa.Column("size", sa.BigInteger, nullable=False)
    op.create_table("captures", _key("digest"), size, _instant("kept_at", index=True))
    digest = sa.Column("digest", sa.String, sa.ForeignKey("captures.digest", ondelete="CASCADE"), primary_key=True)
    op.create_table("chunks", digest, _place(), sa.Column("data", sa.LargeBinary, nullable=False))
