"""XLSX: the plan, the findings, their objects, the criteria, what was not seen and the assets, each on a sheet."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

from reports.dossier import Dossier, SeenAsset
from reports.interface import SHOWN_OBJECTS, Format
from reports.outline import Outline, outline
from reports.prose import case, plain
from reports.words import Words, load
from reports.workbook import Cell, workbook
from rules.interface import Card, Finding, Outcome

Row = tuple[Cell, ...]

# The columns of each sheet, by the key of their words, with their width in characters.
_SUMMARY = {"what": 34, "value": 60}
_PLAN = {
    "number": 6, "action": 44, "severity": 12, "effort": 16, "tier": 26, "where": 12, "since": 18, "remedy": 70,
    "again": 70,
}  # fmt: skip
_FINDINGS = {
    "requirement": 44, "asset": 40, "outcome": 16, "severity": 12, "reason": 28, "proof": 70, "objects": 10,
    "confidence": 14, "since": 20, "seen": 20, "waiver": 14, "rule": 26, "fingerprint": 36,
}  # fmt: skip
_OBJECTS = {"rule": 36, "asset": 36, "object": 46, "name": 36, "dn": 80}
_CRITERIA = {
    "objective": 36, "indicator": 44, "code": 12, "status": 18, "measure": 18, "target": 18, "source": 18,
    "coverage": 22, "told": 70,
}  # fmt: skip
_UNSEEN = {"asset": 44, "step": 16, "status": 16, "reason": 30, "detail": 80}
_ASSETS = {"asset": 44, "kind": 26, "addresses": 36, "found-by": 40, "scope": 18}


def render(dossier: Dossier, cards: Mapping[str, Card], language: str) -> bytes:
    """Return the workbook."""
    words, told, out = load(language), outline(dossier, cards), io.BytesIO()
    sheets: tuple[tuple[str, Mapping[str, int], Iterator[Row]], ...] = (
        ("sheet.summary", _SUMMARY, _summary(dossier, told, words)),
        ("officer.plan", _PLAN, _plan(told, words)),
        ("column.findings", _FINDINGS, _findings(dossier, cards, words)),
        ("sheet.objects", _OBJECTS, _objects(dossier, words)),
        ("criteria.title", _CRITERIA, _criteria(told, words)),
        ("sheet.unseen", _UNSEEN, _attempts(told, words)),
        ("assets.title", _ASSETS, _assets(dossier, words)),
    )
    with workbook(out, title=dossier.perimeter.name, language=language, at=dossier.judgement.made_at) as book:
        for name, columns, rows in sheets:
            book.sheet(words(name), {words(f"column.{c}"): width for c, width in columns.items()}, rows)
    return out.getvalue()


def _summary(dossier: Dossier, told: Outline, words: Words) -> Iterator[Row]:
    yield words("column.name"), dossier.perimeter.name
    yield words("method.scan"), dossier.scan.id
    for part in dossier.scan.parts:
        yield words(f"part.{part.kind.value}"), words.instant(part.started_at)
    if dossier.exposure:
        yield words("direction.exposure"), f"{dossier.exposure} / 5"
    for level in told.subjects:
        yield words("direction.directory", name=level.asset.partition(":")[2]), f"{level.level} / 5"
    for severity, count in told.counts.items():
        yield words(f"severity.{severity.value}"), count
    yield words("direction.concluded"), words("percent", n=told.coverage.share)
    yield words("mandate.reference"), dossier.scan.mandate.reference
    yield words("method.judgement"), dossier.judgement.id
    yield words("sheet.note"), words("page.notice-long")


def _plan(told: Outline, words: Words) -> Iterator[Row]:
    for tier in told.tiers:
        for topic in tier.topics:
            own = topic.card.words(words.language)
            yield (
                told.rank[topic.card.rule],
                plain(own.title, words),
                words(f"severity.{topic.severity.value}"),
                words(f"effort.{topic.card.effort.value}"),
                words(f"tier.{tier.name}"),
                len(topic.findings),
                words.date(min(f.first_seen for f in topic.findings).date()),
                plain(own.remedy, words),
                plain(own.again, words),
            )


def _findings(dossier: Dossier, cards: Mapping[str, Card], words: Words) -> Iterator[Row]:
    for finding in dossier.findings:
        card = cards.get(finding.rule)
        yield (
            plain(card.words(words.language).title, words) if card else finding.rule,
            finding.asset,
            words(f"outcome.{finding.outcome.value}"),
            words(f"severity.{finding.severity.value}"),
            words.reason(finding.reason) if finding.outcome is Outcome.UNDETERMINED else finding.reason,
            case(card, finding, words) if card and finding.outcome is Outcome.NOT_MET else "",
            len(finding.objects),
            words(f"confidence.{finding.confidence.value}"),
            finding.first_seen.isoformat(),
            finding.seen_at.isoformat(),
            finding.waiver,
            finding.rule,
            finding.fingerprint,
        )


def _objects(dossier: Dossier, words: Words) -> Iterator[Row]:
    for finding in dossier.findings:
        for about in finding.objects[:SHOWN_OBJECTS]:
            yield finding.rule, finding.asset, about.id, about.name, about.dn
        if len(finding.objects) > SHOWN_OBJECTS:
            yield finding.rule, finding.asset, "", _rest(finding, dossier.scan.id, words), ""


def _rest(finding: Finding, scan: str, words: Words) -> str:
    count = words.number(len(finding.objects))
    return words("administrator.rest", shown=SHOWN_OBJECTS, count=count, scan=scan)


def _criteria(told: Outline, words: Words) -> Iterator[Row]:
    for objective, results in told.criteria:
        for result in results:
            yield (
                objective.label.in_(words.language),
                result.label.in_(words.language),
                result.code,
                words(f"criterion.{result.status.value}"),
                result.measured.in_(words.language),
                result.target.in_(words.language),
                words(f"source.{result.target_status.value}"),
                result.coverage.in_(words.language),
                result.told.in_(words.language),
            )


def _attempts(told: Outline, words: Words) -> Iterator[Row]:
    for attempt in (*told.coverage.broken, *told.coverage.postponed, *told.coverage.left_out):
        yield (
            attempt.asset,
            attempt.probe,
            words(f"status.{attempt.status.value}"),
            words.reason(attempt.reason.value),
            words.detail(attempt.detail),
        )


def _assets(dossier: Dossier, words: Words) -> Iterator[Row]:
    for seen in dossier.assets:
        yield (
            seen.asset.name,
            words(f"kind.{seen.asset.kind.value}"),
            ", ".join(seen.asset.addresses),
            _found(seen, words),
            words("assets.in") if seen.in_scope else words("assets.out"),
        )


def _found(seen: SeenAsset, words: Words) -> str:
    """The asset that led to another, and in what."""
    asset = seen.asset
    place = f" ({words(f'found-in.{asset.found_in.value}')})" if asset.found_in else ""
    return f"{asset.found_by}{place}" if asset.found_by else words("assets.declared")


FORMAT: Format[Dossier] = Format(
    suffix="xlsx",
    media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    render=render,
)
