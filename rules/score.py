"""Scoring: a criteria set over a case. What nobody read, or what could not be seen, never makes an objective met."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from probes.interface import Part
from rules.attestations import OWN
from rules.audits import read_pair, read_series
from rules.case import Case
from rules.criteria import (
    CriteriaSet,
    CriterionResult,
    CriterionStatus,
    EvidenceState,
    EvidenceWanted,
    Indicator,
    Objective,
    ObjectiveResult,
)
from rules.measures import (
    AssetShare,
    AuditPair,
    AuditSeries,
    DeclaredState,
    DirectoryLevelMeasure,
    EvidenceCount,
    ExposureLevelMeasure,
    OpenFindings,
)
from rules.measuring import read_declared, read_documents, read_level, read_open, read_share
from rules.origins import AuditType, Origin, Text
from rules.reading import Reading
from rules.sentences import joined, sentence

_S = CriterionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a set says of a case: its indicators in the order of the file, and its objectives."""

    criteria: tuple[CriterionResult, ...]
    objectives: tuple[ObjectiveResult, ...]


def score(of: CriteriaSet, case: Case) -> Score:
    """Hold a case to every indicator and objective of a set."""
    criteria: list[CriterionResult] = []
    objectives: list[ObjectiveResult] = []
    for objective in of.objectives:
        results = [_indicator(of, objective, indicator, case) for indicator in objective.indicators]
        criteria += results
        objectives.append(_objective(of, objective, results))
    return Score(criteria=tuple(criteria), objectives=tuple(objectives))


def _read(of: CriteriaSet, indicator: Indicator, case: Case) -> Reading:
    target = indicator.target
    match indicator.measure:
        case AuditPair() as measure:
            return read_pair(case, measure, measure.audits or of.audits, target)
        case AuditSeries() as measure:
            return read_series(case, measure, measure.audits or of.audits, target)
        case DirectoryLevelMeasure() as measure:
            return read_level(case, Part.DIRECTORY, measure.audits or of.audits, target)
        case ExposureLevelMeasure() as measure:
            return read_level(case, Part.EXPOSURE, measure.audits or of.audits, target)
        case DeclaredState() as measure:
            return read_declared(case, measure, target)
        case EvidenceCount() as measure:
            return read_documents(case, measure, target)
        case OpenFindings() as measure:
            return read_open(case, measure, measure.audits or of.audits, target)
        case AssetShare() as measure:
            return read_share(case, measure, measure.audits or of.audits, target)


def _indicator(of: CriteriaSet, objective: Objective, indicator: Indicator, case: Case) -> CriterionResult:
    reading = _read(of, indicator, case)
    status, reason, told = _weighed(of, indicator, reading)
    if indicator.applies_to and case.perimeter.unit not in indicator.applies_to:
        status, reason, told = _S.NOT_EVALUATED, "other-unit", sentence("other-unit")
    return CriterionResult(
        set=of.id,
        version=of.version,
        digest=of.digest,
        objective=objective.key,
        indicator=indicator.key,
        code=indicator.code.value,
        code_status=indicator.code.status,
        label=indicator.label.text,
        label_status=indicator.label.status,
        mandatory=indicator.mandatory.value and not indicator.helper,
        mandatory_status=indicator.mandatory.status,
        helper=indicator.helper,
        status=status,
        reason=reason,
        told=told,
        measured=reading.measured,
        target=reading.target,
        target_status=indicator.target.status,
        target_source=of.sources.get(indicator.target.source, ""),
        entered_by=indicator.target.by,
        entered_on=indicator.target.on,
        coverage=reading.coverage,
        measures=reading.measures,
        evidence=tuple(_evidence(wanted, case) for wanted in indicator.evidence),
        window=reading.window,
        findings=reading.findings,
    )


def _weighed(of: CriteriaSet, indicator: Indicator, reading: Reading) -> tuple[CriterionStatus, str, Text]:
    """What a reading may conclude, given where the set's statements come from."""
    if indicator.target.value is None:
        told = sentence("target-not-verified")
        return _S.NOT_EVALUATED, "target-not-verified", joined(told, _aside(reading))
    if reading.status is not _S.MET or indicator.helper:
        return reading.status, reading.reason, reading.told
    weak = _weakness(of, indicator, reading)
    if weak:
        return _S.PARTIAL, weak, joined(sentence(weak), _aside(reading))
    return reading.status, reading.reason, reading.told


