"""SARIF 2.1.0 (OASIS): findings for ticketing tools; undetermined ones are ``open``, never ``pass``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from probes.interface import Attempt, Status
from reports.dossier import Dossier
from reports.interface import SHOWN_OBJECTS, Format
from reports.json import canonical
from reports.prose import case, plain
from reports.visible import visible
from reports.words import Words, load
from rules.interface import Card, Finding, Outcome, Severity
from rules.subject import Waiver

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_KINDS = {
    Outcome.MET: "pass",
    Outcome.NOT_MET: "fail",
    Outcome.UNDETERMINED: "open",
    Outcome.NOT_APPLICABLE: "notApplicable",
}


def render(dossier: Dossier, cards: Mapping[str, Card], language: str) -> bytes:
    """Return the log, with one run."""
    words = load(language)
    used = sorted({f.rule for f in dossier.findings} & cards.keys())
    index = {rule: position for position, rule in enumerate(used)}
    waivers = {waiver.id: waiver for waiver in dossier.waivers}
    run = {
        "tool": {"driver": _driver(dossier, [cards[rule] for rule in used], words)},
        "automationDetails": {"id": f"hygie/{visible(dossier.perimeter.id)}/{dossier.scan.id}"},
        "language": language,
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(dossier, words)],
        "results": [
            _result(f, index[f.rule], cards[f.rule], waivers, words) for f in dossier.findings if f.rule in index
        ],
        "properties": {"judgement": dossier.judgement.id, "note": words("page.notice")},
    }
    return canonical({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _driver(dossier: Dossier, cards: list[Card], words: Words) -> dict[str, Any]:
    return {
        "name": "Hygie",
        "version": dossier.scan.versions.get("hygie", "0"),
        "rules": [_rule(card, words) for card in cards],
    }


def _rule(card: Card, words: Words) -> dict[str, Any]:
    own = card.words(words.language)
    return {
        "id": card.rule,
        "shortDescription": {"text": plain(own.title, words)},
        "fullDescription": {"text": plain(own.why, words)},
        "help": {"text": f"{plain(own.remedy, words)}\n\n{words('administrator.again')}\n{plain(own.again, words)}"},
        "defaultConfiguration": {"level": _LEVELS[card.severity]},
        "properties": {
            "severity": card.severity.value,
            "effort": card.effort.value,
            "maturity": card.maturity.value,
            "tags": [tag for tag in (card.control, card.check, *card.references) if tag],
        },
    }


def _result(finding: Finding, index: int, card: Card, waivers: Mapping[str, Waiver], words: Words) -> dict[str, Any]:
    failed = finding.outcome is Outcome.NOT_MET
    found: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "kind": _KINDS[finding.outcome],
        "level": _LEVELS[finding.severity] if failed else "none",
        "message": {"text": _message(finding, card, words)},
        "locations": [{"logicalLocations": [{"fullyQualifiedName": visible(finding.asset), "kind": "resource"}]}],
        "partialFingerprints": {"hygie/v1": finding.fingerprint},
        "properties": {
            "severity": finding.severity.value,
            "confidence": finding.confidence.value,
            "vantage": finding.vantage.value,
            "first_seen": finding.first_seen,
            "last_seen": finding.last_seen,
            "objects_count": len(finding.objects),
            "objects": [visible(o.dn or o.name or o.id) for o in finding.objects[:SHOWN_OBJECTS]],
        },
    }
    if finding.waiver:
        waiver = waivers.get(finding.waiver)
        why = {"justification": visible(waiver.reason)} if waiver else {}
        found["suppressions"] = [{"kind": "external", "status": "accepted"} | why]
    return found


def _message(finding: Finding, card: Card, words: Words) -> str:
    """One sentence; SARIF reads braces as placeholders and brackets as links, so both are escaped (3.11.5, 3.11.6)."""
    if finding.outcome is Outcome.NOT_MET:
        text = case(card, finding, words)
    else:
        text = f"{plain(card.words(words.language).title, words)} – {words(f'outcome.{finding.outcome.value}')}"
        if finding.outcome is Outcome.UNDETERMINED:
            text += words("colon") + words.reason(finding.reason)
    shown = visible(text)
    for character in "\\[]":
        shown = shown.replace(character, f"\\{character}")
    return shown.replace("{", "{{").replace("}", "}}")


def _invocation(dossier: Dossier, words: Words) -> dict[str, Any]:
    parts = dossier.scan.parts
    ended = [part.ended_at for part in parts if part.ended_at]
    told: dict[str, Any] = {
        "executionSuccessful": dossier.scan.state == "complete",
        "startTimeUtc": _utc(min(part.started_at for part in parts).isoformat()),
        "toolExecutionNotifications": [
            _notification(a, words) for a in dossier.attempts if a.status in {Status.FAILED, Status.FAULT}
        ],
    }
    return told | ({"endTimeUtc": _utc(max(ended).isoformat())} if ended else {})


def _notification(attempt: Attempt, words: Words) -> dict[str, Any]:
    text = f"{visible(attempt.probe)}, {visible(attempt.asset)}{words('colon')}{words.reason(attempt.reason.value)}"
    return {
        "descriptor": {"id": attempt.reason.value},
        "level": "error" if attempt.status is Status.FAULT else "warning",
        "message": {"text": text.replace("{", "{{").replace("}", "}}")},
    }


def _utc(instant: str) -> str:
    return instant.replace("+00:00", "Z")


FORMAT: Format[Dossier] = Format(suffix="sarif", media_type="application/sarif+json", render=render)
