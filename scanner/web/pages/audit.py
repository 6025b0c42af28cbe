"""The audit log: who did what, newest first, and whether the chain is whole."""

from __future__ import annotations

from dataclasses import dataclass

from scanner.store.audit import AuditEvent
from scanner.web.rights import Right
from scanner.web.route import Asked, Page

#: Events on one page.
_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A page of events; ``before`` is where the next page begins, 0 at the end."""

    events: tuple[AuditEvent, ...]
    before: int


def _log(asked: Asked) -> Log:
    text = asked.query.get("before", "")
    before = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0
    events = asked.store.audit.recent(_PAGE, before)
    return Log(events=events, before=events[-1].position if len(events) == _PAGE else 0)


AUDIT = Page(
    path="/audit",
    right=Right.AUDIT,
    template="audit.html",
    read=_log,
    returns=Log,
    title=("Journal d’audit", "Audit log"),
    query={"before": "a position: the events before it"},
)
