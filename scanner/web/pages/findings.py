"""Findings: a list that can be filtered and bookmarked, and one finding with its proof, remedy and history."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import date, timedelta

from rules.interface import Finding, Outcome, Severity
from rules.registry import load as registry
from rules.subject import Waiver
from scanner.store.sightings import Filter, FoundFindings, Moment
from scanner.web.rights import Right
from scanner.web.route import Action, Asked, Going, Page, Refused

#: A risk is accepted for twelve months at most.
_LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """A page of findings, what was asked for, and what may be asked for."""

    filter: Filter
    found: FoundFindings
    families: tuple[str, ...]
    waived: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One finding: how it stood in each scan, its waivers, and the scan it was seen in."""

    finding: Finding
    scan: str
    history: tuple[Moment, ...]
    waivers: tuple[Waiver, ...]
    longest: date


def _findings(asked: Asked) -> Findings:
    wanted = _filter(asked)
    found = asked.store.sightings.findings(asked.perimeter, wanted)
    return Findings(
        filter=replace(wanted, page=found.page),
        found=found,
        families=tuple(sorted({rule.family for rule in registry().rules.values()})),
        waived=frozenset(
            w.fingerprint for w in asked.store.waivers.granted(asked.perimeter) if w.expires >= asked.now.date()
        ),
    )


def _filter(asked: Asked) -> Filter:
    query = asked.query
    page = query.get("page", "1")
    outcome = query.get("outcome", Outcome.NOT_MET.value)
    return Filter(
        outcome="" if outcome == "all" else outcome,
        severity=query.get("severity", "") if query.get("severity", "") in set(Severity) else "",
        part=query.get("part", "") if query.get("part", "") in {"exposure", "directory", "import"} else "",
        family=query.get("family", ""),
        text=query.get("text", "").strip(),
        page=int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
    )


def _sheet(asked: Asked) -> Sheet:
    finding, scan = asked.store.sightings.finding(asked.perimeter, asked.path["fingerprint"])
    return Sheet(
        finding=finding,
        scan=scan,
        history=asked.store.sightings.history(asked.perimeter, finding.fingerprint),
        waivers=tuple(w for w in asked.store.waivers.granted(asked.perimeter) if w.fingerprint == finding.fingerprint),
        longest=asked.now.date() + _LONGEST,
    )


def _waive(asked: Asked) -> Going:
    finding, _ = asked.store.sightings.finding(asked.perimeter, asked.path["fingerprint"])
    reason, owner = asked.form.get("reason", "").strip(), asked.form.get("owner", "").strip()
    if not reason or not owner:
        raise Refused(asked.say("Indiquez le motif et le responsable.", "Give the reason and who answers for it."))
    expires = _day(asked, asked.form.get("expires", ""))
    waiver = Waiver(
        id=uuid.uuid4().hex[:12],
        fingerprint=finding.fingerprint,
        reason=reason[:2000],
        owner=owner[:200],
        granted_at=asked.now,
        expires=expires,
        perimeter=asked.perimeter,
        about=f"{finding.rule}@{finding.asset}",
    )
    asked.store.waivers.grant(waiver)
    told = asked.say("Risque accepté jusqu’au {}.", "Risk accepted until {}.").format(expires.isoformat())
    return Going(to=_address(asked), told=told, data=waiver.id)


def _day(asked: Asked, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refused(asked.say("L’échéance n’est pas une date.", "The expiry is no date.")) from None
    if not asked.now.date() < day <= asked.now.date() + _LONGEST:
        raise Refused(
            asked.say("L’échéance est à venir, à douze mois au plus.", "The expiry is to come, within twelve months.")
        )
    return day


def _withdraw(asked: Asked) -> Going:
    finding, _ = asked.store.sightings.finding(asked.perimeter, asked.path["fingerprint"])
    known = {w.id for w in asked.store.waivers.granted(asked.perimeter) if w.fingerprint == finding.fingerprint}
    if asked.form.get("waiver", "") not in known:
        raise Refused(asked.say("Cette acceptation n’existe plus.", "There is no such waiver."))
    asked.store.waivers.withdraw(asked.form["waiver"], asked.form.get("reason", "").strip())
    return Going(to=_address(asked), told=asked.say("Acceptation retirée.", "Waiver withdrawn."))


def _address(asked: Asked) -> str:
    return f"/p/{asked.perimeter}/findings/{asked.path['fingerprint']}"


FINDINGS = Page(
    path="/p/{perimeter}/findings",
    right=Right.READ,
    template="findings.html",
    read=_findings,
    returns=Findings,
    title=("Constats", "Findings"),
    query={
        "outcome": "not-met (default), met, undetermined, not-applicable or all",
        "severity": "critical, high, medium, low or info",
        "part": "exposure, directory or import",
        "family": "a family of rules",
        "text": "sought in rules and assets",
        "page": "from 1; 50 findings a page",
    },
)
FINDING = Page(
    path="/p/{perimeter}/findings/{fingerprint}",
    right=Right.READ,
    template="finding.html",
    read=_sheet,
    returns=Sheet,
    title=("Constat", "Finding"),
)
WAIVE = Action(
    path="/p/{perimeter}/findings/{fingerprint}/waive",
    right=Right.DECIDE,
    do=_waive,
    fields={"reason": "why", "owner": "who answers for it", "expires": "a day, within twelve months"},
    title=("Accepter le risque", "Accept the risk"),
)
WITHDRAW = Action(
    path="/p/{perimeter}/findings/{fingerprint}/withdraw",
    right=Right.DECIDE,
    do=_withdraw,
    fields={"waiver": "its id", "reason": "why"},
    title=("Retirer l’acceptation", "Withdraw the waiver"),
)
