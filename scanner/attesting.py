"""Attaching documents and accepting risks: what a person says, checked before it is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from rules.attestations import kinds
from rules.history import FindingHistory
from rules.interface import Finding, Outcome, RuleError
from rules.subject import Attestation, Waiver
from scanner.config.load import ConfigError

#: Largest document attached, in bytes.
_LARGEST = 256 << 20
#: Shortest start of a fingerprint that names a finding.
_SHORTEST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFault:
    """What became of a document since it was attached: ``changed``, ``missing`` or ``unreadable``."""

    attestation: Attestation
    path: Path
    state: str

    def __str__(self) -> str:
        what = {
            "changed": "is no longer the document that was attached",
            "missing": "is not there any more",
            "unreadable": "cannot be read",
        }[self.state]
        return (
            f"attestation {self.attestation.id}: {self.path} {what}; restore it (SHA-256 "
            f"{self.attestation.document_sha256}), or withdraw the attestation and attach the new one"
        )


def attest(
    folder: Path,
    perimeter: str,
    type: str,
    document: Path,
    values: Mapping[str, str],
    *,
    dated: date,
    issuer: str,
    page: str,
    by: str,
    at: datetime,
) -> Attestation:
    """Return the attestation of a document; raise ``ConfigError`` when a value is wrong or missing."""
    kind = kinds().get(type)
    if kind is None:
        raise ConfigError(f"no document is of type {type}; known: {', '.join(kinds())}")
    for name, text in {"--issuer": issuer, "--page": page, "the file's name": str(document), **values}.items():
        _readable(name, text)
    if dated > at.date():
        raise ConfigError(f"--dated {dated} lies in the future; give the day of the audit")
    try:
        read = kind.read(values)
    except RuleError as error:
        raise ConfigError(str(error)) from error
    digest = _digest(document)
    try:
        kept = document.resolve().relative_to(folder.resolve())
    except ValueError:
        kept = document.resolve()
    return Attestation(
        id=f"{at:%Y%m%d}-{secrets.token_hex(4)}",
        type=type,
        issuer=issuer,
        dated=dated,
        document_sha256=digest,
        values=read,
        perimeter=perimeter,
        entered_by=by,
        entered_at=at,
        page=page,
        document=str(kept),
    )


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """Return NAME=VALUE texts as a table; raise ``ConfigError``."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ConfigError(f"expected NAME=VALUE, not {text!r}; `hygie attest types` lists the values of each type")
        if name in found:
            raise ConfigError(f"the value {name} is given twice")
        found[name] = value
    return found


def document_fault(attestation: Attestation, folder: Path) -> DocumentFault | None:
    """Return what is wrong with the document of an attestation, or None when it is as it was."""
    path = folder / attestation.document
    if not attestation.document:
        return None
    if not path.exists():
        return DocumentFault(attestation=attestation, path=path, state="missing")
    try:
        same = _digest(path) == attestation.document_sha256
    except ConfigError:
        return DocumentFault(attestation=attestation, path=path, state="unreadable")
    return None if same else DocumentFault(attestation=attestation, path=path, state="changed")


def finding_of(mark: str, findings: Iterable[Finding], history: Iterable[FindingHistory]) -> tuple[str, str, str]:
    """Return the (fingerprint, rule, asset) that a fingerprint, its start, or RULE@ASSET names."""
    known = {f.fingerprint: (f.rule, f.asset) for f in findings if f.outcome is not Outcome.NOT_APPLICABLE}
    known |= {h.fingerprint: (h.rule, h.asset) for h in history}
    found = [
        (fingerprint, rule, asset)
        for fingerprint, (rule, asset) in sorted(known.items())
        if f"{rule}@{asset}" == mark or (len(mark) >= _SHORTEST and fingerprint.startswith(mark))
    ]
    if not found:
        raise ConfigError(f"no finding is called {mark}; give its fingerprint (8 digits or more) or RULE@ASSET")
    if len(found) > 1:
        raise ConfigError(f"{mark} begins {len(found)} fingerprints; give more digits")
    return found[0]


def waive(
    fingerprint: str, perimeter: str, about: str, *, reason: str, owner: str, until: date, at: datetime
) -> Waiver:
    """Return a waiver; raise ``ConfigError`` unless it has a reason, an owner and at most twelve months."""
    if not reason.strip() or not owner.strip():
        raise ConfigError("an accepted risk has a reason and an owner; neither can be empty")
    _readable("--reason", reason)
    _readable("--owner", owner)
    if until < at.date():
        raise ConfigError(f"--until {until} has passed; give a day to come")
    if until > _a_year_after(at.date()):
        raise ConfigError(f"--until {until} is more than twelve months away; at most {_a_year_after(at.date())}")
    return Waiver(
        id=f"W{at:%Y%m%d}-{secrets.token_hex(4)}",
        fingerprint=fingerprint,
        reason=reason.strip(),
        owner=owner.strip(),
        granted_at=at,
        expires=until,
        perimeter=perimeter,
        about=about,
    )


def _readable(name: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{name} holds bytes that are not UTF-8") from None


def _a_year_after(day: date) -> date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return day.replace(year=day.year + 1, day=28)


def _digest(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigError(f"{path}: larger than {_LARGEST >> 20} MiB")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
