"""The rest of the PDF: criteria, history, coverage, mandate and method."""

from __future__ import annotations

from collections.abc import Mapping

from probes.interface import Attempt
from reports.dossier import Dossier
from reports.interface import SHOWN_OBJECTS
from reports.outline import Outline
from reports.paper.text import Data, Hand, breakable, drawn
from reports.prose import course
from rules.attestations import OWN
from rules.case import audit_name
from rules.criteria import CriterionResult
from rules.history import Course, FindingHistory
from rules.interface import Card, Finding, Severity


def criteria(told: Outline, hand: Hand) -> Data:
    """Return the objectives and their indicators."""
    w = hand.words
    return {
        "title": w("criteria.title"),
        "lead": w("criteria.lead"),
        "none": [] if told.criteria else [w("criteria.none")],
        "objectives": [
            {
                "title": drawn(objective.label.in_(w.language)),
                "status": hand.status(objective.status.value),
                "set": drawn(f"{objective.set_label.in_(w.language)} · {objective.set}@{objective.version}"),
                "told": drawn(objective.told.in_(w.language)),
                "header": hand.header("indicator", "measure", "target", "coverage", "status"),
                "rows": [_indicator(result, hand) for result in results],
            }
            for objective, results in told.criteria
        ],
    }


def _indicator(result: CriterionResult, hand: Hand) -> Data:
    w, language = hand.words, hand.words.language
    kind = "helper" if result.helper else "mandatory" if result.mandatory else "optional"
    return {
        "label": drawn(f"{result.label.in_(language)} {result.code}".strip()),
        "kind": w(f"criteria.{kind}"),
        "measured": "\n".join([drawn(result.measured.in_(language)), *_measures(result, hand)]),
        "target": drawn(result.target.in_(language)),
        "standing": w("criteria.standing", status=w(f"source.{result.target_status.value}")),
        "coverage": drawn(result.coverage.in_(language)) or "–",
        "status": hand.status(result.status.value),
        "told": drawn(result.told.in_(language)),
    }


def _measures(result: CriterionResult, hand: Hand) -> list[str]:
    """Every measure by its author where a person's document stands beside ours."""
    w = hand.words
    if len(result.measures) < 2 and all(measure.by == OWN for measure in result.measures):
        return []
    return [
        drawn(
            w(
                "criteria.measured-by",
                by=audit_name(measure.by).in_(w.language),
                value=measure.value.in_(w.language),
                date=w.date(measure.dated),
            )
        )
        + (f" · {w('criteria.decides')}" if measure.decides else "")
        for measure in result.measures
    ]


def history(dossier: Dossier, told: Outline, cards: Mapping[str, Card], hand: Hand) -> Data:
    """Return the trend, and what changed."""
    w = hand.words
    rows = []
    for trend in dossier.trends[-SHOWN_OBJECTS:]:
        counted = dict(trend.open)
        levels = " · ".join(
            f"{w('history.exposure') if s == 'exposure' else s.partition(':')[2]} {a if a == b else f'{a}–{b}'}"
            for s, a, b in trend.levels
        )
        rows.append([w.date(trend.seen_at.date()), drawn(levels), *(str(counted.get(s.value, 0)) for s in Severity)])
    return {
        "title": w("history.title"),
        "lead": w("history.lead"),
        "header": [*hand.header("date", "levels"), *(w(f"severity.{s.value}") for s in Severity)],
        "rows": rows,
        "none": [] if told.previous else [w("direction.first")],
        "changes": [
            {
                "title": f"{w(f'course.{course.value}')} ({len(items)})",
                "header": hand.header("requirement", "asset", "severity", "dates"),
                "rows": [_change(item, cards, hand) for item in items[:SHOWN_OBJECTS]],
            }
            for course, items in told.changes.items()
            if items and course is not Course.OPEN
        ],
    }


def _change(item: FindingHistory, cards: Mapping[str, Card], hand: Hand) -> Data:
    w, card = hand.words, cards.get(item.rule)
    return {
        "title": drawn(w.typeset(card.words(w.language).title) if card else item.rule),
        "asset": breakable(item.asset),
        "severity": hand.severity(item.severity),
        "dates": list(course(item, w)),
    }


def _cost(cost: Finding, hand: Hand) -> str:
    """The sentence that says what one reading cost a controller."""
    told = {k: hand.words.number(v) for k, v in cost.values.items() if isinstance(v, (int, float))}
    return hand.words("coverage.cost", asset=drawn(cost.asset), server=drawn(str(cost.values["server"])), **told)


