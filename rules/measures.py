"""The kinds of measures that an indicator can be made of; each is a table with its ``kind`` in a set's file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from probes.interface import Part
from rules.origins import AuditType, Days, Truth, Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPair:
    """Two dated audits of one accepted type, both at the target's level, spaced as asked (D1.O2.B).

    Date is the audit's, not its report's. Audits of different types share no scale, so they make no pair.
    """

    kind: Literal["audit-pair"] = "audit-pair"
    audits: tuple[AuditType, ...] = ()
    spacing: Days
    #: The part of our own scans that stands beside these audits.
    part: Part = Part.EXPOSURE
    #: Whether an audit of the same type may lie between the two; one that regressed always breaks the pair.
    adjacent_only: Truth = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSeries:
    """How many audits of accepted types there are, at most ``max_age_days`` old.

    ``spacing`` bounds the silence between two that follow each other.
    """

    kind: Literal["audit-series"] = "audit-series"
    audits: tuple[AuditType, ...] = ()
    spacing: Days | None = None
    part: Part = Part.EXPOSURE
    max_age_days: Whole | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryLevelMeasure:
    """The lowest level over the forests of a perimeter, ours or from an attested report of one of ``audits``."""

    kind: Literal["directory-level"] = "directory-level"
    audits: tuple[AuditType, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureLevelMeasure:
    """The exposure level, ours or from an attested report of one of ``audits``."""

    kind: Literal["exposure-level"] = "exposure-level"
    audits: tuple[AuditType, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredState:
    """A yes or no that a person transcribes from a document: ``value`` of an attestation of ``type``.

    When it is not ``exhaustive``, other ways to meet the indicator exist that nobody has read: a no concludes nothing.
    """

    kind: Literal["declared-state"] = "declared-state"
    type: str
    value: str
    exhaustive: Truth = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceCount:
    """How many attestations of ``types`` there are, at most ``max_age_days`` old."""

    kind: Literal["evidence-count"] = "evidence-count"
    types: tuple[str, ...]
    max_age_days: Whole | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFindings:
    """How many findings are not met, among ``rules`` (ids, or a pattern with ``*``) and ``severities`` (all if empty).

    ``controls`` are patterns of ANSSI points, ``levels`` the failing levels counted (all if empty). ``attested`` names
    the values that, in a report of one of ``audits``, count the same thing: their sum decides before ours.
    """

    kind: Literal["open-findings"] = "open-findings"
    part: Part
    rules: tuple[str, ...] = ("*",)
    severities: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    levels: tuple[Whole, ...] = ()
    audits: tuple[AuditType, ...] = ()
    attested: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetShare:
    """The share of assets, in percent, on which every one of ``rules`` is met."""

    kind: Literal["asset-share"] = "asset-share"
    rules: tuple[str, ...]
    audits: tuple[AuditType, ...] = ()


Measure = Annotated[
    AuditPair
    | AuditSeries
    | DirectoryLevelMeasure
    | ExposureLevelMeasure
    | DeclaredState
    | EvidenceCount
    | OpenFindings
    | AssetShare,
    Field(discriminator="kind"),
]
