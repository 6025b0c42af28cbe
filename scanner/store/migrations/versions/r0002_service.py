"""The tables of the service: accounts, declarations, schedules, read models, establishments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_COUNTS = ("guaranteed", "best", "critical", "high", "medium", "low", "info", "undetermined", "met")


def upgrade() -> None:
    """Make them."""
    _doors()
    _plans()
    _read_models()
    op.create_table(
        "establishments",
        _key("number"),
        _word("entity", index=True),
        _word("ght", index=True),
        _word("region", index=True),
        _text("document"),
    )


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, primary_key=True, nullable=False)


def _word(name: str, *, index: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False, index=index)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _instant(name: str, *, key: bool = False, index: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(27), primary_key=key, nullable=False, index=index)


def _doors() -> None:
    op.create_table("accounts", _key("login"), _text("secret"), _text("subject"), _text("document"))
    op.create_table(
        "sessions",
        _key("digest"),
        _word("login", index=True),
        _word("csrf"),
        _instant("began_at"),
        _instant("seen_at"),
    )
    op.create_table("tokens", _key("digest"), _word("login", index=True), _text("document"))


def _plans() -> None:
    op.create_table("declarations", _key("kind"), _key("id"), _text("document"))
    op.create_table("occasions", _key("schedule"), _instant("due_at", key=True), _instant("taken_at"), _text("outcome"))
    op.create_table("stops", _key("scan"), _word("asked_by"), _instant("asked_at"))
    op.create_table("notices", _key("id"), _instant("sent_at"))


def _read_models() -> None:
    op.create_table(
        "standings",
        _key("scan"),
        _key("kind"),
        _word("perimeter", index=True),
        _word("judgement"),
        _instant("started_at"),
        sa.Column("newest", sa.Boolean, nullable=False, index=True),
        *(sa.Column(name, sa.Integer, nullable=False) for name in _COUNTS),
    )
    op.create_table(
        "shifts",
        _key("scan"),
        _key("kind"),
        _key("fingerprint"),
        _word("perimeter", index=True),
        _instant("at", index=True),
        _word("change"),
        _word("rule"),
        _text("asset"),
        _word("severity"),
    )
    op.create_table(
        "open_rules",
        _key("perimeter"),
        _key("kind"),
        _key("rule"),
        _word("severity"),
        sa.Column("number", sa.Integer, nullable=False),
    )
