"""What rules speak: views, verdicts, findings, cards, and how a function becomes a rule."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar, overload

from probes.interface import Asset, Fact, Observation, Part, Vantage
from rules.subject import Record

#: What a card may quote: plain values only.
Value = str | int | float | bool


class Outcome(StrEnum):
    """What a rule says of an asset; ``met`` is always good news, ``undetermined`` never counts as it."""

    MET = "met"
    NOT_MET = "not-met"
    NOT_APPLICABLE = "not-applicable"
    UNDETERMINED = "undetermined"


class Severity(StrEnum):
    """How bad an unmet rule is. French: critique, majeure, modérée, mineure, information."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for critical to 4 for info."""
        return list(Severity).index(self)


#: ANSSI level of a control point to severity (status: ours).
SEVERITY_OF_LEVEL = {1: Severity.CRITICAL, 2: Severity.HIGH, 3: Severity.MEDIUM, 4: Severity.LOW}


class Confidence(StrEnum):
    """How sure the judgement is."""

    CONFIRMED = "confirmed"
    PROBABLE = "probable"
    INDICATIVE = "indicative"


class Maturity(StrEnum):
    """How proven the rule is; only stable rules feed a criterion."""

    STABLE = "stable"
    REVIEW = "review"
    EXPERIMENTAL = "experimental"


class Effort(StrEnum):
    """How much work the remedy is: hours, days, or a project."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRef:
    """An object a finding is about: a SID or GUID (or another stable id), a name to read, a DN if it has one."""

    id: str
    name: str
    dn: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a rule says: an outcome, the values its card quotes, the objects concerned.

    ``levels`` are the ANSSI levels that fail (not met) or that could fail (undetermined). ``reason`` is a short
    machine text for not-applicable and undetermined, for example ``not-readable:pwdLastSet``. ``severity`` and
    ``confidence`` replace the card's when the case is better or worse than the usual one.
    """

    outcome: Outcome
    values: Mapping[str, Value] = field(default_factory=dict)
    objects: tuple[ObjectRef, ...] = ()
    reason: str = ""
    levels: tuple[int, ...] = ()
    #: Levels whose outcome could not be determined although others fail or are met.
    open_levels: tuple[int, ...] = ()
    severity: Severity | None = None
    confidence: Confidence | None = None


def met(**values: Value) -> Verdict:
    """The proposition is true."""
    return Verdict(outcome=Outcome.MET, values=values)


def not_met(
    *objects: ObjectRef,
    levels: tuple[int, ...] = (),
    open_levels: tuple[int, ...] = (),
    severity: Severity | None = None,
    confidence: Confidence | None = None,
    **values: Value,
) -> Verdict:
    """The proposition is false."""
    return Verdict(
        outcome=Outcome.NOT_MET,
        values=values,
        objects=objects,
        levels=levels,
        open_levels=open_levels,
        severity=severity,
        confidence=confidence,
    )


def not_applicable(reason: str, **values: Value) -> Verdict:
    """The proposition has no object here."""
    return Verdict(outcome=Outcome.NOT_APPLICABLE, reason=reason, values=values)


def undetermined(reason: str, levels: tuple[int, ...] = (), **values: Value) -> Verdict:
    """What is missing could change the outcome."""
    return Verdict(outcome=Outcome.UNDETERMINED, reason=reason, levels=levels, values=values)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Base of the structures that rules read beside single observations.

    ``asset`` is what the finding will be about, ``evidence`` the ids of the observations behind it.
    """

    asset: Asset
    seen_at: datetime
    vantage: Vantage
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A view that could not be built for an asset, with the reason; its rules are undetermined there."""

    asset: Asset
    seen_at: datetime
    vantage: Vantage
    reason: str


F = TypeVar("F", bound=Fact)
V = TypeVar("V", bound=View)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewBuilder:
    """The pure function that builds every view of one type out of the record of a scan."""

    of: type[View]
    build: Callable[[Record], Iterable[View | Unseen]]


def view(of: type[V]) -> Callable[[Callable[[Record], Iterable[V | Unseen]]], ViewBuilder]:
    """Register a builder of views by its place in ``rules/views``."""

    def wrap(function: Callable[[Record], Iterable[V | Unseen]]) -> ViewBuilder:
        return ViewBuilder(of=of, build=function)

    return wrap


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A proposition that should be true, and the function that judges it on one subject.

    ``parameters`` are the function's keyword parameters with their defaults: its settings schema.
    ``part`` says whose vantage matters: exposure rules conclude only from the Internet.
    """

    id: str
    reads: type[Fact] | type[View]
    judge: Callable[..., Verdict]
    part: Part
    family: str
    parameters: Mapping[str, Value]


@overload
def rule(
    id: str, *, reads: type[F], part: Part | None = None
) -> Callable[[Callable[[Observation[F]], Verdict]], Rule]: ...
@overload
def rule(id: str, *, reads: type[V], part: Part) -> Callable[[Callable[[V], Verdict]], Rule]: ...
def rule(id: str, *, reads: type[Any], part: Part | None = None) -> Callable[[Callable[..., Verdict]], Rule]:
    """Make a rule of a function of one subject (an observation or a view) and keyword parameters."""

    def wrap(function: Callable[..., Verdict]) -> Rule:
        parameters = {
            p.name: p.default
            for p in inspect.signature(function).parameters.values()
            if p.kind is inspect.Parameter.KEYWORD_ONLY
        }
        return Rule(
            id=id,
            reads=reads,
            judge=function,
            part=part if part is not None else reads.part,
            family=function.__module__.rpartition(".")[2],
            parameters=parameters,
        )

    return wrap


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of a card in one language; ``{name}`` quotes a value of the verdict.

    ``title`` states the proposition; ``why`` the risk; ``remedy`` what to do; ``again`` how to check by hand;
    ``found`` one sentence about the case at hand.
    """

    title: str
    why: str
    remedy: str
    again: str
    found: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The explanation of a rule, read from the TOML file beside its family.

    ``control`` is the ANSSI ``vuln_*`` point, ``check`` the id of the reference catalogue, ``levels`` the ANSSI
    levels at which the point can fail. ``status`` says where thresholds come from: official, secondary,
    unverified or ours.
    """

    rule: str
    severity: Severity
    confidence: Confidence
    maturity: Maturity
    effort: Effort
    since: str
    fr: Words
    en: Words
    control: str = ""
    check: str = ""
    levels: tuple[int, ...] = ()
    references: tuple[str, ...] = ()
    status: str = "ours"
    aliases: tuple[str, ...] = ()

    def words(self, language: str) -> Words:
        """Return the words in ``fr`` or ``en``."""
        return self.en if language == "en" else self.fr


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A verdict on an asset within a judgement, as the report contract has it (design, section 6)."""

    rule: str
    family: str
    check: str
    control: str
    asset: str
    outcome: Outcome
    reason: str
    severity: Severity
    confidence: Confidence
    maturity: Maturity
    levels: tuple[int, ...]
    open_levels: tuple[int, ...]
    values: Mapping[str, Value]
    objects: tuple[ObjectRef, ...]
    fingerprint: str
    evidence: tuple[str, ...]
    vantage: Vantage
    part: Part
    seen_at: datetime
    first_seen: datetime
    last_seen: datetime
    #: Id of the waiver that covers it, or "".
    waiver: str = ""


class RuleError(Exception):
    """A rule, a card or a criteria set is wrong."""
