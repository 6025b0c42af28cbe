"""What measuring an indicator gives, before its target's standing is weighed."""

from __future__ import annotations

from dataclasses import dataclass

from rules.criteria import ControlWindow, CriterionStatus, Measured
from rules.origins import Comparator, Origin, Target, Text
from rules.sentences import sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A measure held to its target as if the target were verified.

    ``accepted`` is the origin of the kind of audit that decides, or None when no list accepts it; ``held_to`` are
    further statements of the set that the result rests on.
    """

    status: CriterionStatus
    reason: str
    told: Text
    measured: Text
    target: Text
    coverage: Text
    measures: tuple[Measured, ...] = ()
    accepted: Origin | None = None
    held_to: tuple[Origin, ...] = ()
    window: ControlWindow | None = None
    findings: tuple[str, ...] = ()


_OPS = {Comparator.AT_LEAST: "op-at-least", Comparator.AT_MOST: "op-at-most", Comparator.EQUAL: "op-equal"}


def target_text(target: Target, key: str, unread: str = "target-unread") -> Text:
    """Return what is asked for, or that nobody has read it."""
    if target.value is None:
        return sentence(unread)
    return sentence(key, op=sentence(_OPS[target.op]), value=target.value, count=target.value)


def held(target: Target, low: int, high: int) -> CriterionStatus:
    """Hold a measure that lies between two bounds to a target: concluded only when both bounds agree.

    A target without value is met by nothing and failed by nothing.
    """
    if target.value is None:
        return CriterionStatus.NOT_EVALUATED
    agree = {_holds(target.op, low, target.value), _holds(target.op, high, target.value)}
    if target.op is Comparator.EQUAL and low < target.value < high:
        return CriterionStatus.NOT_EVALUATED
    if len(agree) == 2:
        return CriterionStatus.NOT_EVALUATED
    return CriterionStatus.MET if agree == {True} else CriterionStatus.NOT_MET


def _holds(op: Comparator, measured: int, wanted: int) -> bool:
    match op:
        case Comparator.AT_LEAST:
            return measured >= wanted
        case Comparator.AT_MOST:
            return measured <= wanted
        case Comparator.EQUAL:
            return measured == wanted
