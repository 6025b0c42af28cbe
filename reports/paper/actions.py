"""The plan and the cards of the PDF: one card a rule, and a bound on the rows it carries."""

from __future__ import annotations

from reports.dossier import Dossier
from reports.interface import SHOWN_OBJECTS
from reports.outline import Outline
from reports.paper.text import Data, Hand, breakable, drawn
from reports.prose import case
from reports.topics import Topic
from rules.interface import Finding

#: Rows of findings and objects that a PDF carries at most; the attached JSON report carries all.
MAXIMUM_ROWS = 1500


def officer(dossier: Dossier, told: Outline, hand: Hand) -> Data:
    """Return the action plan and the accepted risks."""
    w = hand.words
    return {
        "title": w("officer.title"),
        "lead": w("officer.lead") if told.todo else w("direction.nothing"),
        "tiers": [
            {
                "title": w(f"tier.{tier.name}"),
                "header": hand.header("number", "action", "severity", "effort", "where", "since"),
                "rows": [_planned(topic, told, hand) for topic in tier.topics],
            }
            for tier in told.tiers
        ],
        "accepted": _accepted(dossier, told, hand),
    }


def _planned(topic: Topic, told: Outline, hand: Hand) -> Data:
    w = hand.words
    return {
        "rank": str(told.rank[topic.card.rule]),
        "title": _title(topic, hand),
        "severity": hand.severity(topic.severity),
        "effort": w(f"effort.{topic.card.effort.value}"),
        "where": w.count("targets", len(topic.findings)),
        "since": w.date(min(f.first_seen for f in topic.findings).date()),
    }


def _accepted(dossier: Dossier, told: Outline, hand: Hand) -> Data:
    w, waivers = hand.words, {waiver.id: waiver for waiver in dossier.waivers}
    rows = []
    for topic in told.accepted:
        for finding in topic.findings[:SHOWN_OBJECTS]:
            waiver, why = waivers.get(finding.waiver), finding.waiver
            if waiver:
                why = w("officer.waiver", reason=waiver.reason, owner=waiver.owner, expires=w.date(waiver.expires))
            row = {"title": _title(topic, hand), "asset": breakable(finding.asset), "why": drawn(why)}
            rows.append(row | {"severity": hand.severity(finding.severity)})
    return {
        "title": w("officer.accepted"),
        "lead": w("officer.accepted-caption"),
        "header": hand.header("requirement", "asset", "severity", "waiver"),
        "rows": rows,
    }


def administrator(told: Outline, hand: Hand) -> Data:
    """Return the cards, each with an equal share of the rows."""
    w, shown = hand.words, (*told.todo, *told.accepted)
    share = max(1, min(SHOWN_OBJECTS, MAXIMUM_ROWS // (2 * max(1, len(shown)))))
    kept = shown[: MAXIMUM_ROWS // (2 * share)]
    return {
        "title": w("administrator.title"),
        "lead": w("administrator.lead") if shown else w("direction.nothing"),
        "cards": [_card(topic, told, share, hand) for topic in kept],
        "cut": w("paper.cards-cut", shown=len(kept), count=len(shown)) if len(kept) < len(shown) else None,
    }


def _card(topic: Topic, told: Outline, share: int, hand: Hand) -> Data:
    w, card = hand.words, topic.card
    own, waived = card.words(w.language), bool(topic.findings[0].waiver)
    meta = (
        w(f"part.{topic.part.value}"),
        w("effort-of", effort=w(f"effort.{card.effort.value}")),
        w("confidence-of", confidence=w(f"confidence.{topic.findings[0].confidence.value}")),
        *((w("administrator.accepted"),) if waived else ()),
    )
    references = (card.rule, card.control, *card.references)
    return {
        "title": _title(topic, hand) if waived else f"{told.rank[card.rule]}. {_title(topic, hand)}",
        "severity": hand.severity(topic.severity),
        "meta": " · ".join(meta),
        "why": hand.prose(own.why),
        "cases": {
            "header": hand.header("asset", "proof", "seen"),
            "rows": [_case(topic, finding, hand) for finding in topic.findings[:share]],
        },
        "cut": _cut("paper.cases-cut", share, len(topic.findings), hand),
        "remedy": hand.paragraphs(own.remedy),
        "again": hand.paragraphs(own.again),
        "objects": _objects(topic, share, hand),
        "references": " · ".join(drawn(text) for text in references if text),
    }


def _case(topic: Topic, finding: Finding, hand: Hand) -> Data:
    return {
        "asset": breakable(finding.asset),
        "found": drawn(case(topic.card, finding, hand.words)),
        "seen": hand.words.date(finding.seen_at.date()),
    }


def _objects(topic: Topic, share: int, hand: Hand) -> list[Data]:
    """The objects of the findings of a card, as many rows as its share."""
    found, left = [], share
    for finding in topic.findings:
        items = finding.objects[:left]
        if items:
            left -= len(items)
            title = hand.words.count("administrator.objects", len(finding.objects))
            found.append(
                {
                    "title": title if len(topic.findings) == 1 else f"{title} – {drawn(finding.asset)}",
                    "items": [{"name": drawn(o.name), "id": breakable(o.dn or o.id)} for o in items],
                    "cut": _cut("paper.objects-cut", len(items), len(finding.objects), hand),
                }
            )
    return found


def _cut(key: str, shown: int, count: int, hand: Hand) -> str | None:
    return hand.words(key, shown=shown, count=hand.words.number(count)) if count > shown else None


def _title(topic: Topic, hand: Hand) -> str:
    return drawn(hand.words.typeset(topic.card.words(hand.words.language).title))
