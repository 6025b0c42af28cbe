"""Exit codes, and the one decision which of them a scan ends with (design, section 6)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from probes.interface import Attempt, Status
from rules.interface import Finding, Outcome, Severity


class Exit(IntEnum):
    """What a command ended with."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    REFUSED = 3
    PARTIAL = 4
    INTERRUPTED = 5
    FAULT = 10


def decide(findings: Iterable[Finding], attempts: Iterable[Attempt], fail_on: Severity, *, interrupted: bool) -> Exit:
    """Return the code of a scan: interrupted, else findings, else planned steps that failed, else clean.

    Waived findings do not count; what the mandate skipped is no failure.
    """
    if interrupted:
        return Exit.INTERRUPTED
    if any(f.outcome is Outcome.NOT_MET and not f.waiver and f.severity.rank <= fail_on.rank for f in findings):
        return Exit.FINDINGS
    if any(a.status in {Status.FAILED, Status.FAULT} for a in attempts):
        return Exit.PARTIAL
    return Exit.CLEAN
