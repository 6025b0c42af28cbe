"""Criteria sets: dated data that says what findings and evidence are worth, and what scoring makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from rules.measures import Measure
from rules.origins import AuditType, Code, Flag, Label, Target, Truth, Whole
from rules.origins import Standing as Standing
from rules.origins import Text as Text

_NO_CODE = Code(status=Standing.UNVERIFIED)
_NOT_MANDATORY = Flag(status=Standing.OURS, value=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceWanted(Label):
    """A document that a file must hold: any of the attestation ``types``, ``count`` times, at most so old."""

    types: tuple[str, ...]
    count: Whole = 1
    max_age_days: Whole | None = None
    required: Truth = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone(Label):
    """A day of the programme, for people; scoring does not read it."""

    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One measure held to one target; a ``helper`` guides the work and never enters an objective's verdict.

    ``applies_to`` are the units of perimeters concerned (``ght``, ``ej``, ``et``); all when empty.
    """

    key: str
    label: Label
    measure: Measure
    target: Target
    code: Code = _NO_CODE
    mandatory: Flag = _NOT_MANDATORY
    helper: Truth = False
    applies_to: tuple[str, ...] = ()
    evidence: tuple[EvidenceWanted, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What several indicators show together."""

    key: str
    label: Label
    indicators: tuple[Indicator, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CriteriaSet:
    """A dated set; ``digest`` is the SHA-256 of its file, ``sources`` name every text it quotes.

    ``legal`` is the text it comes from, ``annex_read`` whether a person has read its annex; ``audits`` are the types
    accepted where a measure lists none; ``concludes_from`` are the standings from which an objective may be said to
    be reached; a ``draft`` never says so.
    """

    id: str
    version: str
    label: Label
    objectives: tuple[Objective, ...]
    legal: Label
    sources: Mapping[str, str] = field(default_factory=dict)
    milestones: tuple[Milestone, ...] = ()
    audits: tuple[AuditType, ...] = ()
    concludes_from: tuple[Standing, ...] = (Standing.OFFICIAL,)
    annex_read: Truth = False
    draft: Truth = False
    digest: str = ""

    @property
    def name(self) -> str:
        """The name a configuration and a command use: ``care-d1@2024``."""
        return f"{self.id}@{self.version}"


# results


class CriterionStatus(StrEnum):
    """Where an indicator or an objective stands.

    ``near`` misses its target by a tolerated amount; ``manual`` waits for a document that a scan cannot replace;
    ``not-evaluated`` could not be concluded, for lack of sight or of a verified target.
    """

    MET = "met"
    NEAR = "near"
    PARTIAL = "partial"
    NOT_MET = "not-met"
    NOT_EVALUATED = "not-evaluated"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A measure of an indicator: ``by`` is ``hygie`` or an attestation's type, ``reference`` its id or the scan's.

    Among several, exactly one ``decides``; an attested one always does before ours.
    """

    by: str
    value: Text
    dated: date
    reference: str
    decides: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceState:
    """A document wanted, and the attestations (ids) that are there for it; ``stale`` ones are too old to count."""

    wanted: EvidenceWanted
    present: tuple[str, ...]
    stale: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether as many are there as are wanted."""
        return len(self.present) >= self.wanted.count


class WindowState(StrEnum):
    """Where a control window stands at the instant of the scan judged."""

    UPCOMING = "upcoming"
    OPEN = "open"
    HELD = "held"
    MISSED = "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlWindow:
    """When the second audit of a pair must be dated, both days inclusive, counted from the ``first`` at its level.

    ``by`` is the type of the first audit; ``held_on`` the date of the audit that fell inside, if any.
    """

    by: str
    first: date
    opens: date
    closes: date
    state: WindowState
    held_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionResult:
    """The result of one indicator of a criteria set (design, section 6).

    ``reason`` is a short machine text, ``told`` the sentence that says why the status is what it is; an indicator of
    other units of perimeters is ``not-evaluated`` with the reason ``other-unit``. ``findings``
    are the fingerprints of the findings counted. ``entered_by`` and ``entered_on`` say who entered the target.
    """

    set: str
    version: str
    digest: str
    objective: str
    indicator: str
    code: str
    code_status: Standing
    label: Text
    label_status: Standing
    mandatory: bool
    mandatory_status: Standing
    helper: bool
    status: CriterionStatus
    reason: str
    told: Text
    measured: Text
    target: Text
    target_status: Standing
    target_source: str
    entered_by: str
    entered_on: date | None
    coverage: Text
    measures: tuple[Measured, ...] = ()
    evidence: tuple[EvidenceState, ...] = ()
    window: ControlWindow | None = None
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveResult:
    """Where an objective stands: ``met`` only when every mandatory indicator is, against targets that were read."""

    set: str
    version: str
    digest: str
    set_label: Text
    draft: bool
    objective: str
    label: Text
    label_status: Standing
    status: CriterionStatus
    reason: str
    told: Text
    indicators: tuple[str, ...]
