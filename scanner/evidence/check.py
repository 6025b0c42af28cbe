"""Verifying a pack: sums, seals, manifest, signature, date, audit log, observations; every difference is listed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from reports.evidence import pack, redaction
from reports.json import canonical, line
from reports.words import Said, said
from scanner.evidence import cms, openssl, stamp
from scanner.evidence.signer import self_signed

#: By how much a manifest and its time-stamp may differ, in seconds.
_TOLERANCE = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What the person who verifies knows by other means: the signer's SHA-256, authorities, the instant."""

    now: datetime
    signer: str = ""
    authorities: tuple[x509.Certificate, ...] = ()
    stamp_authorities: tuple[x509.Certificate, ...] = ()


@dataclass(slots=True)
class Checked:
    """What was found: differences, and what else a reader must know."""

    differences: list[Said] = field(default_factory=list)
    told: list[Said] = field(default_factory=list)


def is_pack(files: Mapping[str, bytes]) -> bool:
    """Whether files are, or once were, an evidence pack rather than a plain folder of outputs."""
    marks = {pack.SIGNATURE, pack.SEALS, pack.GUIDE, pack.SIGNER}
    listed = {name for _, name in _lines(files.get(pack.SUMS, b""))}
    return bool(marks & (files.keys() | listed))


def check(files: Mapping[str, bytes], trust: Trust) -> Checked:
    """Return everything that differs from what was signed, and what a reader must know."""
    found = Checked()
    found.differences += [*_sealed(files), *_summed(files)]
    described = _manifest(files, found)
    if described.get("schema") == pack.REDACTED_SCHEMA:
        _redacted(files, described, trust, found)
    elif described:
        _full(files, described, trust, found)
    found.differences = [said for n, said in enumerate(found.differences) if said not in found.differences[:n]]
    return found


def _lines(text: bytes) -> list[tuple[str, str]]:
    pairs = (row.partition("  ") for row in text.decode("utf-8", "replace").splitlines())
    return [(digest, name) for digest, _, name in pairs]


def _sealed(files: Mapping[str, bytes]) -> Iterator[Said]:
    """The seals against the files that they are of."""
    if pack.SEALS not in files:
        yield _missing(pack.SEALS)
        return
    wanted = {name: digest for digest, name in _lines(files[pack.SEALS])}
    there = [name for name in pack.SEALED if name in files]
    bad = [_missing(name) for name in sorted(wanted.keys() & {*pack.SEALED} - {*there})]
    bad += [
        said("pack.altered-or-line", file=name, sums=pack.SEALS)
        for name in there
        if wanted.get(name) != pack.digest(files[name])
    ]
    if not bad and files[pack.SEALS] != pack.seals(files):
        bad = [said("pack.altered", file=pack.SEALS)]
    yield from bad


def _missing(name: str) -> Said:
    return said("pack.missing", file=name)


def _summed(files: Mapping[str, bytes]) -> Iterator[Said]:
    """The sums against the files."""
    if pack.SUMS not in files:
        yield _missing(pack.SUMS)
        return
    wanted = {name: digest for digest, name in _lines(files[pack.SUMS])}
    beside = {pack.SUMS, pack.SEALS, *pack.SEALED}
    bad = [_missing(name) for name in sorted(wanted.keys() - files.keys())]
    bad += [
        said("pack.altered-or-line", file=n, sums=pack.SUMS)
        for n in sorted(wanted.keys() & files.keys())
        if pack.digest(files[n]) != wanted[n]
    ]
    bad += [said("pack.added", file=name) for name in sorted(files.keys() - wanted.keys() - beside)]
    if not bad and files[pack.SUMS] != pack.sums(files, wanted):
        bad = [said("pack.altered", file=pack.SUMS)]
    yield from bad


