"""Exit codes, and the one decision which of them a scan ends with (design, section 6)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from probes.interface import Status
from rules.interface import Outcome, Severity

if TYPE_CHECKING:
    # every command loads this module; only those that judge load what a dossier is made of
    from reports.dossier import Dossier


class Exit(IntEnum):
    """What a command ended with."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    REFUSED = 3
    PARTIAL = 4
    INTERRUPTED = 5
    FAULT = 10


def decide(dossier: Dossier, fail_on: Severity, *, interrupted: bool) -> Exit:
    """Return the code of a scan: interrupted, else findings, else planned steps that failed, else clean.

    Waived findings do not count, nor what was joined from an earlier scan; what the mandate skipped is no failure.
    """
    joined = {part.kind for part in dossier.scan.parts if part.scan}
    began = min((part.started_at for part in dossier.scan.parts if not part.scan), default=None)
    findings = [f for f in dossier.findings if f.part not in joined]
    attempts = [a for a in dossier.attempts if began is None or a.ended_at >= began]
    if interrupted:
        return Exit.INTERRUPTED
    if any(f.outcome is Outcome.NOT_MET and not f.waiver and f.severity.rank <= fail_on.rank for f in findings):
        return Exit.FINDINGS
    if any(a.status in {Status.FAILED, Status.FAULT} for a in attempts):
        return Exit.PARTIAL
    return Exit.CLEAN