def _aside(reading: Reading) -> Text:
    """What can be said although the verdict cannot: the spacing of a pair, or the document that is wanted."""
    said = reading.reason.startswith(("spacing", "one-audit", "document")) or reading.reason == "silence-too-long"
    return reading.told if said else Text(fr="", en="")


def _weakness(of: CriteriaSet, indicator: Indicator, reading: Reading) -> str:
    """Why a measure that reaches its target does not conclude, or ""."""
    if not _concludes(of, indicator.target):
        return "target-unverified"
    if not all(_concludes(of, origin) for origin in reading.held_to):
        return "spacing-unverified"
    accepted = reading.accepted
    if isinstance(accepted, AuditType) and accepted.type == OWN:
        return "" if accepted.source else "own-audits-only"
    if accepted is None:
        return "own-audits-only"
    return "" if _concludes(of, accepted) else "audit-type-unverified"


def _concludes(of: CriteriaSet, origin: Origin) -> bool:
    return origin.status in of.concludes_from


def _evidence(wanted: EvidenceWanted, case: Case) -> EvidenceState:
    found = [a for a in case.attestations if a.type in wanted.types]
    most = wanted.max_age_days
    stale = [a.id for a in found if most is not None and (case.at - a.dated).days > most]
    present = tuple(a.id for a in found if a.id not in stale)
    return EvidenceState(wanted=wanted, present=present, stale=tuple(stale))


def _objective(of: CriteriaSet, objective: Objective, results: list[CriterionResult]) -> ObjectiveResult:
    concerned = [r for r in results if not r.helper and r.reason != "other-unit"]
    needed = [r for r in concerned if r.mandatory] or concerned
    status, reason, told = _verdict(of, needed)
    return ObjectiveResult(
        set=of.id,
        version=of.version,
        digest=of.digest,
        set_label=of.label.text,
        draft=of.draft,
        objective=objective.key,
        label=objective.label.text,
        label_status=objective.label.status,
        status=status,
        reason=reason,
        told=told,
        indicators=tuple(r.indicator for r in results),
    )


def _verdict(of: CriteriaSet, needed: list[CriterionResult]) -> tuple[CriterionStatus, str, Text]:
    if not needed:
        return _S.NOT_EVALUATED, "other-unit", sentence("other-unit")
    statuses = [r.status for r in needed]
    if all(status is _S.MET for status in statuses):
        return _all_met(of, needed)
    good = sum(status in {_S.MET, _S.NEAR, _S.PARTIAL} for status in statuses)
    if good:
        told = sentence("objective-partial", count=good, total=len(needed))
        return _S.PARTIAL, "objective-partial", told
    if _S.NOT_MET in statuses:
        return _S.NOT_MET, "objective-not-met", sentence("objective-not-met")
    if _S.MANUAL in statuses:
        waiting = _names(r.label for r in needed if r.status is _S.MANUAL)
        return _S.MANUAL, "objective-manual", sentence("objective-manual", missing=waiting)
    unread = [r.label for r in needed if r.reason == "target-not-verified"]
    if unread:
        return _S.NOT_EVALUATED, "target-not-verified", sentence("objective-unread", missing=_names(unread))
    return _S.NOT_EVALUATED, "objective-not-evaluated", sentence("objective-not-evaluated")


def _all_met(of: CriteriaSet, needed: list[CriterionResult]) -> tuple[CriterionStatus, str, Text]:
    """Every mandatory indicator is met: are the documents there, and was what they rest on read?"""
    required = [e for r in needed for e in r.evidence if e.wanted.required]
    missing = [e.wanted.text for e in required if not e.complete]
    if missing:
        told = sentence("objective-evidence-missing", missing=_names(missing))
        return _S.PARTIAL, "objective-evidence-missing", told
    unread = [e.wanted.text for e in required if not _concludes(of, e.wanted)]
    unread += [r.label for r in needed if r.code_status not in of.concludes_from]
    if unread:
        return _S.PARTIAL, "objective-unverified", sentence("objective-unverified", missing=_names(unread))
    if of.draft:
        return _S.NOT_EVALUATED, "objective-draft", sentence("objective-draft")
    return _S.MET, "objective-met", sentence("objective-met")


def _names(texts: Iterable[Text]) -> Text:
    return joined(*dict.fromkeys(texts), by=", ")