def _manifest(files: Mapping[str, bytes], found: Checked) -> dict[str, Any]:
    """The manifest as data, its own form and the files it lists compared."""
    if pack.MANIFEST not in files:
        found.differences.append(_missing(pack.MANIFEST))
        return {}
    try:
        described = json.loads(files[pack.MANIFEST])
        listed = {name: (entry["sha256"], entry["size"]) for name, entry in described["files"].items()}
        same = canonical(described) == files[pack.MANIFEST]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        found.differences.append(said("pack.altered-as", file=pack.MANIFEST, why=said("pack.no-json")))
        return {}
    if not same:
        found.differences.append(said("pack.altered-as", file=pack.MANIFEST, why=said("pack.not-canonical")))
    for name, (digest, size) in sorted(listed.items()):
        if name not in files:
            found.differences.append(_missing(name))
        elif (pack.digest(files[name]), len(files[name])) != (digest, size):
            found.differences.append(said("pack.altered", file=name))
    extra = files.keys() - listed.keys() - {pack.SEALS, *pack.SEALED}
    found.differences += [said("pack.added", file=name) for name in sorted(extra)]
    return described if isinstance(described, dict) else {}


def _full(files: Mapping[str, bytes], described: dict[str, Any], trust: Trust, found: Checked) -> None:
    signature, manifest = files.get(pack.SIGNATURE), files[pack.MANIFEST]
    if signature is None:
        found.differences.append(said("pack.unsigned", file=pack.SIGNATURE))
        return
    stamped_at = _dated(files, described, signature, trust, found)
    signer = _signer_file(files, found)
    try:
        signed = cms.verify(signature, manifest)
    except cms.SignatureFault as fault:
        second = openssl.verify_cms(signature, manifest, files.get(pack.SIGNER, b""))
        opinion = said("signature.refused-too", openssl=second) if second else said("signature.two-opinions")
        names = {"signature": pack.SIGNATURE, "manifest": pack.MANIFEST}
        found.differences.append(said("signature.broken", **names, why=fault.why, opinion=opinion))
        certificate = signer[0] if signer else None
    else:
        certificate = signed.certificate
        if signer and certificate != signer[0]:
            found.differences.append(said("certificate.other-signer", signature=pack.SIGNATURE, signer=pack.SIGNER))
    if certificate is not None:
        _named(certificate, described.get("signer"), found)
        _trusted(certificate, signer[1:], stamped_at, trust, found)
    found.differences += [*_chain(files.get("audit.jsonl", b"")), *_observations(files.get("observations.jsonl", b""))]


def _redacted(files: Mapping[str, bytes], described: dict[str, Any], trust: Trust, found: Checked) -> None:
    """A redacted pack: the signature it carries is of the full manifest it names, which is not there."""
    full = described.get("full", {})
    signature = files.get(redaction.FULL_SIGNATURE, b"")
    try:
        signed = cms.verify(signature)
    except cms.SignatureFault as fault:
        found.differences.append(said("pack.altered-as", file=redaction.FULL_SIGNATURE, why=fault.why))
        return
    if signed.algorithm == "sha256" and signed.message_digest.hex() != full.get("manifest_sha256"):
        found.differences.append(said("signature.other-manifest", file=redaction.FULL_SIGNATURE))
    if pack.digest(signature) != full.get("signature_sha256"):
        found.differences.append(said("signature.other", file=redaction.FULL_SIGNATURE))
    found.told.append(said("pack.redacted", manifest=full.get("manifest_sha256")))
    stamped_at = None
    if redaction.FULL_TOKEN in files:
        stamped_at = _stamp(files, redaction.FULL_TOKEN, signature, trust, found)
    signer = _signer_file(files, found)
    if signer and signed.certificate != signer[0]:
        names = {"signature": redaction.FULL_SIGNATURE, "signer": pack.SIGNER}
        found.differences.append(said("certificate.other-signer", **names))
    _trusted(signed.certificate, signer[1:], stamped_at, trust, found)


def _signer_file(files: Mapping[str, bytes], found: Checked) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(files.get(pack.SIGNER, b""))
    except (ValueError, x509.InvalidVersion):
        found.differences.append(said("pack.altered-as", file=pack.SIGNER, why=said("certificate.unreadable")))
        return []


def _named(certificate: x509.Certificate, signer: object, found: Checked) -> None:
    if isinstance(signer, dict) and signer.get("sha256") != certificate.fingerprint(hashes.SHA256()).hex():
        found.differences.append(said("certificate.other-named", manifest=pack.MANIFEST))


