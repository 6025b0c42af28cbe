"""Page one of the PDF: the levels, what is most urgent, progress, what was not seen, the next control."""

from __future__ import annotations

from reports.dossier import Dossier
from reports.outline import Outline
from reports.paper.text import Data, Hand, drawn
from rules.levels import Interval


def direction(dossier: Dossier, told: Outline, hand: Hand) -> Data:
    """Return page one."""
    w = hand.words
    gauges, missing = [], []
    if dossier.exposure:
        gauges.append(_gauge(w("direction.exposure"), dossier.exposure, hand))
    else:
        missing.append(w("direction.exposure") + w("colon") + w("direction.not-looked"))
    for level in told.subjects:
        name = w("direction.directory", name=drawn(level.asset.partition(":")[2], 80))
        gauges.append(_gauge(name, level.level, hand))
    if not told.subjects:
        missing.append(w("direction.directories") + w("colon") + w("direction.not-looked"))
    return {
        "title": w("direction.title"),
        "lead": w("direction.lead"),
        "gauges": gauges,
        "missing": missing,
        "urgent": _urgent(told, hand),
        "panels": [_progress(told, hand), _unseen(told, hand), _next(told, hand)],
    }


def _gauge(name: str, level: Interval, hand: Hand) -> Data:
    w, same = hand.words, level.guaranteed == level.best
    return {
        "name": name,
        "low": level.guaranteed,
        "high": level.best,
        "figure": str(level.best) if same else f"{level.guaranteed} {w('gauge.to')} {level.best}",
        "meaning": w(f"level.{level.guaranteed}") + ("" if same else f" {w('gauge.why')}"),
    }


def _urgent(told: Outline, hand: Hand) -> Data:
    w = hand.words
    items = [
        {
            "rank": str(told.rank[topic.card.rule]),
            "title": drawn(w.typeset(topic.card.words(w.language).title)),
            "severity": hand.severity(topic.severity),
            "meta": f"{w.count('targets', len(topic.findings))} · {w(f'effort.{topic.card.effort.value}')}",
            "why": hand.prose(topic.card.words(w.language).why),
        }
        for topic in told.todo[:3]
    ]
    lead = w("direction.urgent-lead") if items else w("direction.nothing")
    return {"title": w("direction.urgent"), "lead": lead, "items": items}


def _progress(told: Outline, hand: Hand) -> Data:
    w = hand.words
    facts = [{"number": str(n), "label": w(f"progress.{course.value}")} for course, n in told.progress.items()]
    if told.previous is None:
        return _panel(w("direction.progress"), after=[w("direction.first")])
    before = w("direction.since", date=w.date(told.previous.seen_at.date()))
    return _panel(w("direction.progress"), before=[before], facts=facts)


def _unseen(told: Outline, hand: Hand) -> Data:
    w, coverage = hand.words, told.coverage
    facts = [{"number": w("percent", n=coverage.share), "label": w("direction.concluded")}]
    missing = coverage.planned - coverage.concluded
    after = [w.count("direction.undetermined", missing) if missing else w("direction.all-seen")]
    after += [f"{w.reason(u.reason)}{w('colon')}{w.count('checks', u.count)}" for u in coverage.unseen[:3]]
    return _panel(w("direction.unseen"), facts=facts, after=[drawn(text) for text in after])


def _next(told: Outline, hand: Hand) -> Data:
    w = hand.words
    windows = [
        w(
            f"window.{window.state.value}",
            opens=w.date(window.opens),
            closes=w.date(window.closes),
            first=w.date(window.first),
            held=w.date(window.held_on) if window.held_on else "",
        )
        for window in told.windows
    ]
    proposed = w("window.proposed", opens=w.date(told.proposed[0]), closes=w.date(told.proposed[1]))
    return _panel(w("direction.next"), after=windows or [proposed])


def _panel(
    title: str, *, before: list[str] | None = None, facts: list[Data] | None = None, after: list[str] | None = None
) -> Data:
    return {"title": title, "before": before or [], "facts": facts or [], "after": after or []}
