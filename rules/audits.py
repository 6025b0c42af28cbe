"""Pairs and series of dated audits: spacing, levels held over time, and the control window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from rules.attestations import OWN
from rules.case import Audit, Case, audit_name, audits_of
from rules.criteria import ControlWindow, CriterionStatus, Measured, WindowState
from rules.measures import AuditPair, AuditSeries
from rules.origins import AuditType, Days, Origin, Target, Text
from rules.reading import Reading, held, target_text
from rules.sentences import joined, sentence

_S = CriterionStatus
#: The best verdict on a pair comes first.
_BEST_FIRST = (_S.MET, _S.NEAR, _S.PARTIAL, _S.NOT_EVALUATED, _S.NOT_MET)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    first: Audit
    second: Audit
    status: CriterionStatus
    reason: str

    @property
    def days(self) -> int:
        return (self.second.day - self.first.day).days


def read_pair(case: Case, measure: AuditPair, accepted: tuple[AuditType, ...], target: Target) -> Reading:
    """Return the best pair of audits of one type; attested ones decide before our own scans."""
    streams = _streams(audits_of(case, accepted, measure.part))
    best = {type: _best(found, measure, target) for type, found in streams.items()}
    decider = _decider(best, accepted)
    level = target_text(target, "target-level", "target-level-unread")
    spacing = measure.spacing
    asked = sentence("target-pair", min=spacing.min, max=_most(spacing), level=level)
    if not decider:
        return replace(_no_audit(accepted), target=asked)
    chosen = best[decider]
    window = _window(streams[decider], chosen, spacing, target, case.at)
    below = chosen is None and _at_level(streams[decider][-1], target) is _S.NOT_MET
    return Reading(
        status=chosen.status if chosen else _S.NOT_MET if below else _S.PARTIAL,
        reason=chosen.reason if chosen else "not-met" if below else "one-audit",
        told=sentence("not-met") if below else _why(chosen, spacing),
        measured=_pair_text(chosen, streams[decider]),
        target=asked,
        coverage=_coverage(streams[decider]),
        measures=tuple(_measured(streams[t], _pair_text(best[t], streams[t]), t == decider) for t in sorted(streams)),
        accepted=_accepted(decider, accepted),
        held_to=(spacing,),
        window=window,
    )


def read_series(case: Case, measure: AuditSeries, accepted: tuple[AuditType, ...], target: Target) -> Reading:
    """Return how many audits there are and the longest silence between two; attested ones decide before ours."""
    audits = audits_of(case, accepted, measure.part)
    if measure.max_age_days is not None:
        audits = tuple(a for a in audits if (case.at - a.day).days <= measure.max_age_days)
    attested = tuple(a for a in audits if a.type != OWN)
    counted = attested or audits
    most = measure.spacing.max if measure.spacing else None
    asked = target_text(target, "target-count")
    if most is not None:
        asked = sentence("target-count-spaced", level=asked, max=most)
    if not counted:
        return replace(_no_audit(accepted), target=asked)
    status, told = _series_status(counted, most, target)
    decider = counted[-1].type
    own = tuple(a for a in audits if a.type == OWN)
    return Reading(
        status=status,
        reason="silence-too-long" if told else status.value,
        told=told or sentence("met" if status is _S.MET else "not-met"),
        measured=_series_text(counted),
        target=asked,
        coverage=_coverage(counted),
        measures=tuple(_measured(g, _series_text(g), g is counted or g == counted) for g in (attested, own) if g),
        accepted=_accepted(decider, accepted),
        held_to=(measure.spacing,) if measure.spacing else (),
    )


def _series_status(counted: Sequence[Audit], most: int | None, target: Target) -> tuple[CriterionStatus, Text | None]:
    status = held(target, len(counted), len(counted))
    if most is not None and status is _S.MET and _longest(counted) > most:
        return _S.PARTIAL, sentence("silence-too-long", max=most)
    return status, None


def _streams(audits: Sequence[Audit]) -> dict[str, tuple[Audit, ...]]:
    return {t: tuple(a for a in audits if a.type == t) for t in sorted({a.type for a in audits})}


def _decider(best: dict[str, _Pair | None], accepted: tuple[AuditType, ...]) -> str:
    """The type whose pair counts: attested before ours, then the best verdict, in the order the set lists them."""
    order = [a.type for a in accepted]
    attested = [t for t in best if t != OWN] or list(best)
    ranked = sorted(attested, key=lambda t: (_rank(best[t]), order.index(t) if t in order else len(order)))
    return ranked[0] if ranked else ""


def _rank(pair: _Pair | None) -> int:
    return _BEST_FIRST.index(pair.status) if pair else len(_BEST_FIRST)


def _best(audits: Sequence[Audit], measure: AuditPair, target: Target) -> _Pair | None:
    """The best verdict, then the interval nearest to the window, then the most recent pair."""
    spacing = measure.spacing
    return min(
        _pairs(audits, measure, target),
        key=lambda pair: (_rank(pair), _missed(pair.days, spacing), -pair.second.day.toordinal()),
        default=None,
    )


def _pairs(audits: Sequence[Audit], measure: AuditPair, target: Target) -> Iterator[_Pair]:
    """The pairs that can matter: for each audit, those after it up to the first beyond the window."""
    most = _most(measure.spacing) + measure.spacing.tolerance
    for a, first in enumerate(audits):
        for b in range(a + 1, a + 2 if measure.adjacent_only else len(audits)):
            if b == len(audits):
                break
            second = audits[b]
            status, reason = _verdict(first, second, audits[a + 1 : b], measure.spacing, target)
            yield _Pair(first=first, second=second, status=status, reason=reason)
            if (second.day - first.day).days > most:
                break


def _verdict(
    first: Audit, second: Audit, between: Sequence[Audit], spacing: Days, target: Target
) -> tuple[CriterionStatus, str]:
    missed = _missed((second.day - first.day).days, spacing)
    if missed > spacing.tolerance:
        return _S.NOT_MET, "spacing-out"
    levels = [_at_level(audit, target) for audit in (first, second)]
    if _S.NOT_MET in levels:
        return _S.NOT_MET, "level-below"
    if any(_at_level(audit, target) is _S.NOT_MET for audit in between):
        return _S.NOT_MET, "regression-between"
    if target.value is not None and _S.NOT_EVALUATED in levels:
        return _S.NOT_EVALUATED, "level-not-told"
    if missed:
        return _S.NEAR, "spacing-near"
    if not (first.same_perimeter and second.same_perimeter):
        return _S.PARTIAL, "perimeter-changed"
    return _S.MET, "spacing-held"


def _missed(days: int, spacing: Days) -> int:
    """By how many days an interval lies outside the window; 0 inside, both ends inclusive."""
    return max(spacing.min - days, days - _most(spacing), 0)


def _most(spacing: Days) -> int:
    return spacing.max if spacing.max is not None else date.max.toordinal()


def _at_level(audit: Audit, target: Target) -> CriterionStatus:
    if audit.level is None:
        return _S.NOT_EVALUATED
    return held(target, audit.level.guaranteed, audit.level.best)


def _window(
    audits: Sequence[Audit], pair: _Pair | None, spacing: Days, target: Target, at: date
) -> ControlWindow | None:
    """The window of the pair held; else the first still to come of the audits at level, else the last missed."""
    if pair is not None and pair.status is _S.MET:
        return _window_of(pair.first, spacing, WindowState.HELD, pair.second.day)
    fallen = max((i for i, a in enumerate(audits) if _at_level(a, target) is _S.NOT_MET), default=-1)
    standing = audits[fallen + 1 :]
    if not standing or spacing.max is None:
        return None
    open_yet = [a for a in standing if a.day + timedelta(days=spacing.max) >= at]
    if not open_yet:
        return _window_of(standing[-1], spacing, WindowState.MISSED)
    upcoming = at < open_yet[0].day + timedelta(days=spacing.min)
    return _window_of(open_yet[0], spacing, WindowState.UPCOMING if upcoming else WindowState.OPEN)


def _window_of(first: Audit, spacing: Days, state: WindowState, held_on: date | None = None) -> ControlWindow:
    return ControlWindow(
        by=first.type,
        first=first.day,
        opens=first.day + timedelta(days=spacing.min),
        closes=first.day + timedelta(days=_most(spacing)),
        state=state,
        held_on=held_on,
    )


def _accepted(type: str, accepted: tuple[AuditType, ...]) -> Origin | None:
    return next((a for a in accepted if a.type == type), None)


def _no_audit(accepted: tuple[AuditType, ...]) -> Reading:
    """Nothing to measure: a document is wanted where one is accepted, a scan elsewhere."""
    nothing = sentence("measured-nothing")
    wanted = any(a.type != OWN for a in accepted)
    reason = "document-wanted" if wanted else "nothing-seen"
    return Reading(
        status=_S.MANUAL if wanted else _S.NOT_EVALUATED,
        reason=reason,
        told=sentence(reason),
        measured=nothing,
        target=nothing,
        coverage=sentence("coverage-none"),
    )


def _why(pair: _Pair | None, spacing: Days) -> Text:
    if pair is None:
        return sentence("one-audit")
    return sentence(pair.reason, min=spacing.min, max=_most(spacing), count=_missed(pair.days, spacing))


def _pair_text(pair: _Pair | None, audits: Sequence[Audit]) -> Text:
    if pair is None:
        only = audits[-1]
        return sentence("measured-one-audit", by=audit_name(only.type), first=only.day, before=_level(only))
    a, b = pair.first, pair.second
    return sentence(
        "measured-pair",
        days=pair.days,
        first=a.day,
        second=b.day,
        by=audit_name(a.type),
        before=_level(a),
        after=_level(b),
    )


def _level(audit: Audit) -> Text | str:
    if audit.level is None:
        return sentence("level-not-measured" if audit.type == OWN else "level-unknown")
    return str(audit.level)


def _series_text(audits: Sequence[Audit]) -> Text:
    names = joined(*(audit_name(t) for t in sorted({a.type for a in audits})), by=", ")
    if len(audits) == 1:
        return sentence("measured-series-single", count=1, by=names)
    return sentence("measured-series", count=len(audits), by=names, gap=_longest(audits))


def _longest(audits: Sequence[Audit]) -> int:
    return max(((b.day - a.day).days for a, b in pairwise(audits)), default=0)


def _coverage(audits: Sequence[Audit]) -> Text:
    if audits[-1].type != OWN:
        return sentence("coverage-documents", count=len(audits))
    same = sum(audit.same_perimeter for audit in audits)
    return sentence("coverage-perimeter-changed", concluded=same, total=len(audits))


def _measured(audits: Sequence[Audit], value: Text, decides: bool) -> Measured:
    last = audits[-1]
    return Measured(by=last.type, value=value, dated=last.day, reference=last.reference, decides=decides)