def _trusted(
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    stamped_at: datetime | None,
    trust: Trust,
    found: Checked,
) -> None:
    """Who signed, what vouches for that, and whether the certificate was valid when it mattered."""
    mark = certificate.fingerprint(hashes.SHA256()).hex()
    found.told.append(said("certificate.signed-by", name=certificate.subject.rfc4514_string(), mark=mark))
    wanted = trust.signer.replace(":", "").lower()
    if wanted and wanted != mark:
        found.differences.append(said("certificate.other-mark", wanted=wanted, mark=mark))
    if trust.authorities:
        if not cms.issued_by(certificate, list(trust.authorities), list(chain)):
            found.differences.append(said("certificate.no-chain"))
    elif self_signed(certificate):
        found.told.append(said("certificate.self-signed"))
    else:
        found.told.append(said("certificate.authority-unverified"))
    at = stamped_at or trust.now
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        days = {
            "first": certificate.not_valid_before_utc.date(),
            "last": certificate.not_valid_after_utc.date(),
            "day": at.date(),
        }
        found.differences.append(said("certificate.not-valid", signer=pack.SIGNER, **days))


def _dated(
    files: Mapping[str, bytes], described: dict[str, Any], signature: bytes, trust: Trust, found: Checked
) -> datetime | None:
    named = described.get("timestamp")
    authority = named.get("authority") if isinstance(named, dict) else None
    if authority == "none":
        found.told.append(said("stamp.none"))
        return None
    if pack.TOKEN not in files:
        found.differences.append(said("stamp.missing", file=pack.TOKEN, authority=authority))
        return None
    at = _stamp(files, pack.TOKEN, signature, trust, found)
    try:
        made_at = datetime.fromisoformat(described["clock"]["made_at"])
        apart = abs((at - made_at).total_seconds()) if at else 0
    except (KeyError, TypeError, ValueError):
        return at
    found.told.append(said("stamp.apart", seconds=round(apart)))
    if apart > _TOLERANCE:
        found.differences.append(said("stamp.too-far", file=pack.TOKEN, seconds=round(apart)))
    return at


def _stamp(files: Mapping[str, bytes], name: str, signature: bytes, trust: Trust, found: Checked) -> datetime | None:
    try:
        roots = list(trust.stamp_authorities) or stamp.anchors(files.get(pack.AUTHORITY, b""))
        held = stamp.verify(files[name], signature, roots)
    except stamp.StampFault as fault:
        found.differences.append(said("stamp.broken", file=name, why=fault.why))
        return None
    found.told.append(said("stamp.holds", at=f"{held.at:%Y-%m-%dT%H:%M:%SZ}", opinions="; ".join(held.opinions)))
    if not trust.stamp_authorities:
        found.told.append(said("stamp.own-anchors", file=pack.AUTHORITY))
    if held.certificate is not None and held.certificate.not_valid_after_utc < trust.now:
        found.differences.append(said("stamp.expired", file=name, day=held.certificate.not_valid_after_utc.date()))
    return held.at


def _chain(text: bytes) -> Iterator[Said]:
    """The audit log's segment: every row chained to the one before."""
    before: dict[str, Any] = {}
    for number, row in enumerate(text.splitlines(), 1):
        try:
            link = json.loads(row)
            fault = _link_fault(link, before)
        except (ValueError, KeyError, TypeError, AttributeError):
            link, fault = {}, "log.unreadable"
        if fault:
            yield said("log.line", line=number, why=said(fault))
        before = link


def _link_fault(link: dict[str, Any], before: dict[str, Any]) -> str:
    if before and (link["position"] != before["position"] + 1 or link["previous"] != before["digest"]):
        return "log.unchained"
    if (
        "document" in link
        and hashlib.sha256((link["previous"] + link["document"]).encode()).hexdigest() != link["digest"]
    ):
        return "log.content"
    return ""


def _observations(text: bytes) -> Iterator[Said]:
    """Every observation against its own id."""
    for number, row in enumerate(text.splitlines(), 1):
        try:
            seen = json.loads(row)
            content = line({key: value for key, value in seen.items() if key != "id"})[:-1]
            same = hashlib.sha256(content).hexdigest()[:32] == seen["id"]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            same = False
        if not same:
            yield said("log.observation", line=number)
