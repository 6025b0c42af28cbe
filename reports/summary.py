"""The summary a terminal shows: the levels, what is most urgent, and what could not be seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from probes.interface import MANDATED, Status
from reports.dossier import Dossier
from reports.prose import case
from reports.visible import visible
from reports.words import load
from rules.criteria import WindowState
from rules.interface import Card, Finding, Outcome, Severity

_WORDS = {
    "fr": {
        "severity": dict(zip(Severity, ("critique", "majeure", "modérée", "mineure", "information"), strict=True)),
        "exposure": "Exposition : niveau estimé",
        "directory": "Annuaire {asset} : niveau estimé",
        "none": "Aucun constat.",
        "findings": "Constats",
        "unknown": "{count} règle(s) sans conclusion",
        "missed": "{count} étape(s) en échec : {reasons}",
        "skipped": "{count} étape(s) hors mandat",
        "window-missed": "Fenêtre de contrôle passée sans audit, du {opens} au {closes} (audit du {first})",
        "window": "Contrôle proposé entre le {opens} et le {closes}, après l’audit du {first}",
        "note": "Pré-évaluation Hygie : ni rapport ADS, ni SILENE, ni CERT Santé.",
    },
    "en": {
        "severity": {s: s.value for s in Severity},
        "exposure": "Exposure: estimated level",
        "directory": "Directory {asset}: estimated level",
        "none": "No finding.",
        "findings": "Findings",
        "unknown": "{count} rule(s) without conclusion",
        "missed": "{count} step(s) failed: {reasons}",
        "skipped": "{count} step(s) outside the mandate",
        "window-missed": "Control window passed without an audit, {opens} to {closes} (audit of {first})",
        "window": "Control proposed from {opens} to {closes}, after the audit of {first}",
        "note": "A Hygie pre-assessment: neither an ADS, nor a SILENE, nor a CERT Santé report.",
    },
}


#: What is said of a control window, by its state; one that is held needs no word.
_WINDOWS = {
    WindowState.UPCOMING: "window",
    WindowState.OPEN: "window",
    WindowState.MISSED: "window-missed",
}


def render(dossier: Dossier, cards: Mapping[str, Card], language: str = "fr") -> str:
    """Return the summary as plain text; every word of a stranger is made visible."""
    words = _WORDS[language]
    lines = [f"{visible(dossier.perimeter.name)} — {visible(dossier.scan.id)}", ""]
    if dossier.exposure:
        lines.append(f"{words['exposure']} {dossier.exposure} / 5")
    lines += [f"{_text(words, 'directory', asset=visible(d.asset))} {d.level} / 5" for d in dossier.directory]
    lines += ["", *_findings(dossier, cards, language), "", *_criteria(dossier, language)]
    lines += [*_unseen(dossier, words), "", str(words["note"])]
    return "\n".join(lines) + "\n"


def _text(words: Mapping[str, object], key: str, **values: object) -> str:
    return str(words[key]).format(**values)


def _findings(dossier: Dossier, cards: Mapping[str, Card], language: str) -> list[str]:
    words = _WORDS[language]
    found = [f for f in dossier.findings if f.outcome is Outcome.NOT_MET]
    if not found:
        return [str(words["none"])]
    found.sort(key=lambda f: (f.severity.rank, f.rule, f.asset))
    names = words["severity"]
    assert isinstance(names, dict)
    counts = Counter(f.severity for f in found)
    head = ", ".join(f"{counts[s]} {names[s]}" for s in Severity if counts[s])
    return [f"{words['findings']} : {head}", *(_line(f, cards[f.rule], names, language) for f in found)]


def _line(finding: Finding, card: Card, names: Mapping[Severity, str], language: str) -> str:
    told = visible(case(card, finding, load(language)), 300)
    return f"  [{names[finding.severity]}] {visible(finding.asset, 200)} : {told} ({finding.rule})"


def _criteria(dossier: Dossier, language: str) -> list[str]:
    """Where each objective stands and why, then the days in which a control is proposed."""
    w = load(language)
    lines = []
    for of in dict.fromkeys(f"{o.set}@{o.version}" for o in dossier.objectives):
        lines.append(f"{w('criteria.title')} {visible(of)}")
        for o in (o for o in dossier.objectives if f"{o.set}@{o.version}" == of):
            status, label, why = w(f"criterion.{o.status.value}"), o.label.in_(language), o.told.in_(language)
            lines.append(visible(f"  [{status}] {label} : {why}"))
    for window in sorted({c.window for c in dossier.criteria if c.window}, key=lambda w: (w.opens, w.by)):
        key = _WINDOWS.get(window.state)
        if key:
            days = {name: w.date(getattr(window, name)) for name in ("opens", "closes", "first")}
            lines.append("  " + str(_WORDS[language][key]).format(**days))
    return [*lines, ""] if lines else []


def _unseen(dossier: Dossier, words: Mapping[str, object]) -> list[str]:
    unknown = sum(f.outcome is Outcome.UNDETERMINED for f in dossier.findings)
    missed = Counter(a.reason.value for a in dossier.attempts if a.status in {Status.FAILED, Status.FAULT})
    skipped = sum(a.reason in MANDATED for a in dossier.attempts)
    lines = [_text(words, "unknown", count=unknown)] if unknown else []
    if missed:
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(missed.items()))
        lines.append(_text(words, "missed", count=sum(missed.values()), reasons=reasons))
    if skipped:
        lines.append(_text(words, "skipped", count=skipped))
    return lines
