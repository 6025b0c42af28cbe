"""Building a pack: report, observations, documents, audit log, then sums, manifest, signature and date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from reports.dossier import Dossier
from reports.evidence import pack
from reports.evidence.contents import clock_offsets, describe, observation_lines
from reports.evidence.guide import guide
from reports.interface import find
from reports.json import line
from rules.registry import load as registry
from rules.subject import Record
from scanner.attesting import document_fault
from scanner.config.load import ConfigError, Settings
from scanner.config.secrets import SecretError
from scanner.config.secrets import read as secret
from scanner.criteria import texts
from scanner.evidence import signer as signers
from scanner.evidence import stamp
from scanner.evidence.signer import Signer
from scanner.store.audit import AuditLink
from scanner.store.errors import CaptureMissingError
from scanner.store.store import Store

OWN_KEY = "hygie-signer.pem"
#: By how much our clock may differ from the time-stamp authority's, in seconds, before nothing is signed.
_CLOCK_TOLERANCE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What goes into a pack beside the report in JSON."""

    formats: Sequence[str] = ("html",)
    language: str = "fr"
    documents: bool = True
    captures: bool = False


def build(
    settings: Settings, store: Store, record: Record, dossier: Dossier, wanted: Wanted, at: datetime
) -> dict[str, bytes]:
    """Return every file of a pack; raise ``ConfigError`` when a document changed or nobody can sign or date it."""
    signer = signer_of(settings, at)
    _in_force(signer, at)
    anchors = _authority(settings)
    files = _told(dossier, wanted)
    files["observations.jsonl"] = observation_lines(_observed(store, record))
    files["audit.jsonl"] = b"".join(line(row) for row in segment(store.audit.links(), dossier))
    files |= _documents(settings, store, dossier) | _mandate(settings, dossier) if wanted.documents else {}
    files |= {f"criteria/{name}.toml": text for name, text in _sets(settings, dossier).items()}
    if wanted.captures:
        digests = sorted({digest for o in record.observations for digest in o.captures})
        files |= {f"captures/{digest}": record.read_capture(digest) for digest in digests}
    files[pack.SIGNER] = b"".join(c.public_bytes(Encoding.PEM) for c in signer.certificates)
    if anchors:
        files[pack.AUTHORITY] = anchors
    own = signers.self_signed(signer.certificates[0])
    printed = signer.certificates[0].fingerprint(hashes.SHA256()).hex(":").upper()
    files[pack.GUIDE] = guide(printed, self_signed=own, stamped=bool(anchors))
    files[pack.SUMS] = pack.sums(files)
    clock = {"made_at": at, "ahead_of_directories_seconds": clock_offsets(record.observations)}
    host = urlsplit(settings.file.evidence.timestamp_url).hostname
    described = describe(
        dossier,
        clock=clock,
        signer=_named(signer),
        stamp={"authority": host or "none"},
        frozen=_frozen(store, files["report.json"]),
    )
    files[pack.MANIFEST] = pack.manifest(described, files)
    files[pack.SIGNATURE] = signer.sign(files[pack.MANIFEST])
    if anchors:
        files[pack.TOKEN] = _stamped(settings, files[pack.SIGNATURE], anchors, at)
    files[pack.SEALS] = pack.seals(files)
    return files


def _in_force(signer: Signer, at: datetime) -> None:
    certificate = signer.certificates[0]
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not first <= at <= last:
        raise ConfigError(
            f"the signer's certificate is valid from {first:%Y-%m-%d} to {last:%Y-%m-%d} only; renew it before signing"
        )


def signs(settings: Settings) -> bool:
    """Tell whether the configuration names a key or a command that signs."""
    return settings.file.evidence.key is not None or bool(settings.file.evidence.signer)


def signer_of(settings: Settings, at: datetime) -> Signer:
    """Return who signs, as the configuration says; an own key is made on first use."""
    chosen = settings.file.evidence
    if chosen.signer and chosen.signer_certificate:
        return signers.from_command(chosen.signer, settings.folder / chosen.signer_certificate)
    if chosen.key is None:
        return signers.own(settings.folder / OWN_KEY, at)
    try:
        password = secret(chosen.key_password).reveal().encode() if chosen.key_password else None
    except SecretError as error:
        raise ConfigError(f"evidence.key_password: {error}") from error
    return signers.from_pkcs12(settings.folder / chosen.key, password)


def segment(links: Iterable[AuditLink], dossier: Dossier) -> list[dict[str, Any]]:
    """Return the audit log from the scan's beginning on; what is about others is there by its digest alone."""
    known = {dossier.perimeter.id, dossier.scan.id, dossier.judgement.id, dossier.scan.mandate.reference}
    known |= {part.scan for part in dossier.scan.parts if part.scan} | {past.scan for past in dossier.timeline.scans}
    known |= {a.id for a in dossier.attestations} | {w.id for w in dossier.waivers}
    found: list[dict[str, Any]] = []
    for link in links:
        ours = bool(known & {str(value) for value in link.about.values()})
        begins = link.event == "scan-begun" and link.about.get("scan") == dossier.scan.id
        if not found and not begins:
            continue
        shown = {"document": link.document} if ours else {"withheld": True}
        found.append({"position": link.position, "previous": link.previous, "digest": link.digest, **shown})
    return found


