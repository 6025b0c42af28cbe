"""What to do about a step that failed on a directory, where one sentence can help; other steps have no advice."""

from __future__ import annotations

from probes.interface import Attempt
from reports.words import Words


def advice(w: Words, probe: str, reason: str) -> str:
    """Return what to do about a probe's failure, or "" when nothing general can be said."""
    name = probe.partition("@")[0]
    if not name.startswith("directory"):
        return ""
    keys = (f"advice.{name}.{reason}", f"advice.directory.{reason}")
    return next((w(key) for key in keys if w.known(key)), "")


def explained(w: Words, attempt: Attempt) -> str:
    """Return what failed and where, the server's own words, and what to do: one line, not yet escaped."""
    parts = [w("advice.failed", asset=attempt.asset, reason=w.reason(attempt.reason.value))]
    if attempt.detail:
        parts.append(w("advice.detail", detail=w.detail(attempt.detail)))
    if told := advice(w, attempt.probe, attempt.reason.value):
        parts.append(w("advice.do", advice=told))
    return "".join(parts)