def coverage(dossier: Dossier, told: Outline, cards: Mapping[str, Card], hand: Hand) -> Data:
    """Return what was not seen, and why."""
    w, seen = hand.words, told.coverage
    numbers = {"concluded": w.number(seen.concluded), "planned": w.number(seen.planned), "share": seen.share}
    missed = (("broken", seen.broken), ("postponed", seen.postponed), ("left-out", seen.left_out))

    def titles(rules: tuple[str, ...]) -> str:
        named = [w.typeset(cards[rule].words(w.language).title) if rule in cards else rule for rule in rules[:5]]
        rest = [w.count("more", len(rules) - 5)] if len(rules) > 5 else []
        return drawn(" ; ".join(named + rest))

    return {
        "title": w("coverage.title"),
        "lead": w("coverage.lead"),
        "sum": w("coverage.sum", **numbers),
        "header": hand.header("reason", "checks", "requirements"),
        "rows": [
            {"reason": drawn(w.reason(u.reason)), "count": str(u.count), "rules": titles(u.rules)} for u in seen.unseen
        ],
        "points": [
            f"{w('coverage.points', name=drawn(level.asset))}. "
            + w("coverage.points-sum", evaluated=len(level.evaluated), missing=len(level.not_evaluated))
            for level in dossier.directory
        ]
        + [_cost(cost, hand) for cost in seen.costs],
        "missed": [
            {
                "title": w(f"coverage.{kind}"),
                "lead": w(f"coverage.{kind}-caption"),
                "header": hand.header("asset", "step", "reason", "detail"),
                "rows": [_attempt(attempt, hand) for attempt in attempts[:SHOWN_OBJECTS]],
                "cut": w("history.rest", shown=SHOWN_OBJECTS, scan=dossier.scan.id)
                if len(attempts) > SHOWN_OBJECTS
                else None,
            }
            for kind, attempts in missed
            if attempts
        ],
    }


def _attempt(attempt: Attempt, hand: Hand) -> Data:
    w = hand.words
    second = f" ({w('coverage.second')})" if attempt.look > 1 else ""
    return {
        "asset": breakable(attempt.asset),
        "step": drawn(attempt.probe) + second,
        "reason": w.reason(attempt.reason.value),
        "detail": breakable(w.detail(attempt.detail)) or "–",
    }


def mandate(dossier: Dossier, hand: Hand) -> Data:
    """Return who authorised what, and what was done."""
    w, scan = hand.words, dossier.scan
    of, scope = scan.mandate, scan.mandate.scope
    excluded = [*scope.excluded_names, *map(str, scope.excluded_networks)]
    pairs = [
        (w("mandate.reference"), of.reference),
        (w("mandate.signatory"), of.signatory),
        (w("mandate.document"), of.document_sha256 or w("mandate.no-document")),
        (w("mandate.validity"), w("mandate.from-to", first=w.date(of.valid_from), last=w.date(of.valid_until))),
        (w("mandate.level"), w("mandate.level-of", scan=scan.level, most=of.level)),
        (w("mandate.devices"), w("mandate.devices-named" if of.identify_devices else "mandate.devices-kept")),
        (w("mandate.domains"), ", ".join(scope.domains)),
        (w("mandate.networks"), ", ".join(map(str, scope.networks))),
        (w("mandate.directories"), ", ".join(scope.directories)),
        (w("mandate.exclusions"), ", ".join(excluded)),
    ]
    for part in scan.parts:
        ended = w.instant(part.ended_at) if part.ended_at else w("page.cut")
        vantage = w(f"vantage.{part.vantage.value}")
        pairs.append((w(f"part.{part.kind.value}"), f"{w.instant(part.started_at)} – {ended} · {vantage} · {part.box}"))
    told = [[name, drawn(value, 1000)] for name, value in pairs if value]
    return {"title": w("mandate.title"), "lead": w("mandate.lead"), "pairs": told}


def method(dossier: Dossier, hand: Hand) -> Data:
    """Return how to read the report, and the digests of what it is made of."""
    w, judgement = hand.words, dossier.judgement
    pairs = [
        (w("method.scan"), dossier.scan.id),
        (w("method.judgement"), judgement.id),
        (w("method.catalogue"), judgement.catalogue_digest),
        (w("method.perimeter"), dossier.perimeter.digest),
        *((w("method.set", name=name), digest) for name, digest in sorted(judgement.sets.items())),
        *((w("method.feed", name=n), f"{day} {digest}") for n, (day, digest) in sorted(judgement.feeds.items())),
        *((w("method.version", name=name), number) for name, number in sorted(dossier.scan.versions.items())),
    ]
    return {
        "title": w("method.title"),
        "texts": [w("method.levels"), w("method.ignorance"), w("method.limits"), w("paper.standards")],
        "pairs": [[drawn(name), breakable(value)] for name, value in pairs],
    }
