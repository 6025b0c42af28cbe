"""What to act on: one topic a rule, with its unmet findings, in the order that raises the levels soonest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from probes.interface import Part
from rules.interface import Card, Effort, Finding, Maturity, Outcome, Severity
from rules.levels import BEST, LEVEL_OF_SEVERITY

_EFFORTS = list(Effort)
#: The tiers of a plan, in order.
_TIERS = ("1", "grave", "2", "3", "4", "none")


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A rule that is not met somewhere: its card and its findings, the worst first.

    ``holds`` is the level that these findings keep an exposure or a directory at, or None when they weigh on none.
    """

    card: Card
    findings: tuple[Finding, ...]

    @cached_property
    def severity(self) -> Severity:
        """The worst severity among the findings."""
        return min((f.severity for f in self.findings), key=lambda s: s.rank)

    @property
    def tier(self) -> str:
        """Where it stands in the plan: the level it holds, ``grave`` when it is so without holding one, or ``none``."""
        if self.holds:
            return str(self.holds)
        return "grave" if self.severity.rank <= Severity.HIGH.rank else "none"

    @cached_property
    def part(self) -> Part:
        """The part of the scan it belongs to."""
        return self.findings[0].part

    @cached_property
    def holds(self) -> int | None:
        """The lowest level that one of the findings keeps its subject at."""
        held = [level for level in map(_held, self.findings) if level < BEST]
        return min(held, default=None)

    @cached_property
    def objects(self) -> int:
        """How many objects the findings name."""
        return sum(len(f.objects) for f in self.findings)


def topics(findings: Iterable[Finding], cards: Mapping[str, Card]) -> tuple[Topic, ...]:
    """Return the topics of the unmet findings that no waiver covers: those that hold the lowest level first."""
    return _sorted((f for f in findings if f.outcome is Outcome.NOT_MET and not f.waiver), cards)


def accepted(findings: Iterable[Finding], cards: Mapping[str, Card]) -> tuple[Topic, ...]:
    """Return the topics of the unmet findings that a waiver covers; they count as unmet, and are told apart."""
    return _sorted((f for f in findings if f.outcome is Outcome.NOT_MET and f.waiver), cards)


def counts(findings: Iterable[Finding]) -> dict[Severity, int]:
    """Return how many unmet findings there are of each severity, waived ones left out."""
    found = dict.fromkeys(Severity, 0)
    for finding in findings:
        if finding.outcome is Outcome.NOT_MET and not finding.waiver:
            found[finding.severity] += 1
    return found


def _sorted(findings: Iterable[Finding], cards: Mapping[str, Card]) -> tuple[Topic, ...]:
    grouped: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.rule in cards:
            grouped[finding.rule].append(finding)
    found = [
        Topic(card=cards[rule], findings=tuple(sorted(own, key=lambda f: (f.severity.rank, f.asset))))
        for rule, own in grouped.items()
    ]
    return tuple(sorted(found, key=_order))


def _order(topic: Topic) -> tuple[int, int, int, int, str]:
    effort = _EFFORTS.index(topic.card.effort)
    return _TIERS.index(topic.tier), topic.severity.rank, effort, -len(topic.findings), topic.card.rule


def _held(finding: Finding) -> int:
    """The level that one finding keeps its subject at: ANSSI levels for a control point, severity for exposure."""
    if finding.control:
        return min(finding.levels, default=BEST)
    if finding.part is Part.EXPOSURE and finding.maturity is Maturity.STABLE:
        return LEVEL_OF_SEVERITY.get(finding.severity, BEST)
    return BEST
