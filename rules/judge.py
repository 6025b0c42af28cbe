"""Observations and views through the rules, to findings; the same record always gives the same findings."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from probes.interface import Asset, Attempt, Fact, Observation, Part, Status, Vantage
from rules.interface import (
    SEVERITY_OF_LEVEL,
    Card,
    Confidence,
    Finding,
    Outcome,
    Rule,
    Severity,
    Unseen,
    Value,
    Verdict,
    View,
    undetermined,
)
from rules.registry import Registry
from rules.subject import Record, Timeline, Waiver

#: When a rule judges several subjects of one asset, the finding keeps the worst outcome.
_WORST_FIRST = (Outcome.NOT_MET, Outcome.UNDETERMINED, Outcome.MET, Outcome.NOT_APPLICABLE)

Parameters = Mapping[str, Mapping[str, Value]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    rule: Rule
    asset: Asset
    verdict: Verdict
    seen_at: datetime
    vantage: Vantage
    evidence: tuple[str, ...]


def judge(
    record: Record,
    registry: Registry,
    *,
    parameters: Parameters | None = None,
    waivers: Iterable[Waiver] = (),
) -> tuple[Finding, ...]:
    """Return every finding of a record, sorted by rule and asset.

    ``parameters`` replaces defaults by rule id. High and critical findings that a second look saw otherwise
    become undetermined; those it could not see again are kept, as probable.
    """
    # the views of the first look stay alive for the second, which reads the same captures again
    first, _views = _findings(_looked(record, 1), registry, parameters or {})
    again = {o.asset.id for o in record.observations if o.look == 2} | {a.asset for a in record.attempts if a.look == 2}
    if again:
        second, _ = _findings(_looked(record, 2), registry, parameters or {})
        first = {key: _confirmed(j, second.get(key)) if j.asset.id in again else j for key, j in first.items()}
    accepted = {w.fingerprint: w for w in waivers}
    return tuple(
        _finding(judged, registry.cards[judged.rule.id], record.timeline, accepted)
        for _, judged in sorted(first.items())
    )


def fingerprint(rule: str, asset: str) -> str:
    """Return the identity of a finding across scans; it holds no address that DNS may change."""
    return hashlib.sha256(f"{rule}\n{asset}".encode()).hexdigest()[:32]


def _looked(record: Record, look: int) -> Record:
    """The record as the first look, or with the second look's observations in place of the first's."""
    if look == 1:
        return replace(
            record,
            observations=tuple(o for o in record.observations if o.look == 1),
            attempts=tuple(a for a in record.attempts if a.look == 1),
        )
    again = {(o.asset.id, o.fact.kind) for o in record.observations if o.look == 2}
    tried = {(a.asset, a.probe.partition("@")[0]) for a in record.attempts if a.look == 2}
    return replace(
        record,
        observations=tuple(
            o
            for o in record.observations
            if o.look == 2 or ((o.asset.id, o.fact.kind) not in again and (o.asset.id, o.fact.seen_by) not in tried)
        ),
        attempts=tuple(a for a in record.attempts if a.look == 2 or (a.asset, a.probe.partition("@")[0]) not in tried),
    )


def _confirmed(first: _Judged, second: _Judged | None) -> _Judged:
    if first.verdict.outcome is not Outcome.NOT_MET or second is None:
        return first
    if second.verdict.outcome is Outcome.NOT_MET:
        evidence = tuple(sorted({*first.evidence, *second.evidence}))
        return replace(second, evidence=evidence)
    if second.verdict.outcome is Outcome.UNDETERMINED:
        return replace(first, verdict=replace(first.verdict, confidence=Confidence.PROBABLE))
    return replace(
        first,
        verdict=undetermined("second-look-differs", levels=first.verdict.levels, **first.verdict.values),
        evidence=tuple(sorted({*first.evidence, *second.evidence})),
    )


Views = Mapping[type[View], list[View | Unseen]]


def _findings(
    record: Record, registry: Registry, parameters: Parameters
) -> tuple[dict[tuple[str, str], _Judged], Views]:
    views: Views = {of: list(builder.build(record)) for of, builder in registry.views.items()}
    facts: dict[type[Fact], list[Observation[Fact]]] = defaultdict(list)
    for observation in record.observations:
        facts[type(observation.fact)].append(observation)
    unseen = [a for a in record.attempts if a.status is not Status.COMPLETED]
    assets = {a.id: a for a in record.assets}
    found: dict[tuple[str, str], _Judged] = {}
    for rule in registry.rules.values():
        chosen = parameters.get(rule.id, {})
        subjects: Iterator[_Judged]
        if issubclass(rule.reads, View):
            subjects = (_judged_view(rule, v, chosen) for v in views.get(rule.reads, ()))
        else:
            subjects = (_judged_fact(rule, o, chosen) for o in facts[rule.reads])
        for judged in subjects:
            key = (rule.id, judged.asset.id)
            found[key] = _worse(found[key], judged) if key in found else judged
        if issubclass(rule.reads, Fact):
            for judged in _missing(rule, rule.reads, unseen, assets, record):
                found.setdefault((rule.id, judged.asset.id), judged)
    return found, views


def _judged_fact(rule: Rule, seen: Observation[Fact], parameters: Mapping[str, Value]) -> _Judged:
    verdict = _from_inside(rule, seen.vantage) or rule.judge(seen, **parameters)
    return _Judged(
        rule=rule,
        asset=seen.asset,
        verdict=verdict,
        seen_at=seen.seen_at,
        vantage=seen.vantage,
        evidence=(seen.id,),
    )


def _judged_view(rule: Rule, seen: View | Unseen, parameters: Mapping[str, Value]) -> _Judged:
    verdict = _from_inside(rule, seen.vantage)
    if verdict is None:
        verdict = undetermined(seen.reason) if isinstance(seen, Unseen) else rule.judge(seen, **parameters)
    return _Judged(
        rule=rule,
        asset=seen.asset,
        verdict=verdict,
        seen_at=seen.seen_at,
        vantage=seen.vantage,
        evidence=() if isinstance(seen, Unseen) else seen.evidence,
    )


def _from_inside(rule: Rule, vantage: Vantage) -> Verdict | None:
    if rule.part is Part.EXPOSURE and vantage is not Vantage.INTERNET:
        return undetermined("seen-from-inside")
    return None


def _missing(
    rule: Rule, fact: type[Fact], unseen: Iterable[Attempt], assets: Mapping[str, Asset], record: Record
) -> Iterator[_Judged]:
    """Undetermined findings where the probe behind a rule ended without the fact; mandate skips included."""
    for attempt in unseen:
        asset = assets.get(attempt.asset)
        if attempt.probe.partition("@")[0] != fact.seen_by or asset is None or asset.kind not in fact.about:
            continue
        vantage = next((p.vantage for p in record.scan.parts if p.kind is fact.part), Vantage.INTERNET)
        yield _Judged(
            rule=rule,
            asset=asset,
            verdict=_from_inside(rule, vantage) or undetermined(attempt.reason.value),
            seen_at=attempt.ended_at,
            vantage=vantage,
            evidence=(),
        )


def _worse(a: _Judged, b: _Judged) -> _Judged:
    worst, other = (a, b) if _badness(a) <= _badness(b) else (b, a)
    if worst.verdict.outcome is not other.verdict.outcome:
        return worst
    objects = tuple(dict.fromkeys((*worst.verdict.objects, *other.verdict.objects)))
    return replace(
        worst,
        verdict=replace(worst.verdict, objects=objects),
        evidence=tuple(sorted({*a.evidence, *b.evidence})),
    )


def _badness(judged: _Judged) -> tuple[int, int, str]:
    severity = judged.verdict.severity or Severity.INFO
    return _WORST_FIRST.index(judged.verdict.outcome), severity.rank, min(judged.evidence, default="")


def _finding(judged: _Judged, card: Card, timeline: Timeline, waivers: Mapping[str, Waiver]) -> Finding:
    verdict, rule = judged.verdict, judged.rule
    identity = fingerprint(rule.id, judged.asset.id)
    severity = verdict.severity or (SEVERITY_OF_LEVEL[min(verdict.levels)] if verdict.levels else card.severity)
    waiver = waivers.get(identity)
    return Finding(
        rule=rule.id,
        family=rule.family,
        check=card.check,
        control=card.control,
        asset=judged.asset.id,
        outcome=verdict.outcome,
        reason=verdict.reason,
        severity=severity,
        confidence=verdict.confidence or card.confidence,
        maturity=card.maturity,
        levels=_levels(verdict, card),
        open_levels=verdict.open_levels,
        values=dict(sorted(verdict.values.items())),
        objects=tuple(sorted(verdict.objects, key=lambda o: (o.id, o.dn))),
        fingerprint=identity,
        evidence=judged.evidence,
        vantage=judged.vantage,
        part=rule.part,
        seen_at=judged.seen_at,
        first_seen=_first_seen(identity, verdict.outcome, judged.seen_at, timeline),
        last_seen=judged.seen_at,
        waiver=waiver.id if waiver and waiver.expires >= judged.seen_at.date() else "",
    )


def _levels(verdict: Verdict, card: Card) -> tuple[int, ...]:
    """The levels at stake: those that fail, or every level of the card when nothing more precise was said."""
    if verdict.levels or verdict.outcome in (Outcome.MET, Outcome.NOT_APPLICABLE):
        return verdict.levels
    return card.levels


def _first_seen(identity: str, outcome: Outcome, seen_at: datetime, timeline: Timeline) -> datetime:
    """The start of the unbroken run of this outcome; scans that could not tell do not break it."""
    first = seen_at
    for past in reversed(timeline.scans):
        before = past.findings.get(identity)
        if before is None or before.outcome == Outcome.UNDETERMINED:
            continue
        if before.outcome != outcome:
            break
        first = past.seen_at
    return first
