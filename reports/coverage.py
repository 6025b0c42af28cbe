"""What was not seen, and why: rules without conclusion, steps that did not end, what the mandate leaves out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from probes.interface import MANDATED, Attempt, Status
from reports.dossier import Dossier
from rules.interface import Card, Finding, Outcome

#: The rules whose values are what a reading cost.
_COSTS = frozenset({"directory-context-read-whole", "sysvol-read-whole"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """The undetermined findings of one reason: how many, the rules, the assets."""

    reason: str
    count: int
    rules: tuple[str, ...]
    assets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of what was planned came to a conclusion.

    ``concluded`` of ``planned`` counts findings that had an object; ``broken`` attempts failed or were our fault,
    ``left_out`` were skipped because of the mandate, ``postponed`` for another reason. ``costs`` are the findings whose
    values say what a reading cost the directory's controllers.
    """

    concluded: int
    planned: int
    unseen: tuple[Unseen, ...]
    broken: tuple[Attempt, ...]
    left_out: tuple[Attempt, ...]
    postponed: tuple[Attempt, ...]
    probes: tuple[tuple[str, Mapping[Status, int]], ...]
    costs: tuple[Finding, ...] = ()

    @property
    def share(self) -> int:
        """The concluded share in whole percents, rounded down: never 100 while something is missing."""
        return 100 * self.concluded // self.planned if self.planned else 0


def coverage(dossier: Dossier) -> Coverage:
    """Return the coverage of a dossier."""
    outcomes = Counter(f.outcome for f in dossier.findings)
    concluded = outcomes[Outcome.MET] + outcomes[Outcome.NOT_MET]
    tried: dict[str, Counter[Status]] = defaultdict(Counter)
    for attempt in dossier.attempts:
        tried[attempt.probe.partition("@")[0]][attempt.status] += 1
    skipped = [a for a in dossier.attempts if a.status is Status.SKIPPED]
    return Coverage(
        concluded=concluded,
        planned=concluded + outcomes[Outcome.UNDETERMINED],
        unseen=_unseen(dossier.findings),
        broken=_ordered(a for a in dossier.attempts if a.status in {Status.FAILED, Status.FAULT}),
        left_out=_ordered(a for a in skipped if a.reason in MANDATED),
        postponed=_ordered(a for a in skipped if a.reason not in MANDATED),
        probes=tuple((probe, {s: counts[s] for s in Status}) for probe, counts in sorted(tried.items())),
        costs=tuple(f for f in dossier.findings if f.rule in _COSTS and f.values.get("queries")),
    )


def met_rules(findings: Iterable[Finding], cards: Mapping[str, Card]) -> tuple[tuple[Card, int], ...]:
    """Return the rules that are met wherever they concluded, with the number of assets."""
    by_rule: dict[str, Counter[Outcome]] = defaultdict(Counter)
    for finding in findings:
        by_rule[finding.rule][finding.outcome] += 1
    clean = [
        (cards[rule], counted[Outcome.MET])
        for rule, counted in sorted(by_rule.items())
        if rule in cards and counted[Outcome.MET] and not counted[Outcome.NOT_MET] + counted[Outcome.UNDETERMINED]
    ]
    return tuple(clean)


def _unseen(findings: Iterable[Finding]) -> tuple[Unseen, ...]:
    grouped: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.outcome is Outcome.UNDETERMINED:
            grouped[finding.reason].append(finding)
    found = [
        Unseen(
            reason=reason,
            count=len(own),
            rules=tuple(sorted({f.rule for f in own})),
            assets=tuple(sorted({f.asset for f in own})),
        )
        for reason, own in grouped.items()
    ]
    return tuple(sorted(found, key=lambda u: (-u.count, u.reason)))


def _ordered(attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    distinct = {(a.probe, a.asset, a.look, a.reason, a.detail): a for a in attempts}
    return tuple(a for _, a in sorted(distinct.items(), key=lambda item: [str(part) for part in item[0]]))
