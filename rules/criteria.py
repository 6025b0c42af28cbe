"""Criteria sets: dated data that says what findings and evidence are worth, and what scoring makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Standing(StrEnum):
    """Where a statement of a set comes from; ``ours`` is a choice of Hygie's, never an authority's."""

    OFFICIAL = "official"
    SECONDARY = "secondary"
    UNVERIFIED = "unverified"
    OURS = "ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A sentence or a label in French and in English."""

    fr: str
    en: str

    def in_(self, language: str) -> str:
        """Return the words in ``fr`` or ``en``."""
        return self.en if language == "en" else self.fr


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a statement comes from: ``source`` is a key of the set's sources; who entered it, and when."""

    status: Standing
    source: str = ""
    by: str = ""
    on: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label(Origin):
    """A label, with its origin; ``official`` means that its meaning was read, not its exact words."""

    fr: str
    en: str

    @property
    def text(self) -> Text:
        """The words alone."""
        return Text(fr=self.fr, en=self.en)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code(Origin):
    """The code of an authority, such as ``D1.O2.B``, or "" when none was read."""

    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag(Origin):
    """A yes or no, with its origin."""

    value: bool


class Comparator(StrEnum):
    """How a measure is held to its target."""

    AT_LEAST = ">="
    AT_MOST = "<="
    EQUAL = "=="


@dataclass(frozen=True, slots=True, kw_only=True)
class Target(Origin):
    """What a measure is held to; ``value`` is None while nobody has read it."""

    op: Comparator = Comparator.AT_LEAST
    value: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Days(Origin):
    """A span between two dates, in days, both ends inclusive; ``tolerance`` days beyond it warn and do not fail."""

    min: int = 0
    max: int | None = None
    tolerance: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditType(Origin):
    """A kind of audit that counts: the type of an attestation, or ``hygie`` for the scans of this tool."""

    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceWanted(Origin):
    """A document that a file must hold: any of the attestation ``types``, ``count`` times, at most so old."""

    label: Label
    types: tuple[str, ...]
    count: int = 1
    max_age_days: int | None = None
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One measure held to one target; a ``helper`` guides the work and never enters an objective's verdict.

    ``applies_to`` are the units of perimeters concerned (``ght``, ``ej``, ``et``); all when empty.
    """

    key: str
    label: Label
    measure: Measure
    target: Target
    code: Code
    mandatory: Flag
    helper: bool = False
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

    ``concludes_from`` are the standings from which an objective may be said to be reached.
    """

    id: str
    version: str
    label: Label
    objectives: tuple[Objective, ...]
    sources: Mapping[str, str]
    concludes_from: tuple[Standing, ...] = (Standing.OFFICIAL,)
    draft: bool = False
    digest: str = ""

    @property
    def name(self) -> str:
        """The name a configuration and a command use: ``care-d1@2024``."""
        return f"{self.id}@{self.version}"


# measures


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPair:
    """Two dated audits of accepted types, both at the target's level, spaced as asked (D1.O2.B)."""

    audits: tuple[AuditType, ...]
    spacing: Days
    #: Whether an audit of the same type may lie between the two; one that regressed always breaks the pair.
    adjacent_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSeries:
    """How many audits of accepted types there are; ``spacing`` is the longest silence allowed between two."""

    audits: tuple[AuditType, ...]
    spacing: Days | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryLevelMeasure:
    """The lowest level over the forests of a perimeter, ours or from an attested report of one of ``audits``."""

    audits: tuple[AuditType, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureLevelMeasure:
    """The exposure level, ours or from an attested report of one of ``audits``."""

    audits: tuple[AuditType, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredState:
    """A yes or no that a person transcribes from a document: ``value`` of an attestation of ``type``."""

    type: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceCount:
    """How many attestations of ``types`` there are, at most ``max_age_days`` old."""

    types: tuple[str, ...]
    max_age_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFindings:
    """How many findings are not met, among ``rules`` (ids, or a pattern with ``*``) and ``severities`` (all if empty).

    ``controls`` are patterns of ANSSI points, ``levels`` the failing levels counted (all if empty).
    """

    rules: tuple[str, ...] = ("*",)
    severities: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    levels: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetShare:
    """The share of assets, in percent, on which every one of ``rules`` is met."""

    rules: tuple[str, ...]


Measure = (
    AuditPair
    | AuditSeries
    | DirectoryLevelMeasure
    | ExposureLevelMeasure
    | DeclaredState
    | EvidenceCount
    | OpenFindings
    | AssetShare
)


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

    ``reason`` is a short machine text, ``told`` the sentence that says why the status is what it is. ``findings``
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
