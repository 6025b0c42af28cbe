"""Levels, declared states, documents, open findings and shares of assets, each held to its target."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from probes.interface import Part
from rules.attestations import OWN
from rules.case import Case, attested_level, audit_name, forests, own_level
from rules.criteria import CriterionStatus, Measured
from rules.interface import Finding, Maturity, Outcome
from rules.levels import DirectoryLevel, Interval, anssi_points
from rules.measures import AssetShare, DeclaredState, EvidenceCount, OpenFindings
from rules.origins import AuditType, Origin, Target, Text
from rules.reading import Reading, held, target_text
from rules.sentences import joined, sentence
from rules.subject import Attestation

_S = CriterionStatus
#: What a share of assets counts; what does not apply has no share.
_TOLD = frozenset({Outcome.MET, Outcome.NOT_MET, Outcome.UNDETERMINED})


def read_level(case: Case, part: Part, accepted: tuple[AuditType, ...], target: Target) -> Reading:
    """Return the level of the exposure or the lowest of the forests; an attested one decides before ours."""
    own, attested = own_level(case, part), _newest_by_forest(case, accepted)
    asked = target_text(target, "target-level", "target-level-unread")
    lines = []
    if attested:
        lines.append(_attested_line(attested))
    if own is not None:
        lines.append(_own_line(case, part, own, decides=not attested))
    if not lines:
        return _nothing(asked, wanted=any(a.type != OWN for a in accepted))
    beside = _beside(case, attested) if part is Part.DIRECTORY else []
    level = _lowest(attested) if attested else own
    assert level is not None
    level = Interval(
        guaranteed=min([level.guaranteed, *(b.level.guaranteed for b in beside)]),
        best=min([level.best, *(b.level.best for b in beside)]),
    )
    status = held(target, level.guaranteed, level.best)
    decider = attested[0].type if attested else OWN
    return Reading(
        status=status,
        reason="coverage" if status is _S.NOT_EVALUATED else status.value,
        told=_plainly(status),
        measured=lines[0].value,
        target=asked,
        coverage=_attested_coverage(attested, beside) if attested else _level_coverage(case, part),
        measures=tuple(lines),
        accepted=_accepted(decider, accepted),
    )


def read_declared(case: Case, measure: DeclaredState, target: Target) -> Reading:
    """Return the yes or no transcribed from the newest document of the type."""
    found = [a for a in case.attestations if a.type == measure.type]
    asked = sentence("target-yes") if target.value else target_text(target, "target-count")
    if not found:
        return _nothing(asked, wanted=True)
    newest = found[-1]
    yes = newest.values.get(measure.value) == "yes"
    value = sentence("measured-yes" if yes else "measured-no", by=audit_name(newest.type))
    status = held(target, int(yes), int(yes))
    reason = status.value
    if status is _S.NOT_MET and not measure.exhaustive:
        status, reason = _S.NOT_EVALUATED, "other-ways-unknown"
    return Reading(
        status=status,
        reason=reason,
        told=sentence(reason) if reason == "other-ways-unknown" else _plainly(status),
        measured=value,
        target=asked,
        coverage=sentence("coverage-documents", count=len(found)),
        measures=(_document_line(newest, value),),
        accepted=target,
    )


def read_documents(case: Case, measure: EvidenceCount, target: Target) -> Reading:
    """Return how many documents of the types are in date."""
    most = measure.max_age_days
    found = [
        a for a in case.attestations if a.type in measure.types and (most is None or (case.at - a.dated).days <= most)
    ]
    value = sentence("measured-documents", count=len(found))
    status = held(target, len(found), len(found)) if found or not target.value else _S.MANUAL
    reason = "document-wanted" if status is _S.MANUAL else status.value
    return Reading(
        status=status,
        reason=reason,
        told=sentence(reason) if status is _S.MANUAL else _plainly(status),
        measured=value,
        target=target_text(target, "target-documents"),
        coverage=sentence("coverage-documents", count=len(found)),
        measures=tuple(_document_line(a, audit_name(a.type), decides=a is found[-1]) for a in found),
        accepted=target,
    )


def read_open(case: Case, measure: OpenFindings, accepted: tuple[AuditType, ...], target: Target) -> Reading:
    """Return how many findings are not met, or control points fail; an attested count decides before ours."""
    ours = _read_own(case, measure, accepted, target)
    types = {a.type for a in accepted}
    counts = [(a, c) for a in case.attestations if a.type in types and (c := _attested(a, measure)) is not None]
    if not counts:
        return ours
    document, count = counts[-1]
    value = sentence("measured-attested", count=count, by=audit_name(document.type))
    status = held(target, count, count)
    own = tuple(replace(line, decides=False) for line in ours.measures)
    return replace(
        ours,
        status=status,
        reason=status.value,
        told=_plainly(status),
        measured=value,
        coverage=sentence("coverage-documents", count=len(counts)),
        measures=(_document_line(document, value), *own),
        accepted=_accepted(document.type, accepted),
    )


def _attested(document: Attestation, measure: OpenFindings) -> int | None:
    """The sum of the values that count the same thing, or None when one of them was not transcribed."""
    values = [document.values.get(name) for name in measure.attested]
    numbers = [value for value in values if isinstance(value, int)]
    return sum(numbers) if values and len(numbers) == len(values) else None


def _read_own(case: Case, measure: OpenFindings, accepted: tuple[AuditType, ...], target: Target) -> Reading:
    """Our own count; the undetermined make it a range."""
    # What does not apply was looked at, and is not open.
    judged = _stable(case, measure.rules, frozenset(Outcome))
    findings = [f for f in judged if f.part is measure.part and _at_stake(f, measure)]
    asked = target_text(target, "target-open")
    if not findings:
        return _nothing(asked, wanted=False)
    bad = [f for f in findings if f.outcome is Outcome.NOT_MET]
    unknown = [f for f in findings if f.outcome is Outcome.UNDETERMINED or _open_level(f, measure)]
    unjudged = _unjudged_points(case, measure)
    low = _count(bad, measure)
    high = low + len({_key(f, measure) for f in unknown} - {_key(f, measure) for f in bad}) + unjudged
    status = held(target, low, high)
    waived = sum(bool(f.waiver) for f in bad)
    value = sentence("measured-open" if low == high else "measured-open-range", low=low, high=high, waived=waived)
    concluded = len({_key(f, measure) for f in findings}) - (high - low - unjudged)
    return Reading(
        status=status,
        reason="coverage" if status is _S.NOT_EVALUATED else status.value,
        told=_plainly(status),
        measured=value,
        target=asked,
        coverage=_share("coverage-findings", concluded, concluded + high - low),
        measures=(_case_line(case, value),),
        accepted=_accepted(OWN, accepted),
        findings=tuple(f.fingerprint for f in bad),
    )


def read_share(case: Case, measure: AssetShare, accepted: tuple[AuditType, ...], target: Target) -> Reading:
    """Return the share of assets on which every rule is met; those that could not be told as a range."""
    by_asset: dict[str, list[Finding]] = defaultdict(list)
    for finding in _stable(case, measure.rules):
        by_asset[finding.asset].append(finding)
    asked = target_text(target, "target-share")
    if not by_asset:
        return _nothing(asked, wanted=False)
    worst = [_worst(found) for found in by_asset.values()]
    good, bad, total = worst.count(Outcome.MET), worst.count(Outcome.NOT_MET), len(worst)
    low, high = 100 * good // total, 100 * (total - bad) // total
    status = held(target, low, high)
    value = sentence("measured-share" if low == high else "measured-share-range", low=low, high=high, count=total)
    findings = [f for found in by_asset.values() for f in found]
    concluded = sum(f.outcome is not Outcome.UNDETERMINED for f in findings)
    return Reading(
        status=status,
        reason="coverage" if status is _S.NOT_EVALUATED else status.value,
        told=_plainly(status),
        measured=value,
        target=asked,
        coverage=_share("coverage-findings", concluded, len(findings)),
        measures=(_case_line(case, value),),
        accepted=_accepted(OWN, accepted),
        findings=tuple(f.fingerprint for f in findings if f.outcome is Outcome.NOT_MET),
    )


def _stable(case: Case, rules: Iterable[str], outcomes: frozenset[Outcome] = _TOLD) -> list[Finding]:
    """The findings of stable rules that a criterion may count."""
    return [
        f
        for f in case.findings
        if f.maturity is Maturity.STABLE and f.outcome in outcomes and any(fnmatchcase(f.rule, r) for r in rules)
    ]


def _at_stake(finding: Finding, measure: OpenFindings) -> bool:
    good = finding.outcome in {Outcome.MET, Outcome.NOT_APPLICABLE}
    if measure.severities and finding.severity.value not in measure.severities:
        return False
    if measure.controls and not any(fnmatchcase(finding.control, c) for c in measure.controls):
        return False
    if not measure.levels or good:
        return True
    return bool({*finding.levels, *finding.open_levels} & {*measure.levels})


def _open_level(finding: Finding, measure: OpenFindings) -> bool:
    return bool({*finding.open_levels} & {*measure.levels})


def _key(finding: Finding, measure: OpenFindings) -> str:
    """What is counted once: a control point, or a finding."""
    return finding.control if measure.controls else finding.fingerprint


def _count(findings: Iterable[Finding], measure: OpenFindings) -> int:
    bad = [f for f in findings if not measure.levels or {*f.levels} & {*measure.levels}]
    return len({_key(f, measure) for f in bad})


def _unjudged_points(case: Case, measure: OpenFindings) -> int:
    """How many points of the catalogue no rule judges yet, among those the measure counts."""
    judged = {f.control for f in case.findings}
    return sum(
        any(fnmatchcase(point, c) for c in measure.controls)
        and point not in judged
        and (not measure.levels or bool({*levels} & {*measure.levels}))
        for point, levels in anssi_points().items()
    )


def _worst(findings: Iterable[Finding]) -> Outcome:
    outcomes = {f.outcome for f in findings}
    return next(o for o in (Outcome.NOT_MET, Outcome.UNDETERMINED, Outcome.MET) if o in outcomes)


def _newest_by_forest(case: Case, accepted: tuple[AuditType, ...]) -> list[Attestation]:
    """The newest document with a level, of the accepted types, for each forest that one names."""
    types = {a.type for a in accepted}
    found = [a for a in case.attestations if a.type in types and attested_level(a) is not None]
    return sorted({str(a.values.get("forest", "")).lower(): a for a in found}.values(), key=lambda a: a.dated)[::-1]


def _beside(case: Case, attested: Sequence[Attestation]) -> list[DirectoryLevel]:
    """The forests seen that no document is about: ours is all there is for them. One without a name is about all."""
    named = {str(a.values.get("forest", "")).lower() for a in attested}
    if not named or "" in named:
        return []
    return [level for level in forests(case.directory) if level.asset.partition(":")[2].lower() not in named]


def _attested_coverage(attested: Sequence[Attestation], beside: Sequence[DirectoryLevel]) -> Text:
    if not beside:
        return sentence("coverage-documents", count=len(attested))
    return sentence("coverage-forests", concluded=len(attested), total=len(attested) + len(beside))


def _lowest(attested: Sequence[Attestation]) -> Interval | None:
    levels = [level for a in attested if (level := attested_level(a)) is not None]
    return min(levels, key=lambda level: level.best, default=None)


def _attested_line(attested: Sequence[Attestation]) -> Measured:
    newest, level = attested[0], _lowest(attested)
    key = "measured-level" if len(attested) == 1 else "measured-level-of"
    value = sentence(key, level=str(level), by=audit_name(newest.type), count=len(attested))
    return _document_line(newest, value)


def _own_line(case: Case, part: Part, level: Interval, *, decides: bool) -> Measured:
    count = len(forests(case.directory))
    key = "measured-level-of" if part is Part.DIRECTORY and count > 1 else "measured-level"
    value = sentence(key, level=str(level), by=audit_name(OWN), count=count)
    return Measured(by=OWN, value=value, dated=case.at, reference=case.scan.id, decides=decides)


def _case_line(case: Case, value: Text) -> Measured:
    return Measured(by=OWN, value=value, dated=case.at, reference=case.scan.id, decides=True)


def _document_line(document: Attestation, value: Text, *, decides: bool = True) -> Measured:
    return Measured(by=document.type, value=value, dated=document.dated, reference=document.id, decides=decides)


def _level_coverage(case: Case, part: Part) -> Text:
    if part is Part.DIRECTORY:
        levels = forests(case.directory)
        evaluated = sum(len(level.evaluated) for level in levels)
        return _share("coverage-points", evaluated, evaluated + sum(len(level.not_evaluated) for level in levels))
    findings = [f for f in _stable(case, ("*",)) if f.part is Part.EXPOSURE]
    concluded = sum(f.outcome is not Outcome.UNDETERMINED for f in findings)
    return _share("coverage-findings", concluded, len(findings))


def _share(key: str, concluded: int, total: int) -> Text:
    percent = 100 * concluded // total if total else 0
    return sentence(key, concluded=concluded, total=total, percent=percent)


def _accepted(type: str, accepted: tuple[AuditType, ...]) -> Origin | None:
    return next((a for a in accepted if a.type == type), None)


def _plainly(status: CriterionStatus) -> Text:
    return sentence("coverage" if status is _S.NOT_EVALUATED else status.value)


def _nothing(asked: Text, *, wanted: bool) -> Reading:
    reason = "document-wanted" if wanted else "nothing-seen"
    return Reading(
        status=_S.MANUAL if wanted else _S.NOT_EVALUATED,
        reason=reason,
        told=sentence(reason),
        measured=sentence("measured-nothing"),
        target=asked,
        coverage=joined(sentence("coverage-none")),
    )
