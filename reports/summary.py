"""The summary a terminal shows: the levels, what is most urgent, and what could not be seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from probes.interface import MANDATED, Status
from reports.advice import explained
from reports.dossier import Dossier
from reports.prose import case
from reports.visible import visible
from reports.words import Words, load
from rules.criteria import WindowState
from rules.interface import Card, Finding, Outcome, Severity

#: Failed steps of a directory that are told one by one, with what to do.
_EXPLAINED = 8
#: What is said of a control window, by its state; one that is held needs no word.
_WINDOWS = {
    WindowState.UPCOMING: "window",
    WindowState.OPEN: "window",
    WindowState.MISSED: "window-missed",
}


def render(dossier: Dossier, cards: Mapping[str, Card], language: str = "fr") -> str:
    """Return the summary as plain text; every word of a stranger is made visible."""
    w = load(language)
    lines = [f"{visible(dossier.perimeter.name)} — {visible(dossier.scan.id)}", ""]
    if dossier.exposure:
        lines.append(w("summary.exposure", level=dossier.exposure))
    lines += [w("summary.directory", asset=visible(d.asset), level=d.level) for d in dossier.directory]
    lines += ["", *_findings(dossier, cards, w), "", *_criteria(dossier, w)]
    lines += [*_unseen(dossier, w), "", w("page.notice")]
    return "\n".join(lines) + "\n"


def _findings(dossier: Dossier, cards: Mapping[str, Card], w: Words) -> list[str]:
    unmet = [f for f in dossier.findings if f.outcome is Outcome.NOT_MET]
    waived = sum(bool(f.waiver) for f in unmet)
    found = sorted((f for f in unmet if not f.waiver), key=lambda f: (f.severity.rank, f.rule, f.asset))
    counts = Counter(f.severity for f in found)
    told = w.listed([w.count(f"summary.severity.{s.value}", counts[s]) for s in Severity if counts[s]])
    concluded = any(f.outcome in {Outcome.MET, Outcome.NOT_MET} for f in dossier.findings)
    none = w("summary.none" if concluded else "summary.nothing")
    lines = [w("summary.findings", counts=told) if found else none]
    lines += [_line(f, cards[f.rule], w) for f in found]
    return [*lines, *([w.count("summary.waived", waived)] if waived else [])]


def _line(finding: Finding, card: Card, w: Words) -> str:
    severity, told = w(f"severity.{finding.severity.value}"), visible(case(card, finding, w), 300)
    return f"  [{severity}] {visible(finding.asset, 200)}{w('colon')}{told} ({finding.rule})"


def _criteria(dossier: Dossier, w: Words) -> list[str]:
    """Where each objective stands and why, then the days in which a control is proposed."""
    lines = []
    for of in dict.fromkeys(f"{o.set}@{o.version}" for o in dossier.objectives):
        lines.append(f"{w('criteria.title')} {visible(of)}")
        for o in (o for o in dossier.objectives if f"{o.set}@{o.version}" == of):
            status, label, why = w(f"criterion.{o.status.value}"), o.label.in_(w.language), o.told.in_(w.language)
            lines.append(visible(f"  [{status}] {label}{w('colon')}{why}"))
    for window in sorted({c.window for c in dossier.criteria if c.window}, key=lambda w: (w.opens, w.by)):
        key = _WINDOWS.get(window.state)
        if key:
            days = {name: w.date(getattr(window, name)) for name in ("opens", "closes", "first")}
            lines.append("  " + w(f"summary.{key}", **days))
    return [*lines, ""] if lines else []


def _unseen(dossier: Dossier, w: Words) -> list[str]:
    unknown = sum(f.outcome is Outcome.UNDETERMINED for f in dossier.findings)
    missed = Counter(a.reason.value for a in dossier.attempts if a.status in {Status.FAILED, Status.FAULT})
    skipped = sum(a.reason in MANDATED for a in dossier.attempts)
    lines = [w.count("summary.unknown", unknown)] if unknown else []
    if missed:
        reasons = w.listed([w("summary.reason", reason=w.reason(r), count=n) for r, n in sorted(missed.items())])
        lines.append(w.count("summary.missed", sum(missed.values()), reasons=reasons))
    told = [
        a for a in dossier.attempts if a.status in {Status.FAILED, Status.FAULT} and a.probe.startswith("directory")
    ]
    lines += [f"  {visible(explained(w, a), 600)}" for a in told[:_EXPLAINED]]
    if skipped:
        lines.append(w.count("summary.skipped", skipped))
    return lines
