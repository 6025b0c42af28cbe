"""The CaRE file of a perimeter: objectives and indicators, the documents attached, and the exports."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from reports.interface import find, names
from rules.attestations import AttestationKind, kinds
from rules.case import Case
from rules.criteria import CriterionResult, ObjectiveResult
from rules.interface import Finding, RuleError
from rules.levels import DirectoryLevel, Interval, directory_level
from rules.registry import load as registry
from rules.subject import Attestation
from scanner.criteria import named, weigh
from scanner.freezing import frozen
from scanner.judging import kept_dossier
from scanner.store.judgements import KeptJudgement
from scanner.web.rights import Right
from scanner.web.route import Action, Asked, Download, Going, Page, Refused, Unknown

#: The subject of the exposure level among those of a judgement.
_EXPOSURE = "exposure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """An objective with its indicators, the mandatory ones first."""

    objective: ObjectiveResult
    indicators: tuple[CriterionResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A frozen dossier by its SHA-256, when and by whom, and its document: ``same``, ``changed`` or ``missing``."""

    id: str
    at: datetime
    by: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CareFile:
    """Where each objective stands by the newest judged scan (``scan``, "" when there is none), and the documents.

    ``filed`` are the frozen dossiers; ``signs`` tells whether this server has a key for evidence packs.
    """

    scan: str
    aims: tuple[Aim, ...]
    attestations: tuple[Attestation, ...]
    formats: tuple[str, ...]
    filed: tuple[Filed, ...]
    signs: bool
    type: str
    types: tuple[tuple[str, str], ...]


def _file(asked: Asked) -> CareFile:
    attestations = asked.store.attestations.of(asked.perimeter)
    newest = max(asked.store.boards.standings(asked.perimeter).values(), key=lambda s: s.at, default=None)
    kept = asked.store.judgements.newest(newest.scan) if newest else None
    type = asked.query.get("type", "")
    return CareFile(
        scan=kept.scan if kept else "",
        aims=_aims(asked, kept, attestations) if kept else (),
        attestations=attestations,
        formats=names(),
        filed=tuple(
            Filed(id=f.dossier.id, at=f.dossier.frozen_at, by=f.dossier.frozen_by, state=f.state)
            for f in reversed(frozen(asked.settings, asked.store, asked.perimeter))
        ),
        signs=asked.settings.file.evidence.key is not None or bool(asked.settings.file.evidence.signer),
        type=type if type in kinds() else "",
        types=tuple((kind.type, kind.label.in_(asked.language)) for kind in kinds().values()),
    )


def _aims(asked: Asked, kept: KeptJudgement, attestations: tuple[Attestation, ...]) -> tuple[Aim, ...]:
    """Weigh the findings as they were kept: nothing is judged anew, nothing is written."""
    scan = asked.store.scans.find(kept.scan)
    case = Case(
        scan=scan,
        findings=kept.findings,
        directory=_directory(kept.levels, kept.findings),
        exposure=kept.levels.get(_EXPOSURE),
        timeline=asked.store.timelines.before(scan),
        attestations=attestations,
    )
    indicators, objectives = weigh(named(asked.settings.file.reports.criteria, asked.settings.folder), case)
    return tuple(
        Aim(
            objective=objective,
            indicators=tuple(
                sorted(
                    (i for i in indicators if (i.set, i.objective) == (objective.set, objective.objective)),
                    key=lambda i: (i.helper, not i.mandatory),
                )
            ),
        )
        for objective in objectives
    )


def _directory(levels: Mapping[str, Interval], findings: tuple[Finding, ...]) -> tuple[DirectoryLevel, ...]:
    return tuple(
        replace(directory_level(asset, [f for f in findings if f.asset == asset]), level=level)
        for asset, level in sorted(levels.items())
        if asset != _EXPOSURE
    )


def _attest(asked: Asked) -> Going:
    kind = kinds().get(asked.form.get("type", ""))
    name, document = asked.files.get("document", ("", b""))
    if kind is None:
        raise Refused(f"type: {', '.join(kinds())}")
    if not document:
        raise Refused(asked.say("Joignez le document lui-même.", "Attach the document itself."))
    attestation = Attestation(
        id=f"{asked.now:%Y%m%d}-{secrets.token_hex(4)}",
        type=kind.type,
        issuer=asked.form.get("issuer", "").strip()[:200],
        dated=_day(asked),
        document_sha256=hashlib.sha256(document).hexdigest(),
        values=_values(kind, asked.form),
        perimeter=asked.perimeter,
        entered_by=asked.identity.login,
        entered_at=asked.now,
        page=asked.form.get("page", "").strip()[:50],
    )
    asked.store.captures.keep(document)
    asked.store.attestations.keep(attestation)
    told = asked.say("Document joint.", "Document attached.")
    return Going(to=f"/p/{asked.perimeter}/dossier", told=told, data={"id": attestation.id, "name": name})


def _day(asked: Asked) -> date:
    try:
        day = date.fromisoformat(asked.form.get("dated", ""))
    except ValueError:
        raise Refused(asked.say("La date du document manque.", "The document’s date is missing.")) from None
    if day > asked.now.date():
        raise Refused(asked.say("Cette date est à venir.", "This date is to come."))
    return day


def _values(kind: AttestationKind, form: Mapping[str, str]) -> Mapping[str, str | int]:
    typed = {name: form[f"value-{name}"].strip() for name in kind.values if form.get(f"value-{name}", "").strip()}
    try:
        return kind.read(typed)
    except RuleError as error:
        raise Refused(str(error)) from error


def _export(asked: Asked) -> tuple[str, str, bytes]:
    """One format of the newest judged scan; that it was taken is noted."""
    if asked.path["format"] not in names():
        raise Unknown
    newest = max(asked.store.boards.standings(asked.perimeter).values(), key=lambda s: s.at, default=None)
    if newest is None:
        raise Unknown
    dossier = kept_dossier(asked.settings, asked.store, newest.scan)
    format = find(asked.path["format"])
    body = format.render(dossier, registry().cards, asked.language)
    digest = hashlib.sha256(body).hexdigest()
    asked.store.audit.note(
        "export", perimeter=asked.perimeter, scan=newest.scan, format=asked.path["format"], sha256=digest
    )
    name = f"hygie-{asked.perimeter}-{newest.scan}.{format.suffix.lstrip('.')}"
    return name, format.media_type, body


DOSSIER = Page(
    path="/p/{perimeter}/dossier",
    right=Right.READ,
    template="dossier.html",
    read=_file,
    returns=CareFile,
    title=("Dossier CaRE", "CaRE file"),
    query={"type": "the type of a document to attach"},
)
ATTEST = Action(
    path="/p/{perimeter}/dossier/attest",
    right=Right.ATTEST,
    do=_attest,
    fields={
        "type": "the type of the document",
        "dated": "its day",
        "issuer": "who issued it",
        "page": "where its values stand",
        "document": "the file (multipart)",
        "value-NAME": "each value transcribed",
    },
    title=("Joindre un document", "Attach a document"),
)
EXPORT = Download(
    path="/p/{perimeter}/exports/{format}",
    right=Right.EXPORT,
    make=_export,
    title=("Exporter", "Export"),
)
