"""Criteria sets: dated data that says what findings and evidence are worth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CriterionStatus(StrEnum):
    """Where an indicator stands."""

    MET = "met"
    NEAR = "near"
    PARTIAL = "partial"
    NOT_MET = "not-met"
    NOT_EVALUATED = "not-evaluated"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionResult:
    """The result of one indicator of a criteria set (design, section 6)."""

    set: str
    version: str
    digest: str
    objective: str
    indicator: str
    code: str
    status: CriterionStatus
    reason: str
    measured: str
    target: str
    target_status: str
    coverage: str
    findings: tuple[str, ...]
