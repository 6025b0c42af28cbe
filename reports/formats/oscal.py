"""OSCAL assessment results (NIST): one finding a rule, one observation a judged asset, open and accepted risks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from reports.dossier import Dossier
from reports.interface import SHOWN_OBJECTS, Format
from reports.json import canonical
from reports.prose import case, plain
from reports.visible import visible
from reports.words import Words, load
from rules.interface import Card, Finding, Outcome

_VERSION = "1.1.3"
_SPACE = uuid5(NAMESPACE_URL, "urn:hygie:oscal")
_NS = "urn:hygie:oscal"


def render(dossier: Dossier, cards: Mapping[str, Card], language: str) -> bytes:
    """Return the results; every UUID is made of what it names, so the same judgement gives the same bytes."""
    words = load(language)
    judged: dict[str, list[Finding]] = defaultdict(list)
    for finding in dossier.findings:
        if finding.rule in cards and finding.outcome is not Outcome.NOT_APPLICABLE:
            judged[finding.rule].append(finding)
    document = {
        "uuid": _uuid("document", dossier.judgement.id),
        "metadata": {
            "title": visible(f"{dossier.perimeter.name} – {words('page.title')}"),
            "last-modified": dossier.judgement.made_at,
            "version": dossier.judgement.id,
            "oscal-version": _VERSION,
            "remarks": words("page.notice-long"),
        },
        "import-ap": {"href": f"#{_uuid('mandate', dossier.scan.mandate.reference)}"},
        "results": [_result(dossier, judged, cards, words)],
        "back-matter": {"resources": [_mandate(dossier, words)]},
    }
    return canonical({"assessment-results": document})


def _result(
    dossier: Dossier, judged: Mapping[str, list[Finding]], cards: Mapping[str, Card], words: Words
) -> dict[str, Any]:
    parts = dossier.scan.parts
    ended = [part.ended_at for part in parts if part.ended_at]
    rules = sorted(judged)
    selection: dict[str, Any] = {"include-controls": [{"control-id": rule} for rule in rules]}
    told: dict[str, Any] = {
        "uuid": _uuid("result", dossier.judgement.id),
        "title": visible(dossier.scan.id),
        "description": words("method.levels"),
        "start": min(part.started_at for part in parts),
        "props": _levels(dossier),
        "reviewed-controls": {"control-selections": [selection if rules else {"include-all": {}}]},
        "remarks": words("method.ignorance"),
    }
    optional = {
        "local-definitions": {"inventory-items": [_item(asset) for asset in _assets(judged)]},
        "observations": [_observation(f, cards[f.rule], words) for rule in rules for f in judged[rule]],
        "risks": [
            _risk(cards[rule], failed, words)
            for rule in rules
            if (failed := [f for f in judged[rule] if f.outcome is Outcome.NOT_MET])
        ],
        "findings": [_finding(cards[rule], judged[rule], words) for rule in rules],
    }
    return told | (optional if rules else {}) | ({"end": max(ended)} if ended else {})


def _levels(dossier: Dossier) -> list[dict[str, str]]:
    levels = [("exposure-level", dossier.exposure)] if dossier.exposure else []
    levels += [("directory-level", level.level) for level in dossier.directory]
    return [
        {"name": "scan", "ns": _NS, "value": visible(dossier.scan.id)},
        *({"name": name, "ns": _NS, "value": f"{level.guaranteed}-{level.best}"} for name, level in levels if level),
    ]


def _assets(judged: Mapping[str, list[Finding]]) -> list[str]:
    return sorted({f.asset for findings in judged.values() for f in findings})


def _item(asset: str) -> dict[str, Any]:
    return {"uuid": _uuid("asset", asset), "description": visible(asset)}


def _observation(finding: Finding, card: Card, words: Words) -> dict[str, Any]:
    text = case(card, finding, words) if finding.outcome is Outcome.NOT_MET else _outcome(finding, words)
    told: dict[str, Any] = {
        "uuid": _uuid("observation", finding.fingerprint),
        "description": visible(text),
        "methods": ["TEST"],
        "types": ["finding"],
        "subjects": [{"subject-uuid": _uuid("asset", finding.asset), "type": "inventory-item"}],
        "collected": finding.seen_at,
        "props": [
            {"name": "outcome", "ns": _NS, "value": finding.outcome.value},
            {"name": "severity", "ns": _NS, "value": finding.severity.value},
            {"name": "confidence", "ns": _NS, "value": finding.confidence.value},
            {"name": "fingerprint", "ns": _NS, "value": finding.fingerprint},
            {"name": "objects-count", "ns": _NS, "value": str(len(finding.objects))},
        ],
    }
    evidence = [{"description": f"observation {proof}"} for proof in finding.evidence]
    evidence += [{"description": visible(o.dn or o.name or o.id)} for o in finding.objects[:SHOWN_OBJECTS]]
    return told | ({"relevant-evidence": evidence} if evidence else {})


def _outcome(finding: Finding, words: Words) -> str:
    outcome = words(f"outcome.{finding.outcome.value}")
    return outcome + (words("colon") + words.reason(finding.reason) if finding.reason else "")


def _finding(card: Card, findings: Iterable[Finding], words: Words) -> dict[str, Any]:
    own, findings = card.words(words.language), list(findings)
    outcomes = {f.outcome for f in findings}
    failed = Outcome.NOT_MET in outcomes
    unknown = Outcome.UNDETERMINED in outcomes
    told: dict[str, Any] = {
        "uuid": _uuid("finding", card.rule),
        "title": plain(own.title, words),
        "description": plain(own.why, words),
        "target": {
            "type": "objective-id",
            "target-id": card.rule,
            "status": {
                "state": "not-satisfied" if failed or unknown else "satisfied",
                "reason": "fail" if failed else "other" if unknown else "pass",
                **({"remarks": words("oscal.unknown")} if unknown else {}),
            },
        },
        "related-observations": [{"observation-uuid": _uuid("observation", f.fingerprint)} for f in findings],
    }
    return told | ({"related-risks": [{"risk-uuid": _uuid("risk", card.rule)}]} if failed else {})


def _risk(card: Card, failed: Iterable[Finding], words: Words) -> dict[str, Any]:
    own, failed = card.words(words.language), list(failed)
    return {
        "uuid": _uuid("risk", card.rule),
        "title": plain(own.title, words),
        "description": plain(own.why, words),
        "statement": words.count("targets", len(failed)),
        "status": "deviation-approved" if all(f.waiver for f in failed) else "open",
        "remediations": [
            {
                "uuid": _uuid("remedy", card.rule),
                "lifecycle": "recommendation",
                "title": words("administrator.remedy"),
                "description": plain(own.remedy, words),
            }
        ],
    }


def _mandate(dossier: Dossier, words: Words) -> dict[str, Any]:
    mandate = dossier.scan.mandate
    told: dict[str, Any] = {
        "uuid": _uuid("mandate", mandate.reference),
        "title": visible(f"{words('mandate.reference')} {mandate.reference}"),
        "description": words.typeset(words("mandate.from-to", first=mandate.valid_from, last=mandate.valid_until)),
    }
    if mandate.document_sha256:
        digest = {"algorithm": "SHA-256", "value": mandate.document_sha256}
        told["rlinks"] = [{"href": "urn:hygie:mandate", "hashes": [digest]}]
    return told


def _uuid(kind: str, name: str) -> str:
    return str(uuid5(_SPACE, f"{kind}\n{visible(name)}"))


FORMAT: Format[Dossier] = Format(suffix="oscal.json", media_type="application/json", render=render)
