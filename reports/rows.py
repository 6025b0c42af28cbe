"""Findings as rows of a table, for spreadsheets: every cell plain, visible, and never the start of a formula."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reports.dossier import Dossier
from reports.prose import case, plain
from reports.visible import visible
from reports.words import Words
from rules.interface import Card, Finding, ObjectRef, Outcome

#: What a spreadsheet takes for the start of a formula.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
#: Longest text of a cell.
LONGEST = 30_000

COLUMNS = (
    "perimeter", "scan", "rule", "title", "check", "control", "family", "asset", "outcome", "reason", "severity",
    "confidence", "maturity", "levels", "effort", "case", "object_id", "object_name", "object_dn", "waiver", "vantage",
    "first_seen", "last_seen", "fingerprint", "evidence",
)  # fmt: skip


def inert(text: str) -> str:
    """Return a cell that no spreadsheet, terminal or editor takes for anything but text."""
    return ("'" if text.startswith(_DANGEROUS) else "") + visible(text, LONGEST)


def rows(dossier: Dossier, cards: Mapping[str, Card], words: Words) -> Iterator[tuple[str, ...]]:
    """Yield one row a finding and object; a finding without object has one row."""
    for finding in dossier.findings:
        head, tail = _cells(dossier, finding, cards.get(finding.rule), words)
        for about in finding.objects or (ObjectRef(id="", name=""),):
            yield tuple(inert(cell) for cell in (*head, about.id, about.name, about.dn, *tail))


def _cells(
    dossier: Dossier, finding: Finding, card: Card | None, words: Words
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    head = (
        dossier.perimeter.id,
        dossier.scan.id,
        finding.rule,
        plain(card.words(words.language).title, words) if card else "",
        finding.check,
        finding.control,
        finding.family,
        finding.asset,
        finding.outcome.value,
        finding.reason,
        finding.severity.value,
        finding.confidence.value,
        finding.maturity.value,
        " ".join(map(str, finding.levels)),
        card.effort.value if card else "",
        case(card, finding, words) if card and finding.outcome is Outcome.NOT_MET else "",
    )
    tail = (
        finding.waiver,
        finding.vantage.value,
        finding.first_seen.isoformat(),
        finding.last_seen.isoformat(),
        finding.fingerprint,
        " ".join(finding.evidence),
    )
    return head, tail