def _observed(store: Store, record: Record) -> list[dict[str, Any]]:
    """The observations judged, those joined from earlier scans among them, as they were written."""
    judged = {seen.id for seen in record.observations}
    scans = {record.scan.id, *(part.scan for part in record.scan.parts if part.scan)}
    return [seen for seen in store.records.observed(scans) if seen["id"] in judged]


def _told(dossier: Dossier, wanted: Wanted) -> dict[str, bytes]:
    cards = registry().cards
    files = {"report.json": find("json").render(dossier, cards, wanted.language)}
    for name in wanted.formats:
        told = find(name)
        if name != "json":
            files[f"report.{wanted.language}.{told.suffix}"] = told.render(dossier, cards, wanted.language)
    return files


def _documents(settings: Settings, store: Store, dossier: Dossier) -> dict[str, bytes]:
    """The documents attached, each still the one that was; a changed one is refused with what to do."""
    files = {}
    for attestation in dossier.attestations:
        fault = document_fault(attestation, settings.folder)
        if fault:
            raise ConfigError(str(fault))
        if attestation.document:
            path = settings.folder / attestation.document
            files[f"attestations/{attestation.id}{_suffix(path)}"] = path.read_bytes()
        elif data := _attached(store, attestation.document_sha256):
            files[f"attestations/{attestation.id}{'.pdf' if data.startswith(b'%PDF-') else ''}"] = data
    return files


def _attached(store: Store, digest: str) -> bytes:
    """A document that was attached on screen; nothing when it came with a bundle, which leaves documents behind."""
    try:
        return store.captures.read(digest)
    except CaptureMissingError:
        return b""


def _mandate(settings: Settings, dossier: Dossier) -> dict[str, bytes]:
    """The signed mandate, when the configuration still names the document that the scan was made under."""
    mandate = dossier.scan.mandate
    for section in settings.file.mandates:
        if section.reference == mandate.reference and section.document is not None:
            try:
                data = (settings.folder / section.document).read_bytes()
            except OSError:
                return {}
            same = pack.digest(data) == mandate.document_sha256
            return {f"mandate/mandate{_suffix(section.document)}": data} if same else {}
    return {}


def _suffix(path: Path) -> str:
    return "".join(c for c in path.suffix[:12] if c.isascii() and (c.isalnum() or c == "."))


def _sets(settings: Settings, dossier: Dossier) -> dict[str, bytes]:
    found = texts(settings.file.reports.criteria, settings.folder)
    return {name: text for name, text in found.items() if dossier.judgement.sets.get(name) == pack.digest(text)}


def _authority(settings: Settings) -> bytes:
    """The anchors of the time-stamp authority, or nothing when none is configured."""
    chosen = settings.file.evidence
    if not chosen.timestamp_url or chosen.timestamp_authority is None:
        return b""
    path = settings.folder / chosen.timestamp_authority
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"evidence.timestamp_authority: {path}: {error.strerror}") from error


def _stamped(settings: Settings, signature: bytes, anchors: bytes, at: datetime) -> bytes:
    chosen = settings.file.evidence
    ca_file = settings.folder / chosen.timestamp_ca_file if chosen.timestamp_ca_file else None
    try:
        token = stamp.ask(chosen.timestamp_url, signature, ca_file=ca_file)
        held = stamp.verify(token, signature, stamp.anchors(anchors))
    except stamp.StampFault as error:
        raise ConfigError(
            f"{error}. Try again later, or take timestamp_url out: the pack will say that it has no time-stamp"
        ) from error
    ahead = round((at - held.at).total_seconds())
    if abs(ahead) > _CLOCK_TOLERANCE:
        raise ConfigError(
            f"this machine's clock is {ahead} s ahead of the time-stamp authority's; set it before signing"
        )
    return token


def _frozen(store: Store, report: bytes) -> dict[str, Any] | None:
    """The frozen dossier that this report is, or None."""
    id = pack.digest(report)
    found = next((dossier for dossier in store.dossiers.all() if dossier.id == id), None)
    return None if found is None else {"id": found.id, "frozen_at": found.frozen_at, "frozen_by": found.frozen_by}


def _named(signer: Signer) -> dict[str, Any]:
    certificate = signer.certificates[0]
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "sha256": certificate.fingerprint(hashes.SHA256()).hex(),
        "standing": "non qualifié" if signers.self_signed(certificate) else "qualification non vérifiée par Hygie",
    }


def save(path: Path, files: dict[str, bytes]) -> str:
    """Write the archive of a pack (mode 0600) and return its SHA-256; raise ``ConfigError``."""
    data = pack.archive(files)
    try:
        path.touch(mode=0o600)
        path.write_bytes(data)
        path.chmod(0o600)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    return pack.digest(data)
