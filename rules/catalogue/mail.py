"""Rules on mail as the DNS tells it (RFC 7208, RFC 7489, RFC 7505)."""

from __future__ import annotations

from probes.facts.dns import DnsRecords, Presence, RecordSet
from probes.facts.mail import dmarc, spf
from probes.facts.mail.dmarc import Policy
from probes.facts.mail.spf import Qualifier, SpfSyntaxError
from probes.facts.mail.tags import TagSyntaxError
from probes.interface import AssetKind, Observation
from rules.interface import Confidence, Severity, Verdict, met, not_applicable, not_met, rule, undetermined

Seen = Observation[DnsRecords]


def _texts(found: RecordSet) -> list[str]:
    """The TXT records as receivers read them: the strings of each joined, quotes off."""
    return ["".join(_unquoted(value)) for value in found.values]


def _unquoted(value: str) -> list[str]:
    parts, inside, current, escaped = [], False, "", False
    for char in value:
        if escaped:
            current, escaped = current + char, False
        elif char == "\\":
            escaped = True
        elif char == '"':
            if inside:
                parts.append(current)
                current = ""
            inside = not inside
        elif inside:
            current += char
    return parts


def _spf(seen: Seen) -> tuple[list[str], Verdict | None]:
    """The SPF records of a domain, or the verdict when there is nothing to read."""
    if seen.asset.kind is not AssetKind.DOMAIN:
        return [], not_applicable("host")
    found = seen.fact.find("TXT")
    if found is None or found.presence is Presence.UNKNOWN:
        return [], undetermined(found.reason if found else "not-asked")
    return [t for t in _texts(found) if spf.is_spf(t)], None


def _receives(seen: Seen) -> bool | None:
    """Whether the domain takes mail; None when its MX records could not be read."""
    found = seen.fact.find("MX")
    if found is None or found.presence is Presence.UNKNOWN:
        return None
    return any(value.split()[-1] != "." for value in found.values)


@rule("mail-spf-published", reads=DnsRecords)
def spf_published(seen: Seen) -> Verdict:
    """The domain says who may send in its name; without MX the risk is lower, not nil."""
    records, verdict = _spf(seen)
    if verdict is not None:
        return verdict
    if records:
        return met(record=records[0][:300])
    receives = _receives(seen)
    return not_met(severity=Severity.LOW if receives is False else None, domain=seen.asset.name)


@rule("mail-spf-valid", reads=DnsRecords)
def spf_valid(seen: Seen) -> Verdict:
    """There is one SPF record and receivers can read it."""
    records, verdict = _spf(seen)
    if verdict is not None:
        return verdict
    if not records:
        return not_applicable("no-spf")
    if len(records) > 1:
        return not_met(record=" | ".join(records)[:300], fault=f"{len(records)} × v=spf1")
    try:
        spf.parse(records[0])
    except SpfSyntaxError as error:
        return not_met(record=records[0][:300], fault=str(error)[:200])
    return met()


@rule("mail-spf-closed", reads=DnsRecords)
def spf_closed(seen: Seen) -> Verdict:
    """The record ends by refusing the rest; a soft refusal does when DMARC enforces."""
    records, verdict = _spf(seen)
    if verdict is not None:
        return verdict
    try:
        record = spf.parse(records[0]) if len(records) == 1 else None
    except SpfSyntaxError:
        record = None
    if record is None:
        return not_applicable("no-valid-spf")
    last = record.all_qualifier
    if last is Qualifier.FAIL or (last is None and record.redirect):
        return met()
    if last is Qualifier.SOFTFAIL:
        enforced = _policy(seen)
        if enforced is None:
            return undetermined("dmarc-unknown")
        return met() if enforced else not_met(severity=Severity.LOW, ending="~all")
    severity = Severity.CRITICAL if last is Qualifier.PASS else None
    return not_met(severity=severity, ending=f"{last.value}all" if last else "-")


@rule("mail-dmarc-published", reads=DnsRecords)
def dmarc_published(seen: Seen) -> Verdict:
    """The domain, or the one it belongs to, tells receivers what to do with mail that fails."""
    found = _dmarc(seen)
    if found is None:
        return not_applicable("host")
    if found.presence is Presence.UNKNOWN:
        return undetermined(found.reason)
    records = [t for t in _texts(found) if dmarc.is_dmarc(t)]
    if not records:
        confidence = Confidence.PROBABLE if seen.asset.name.count(".") > 1 else None
        severity = Severity.MEDIUM if _receives(seen) is False else None
        return not_met(confidence=confidence, severity=severity, record="-")
    try:
        dmarc.parse(records[0])
    except TagSyntaxError as error:
        return not_met(record=f"{records[0][:200]} ({error})")
    return met() if len(records) == 1 else not_met(record=" | ".join(records)[:300])


@rule("mail-dmarc-enforced", reads=DnsRecords)
def dmarc_enforced(seen: Seen) -> Verdict:
    """The policy is quarantine or reject."""
    found = _dmarc(seen)
    if found is None:
        return not_applicable("host")
    if found.presence is Presence.UNKNOWN:
        return undetermined(found.reason)
    records = [t for t in _texts(found) if dmarc.is_dmarc(t)]
    if not records:
        return not_applicable("no-dmarc")
    return met() if _policy(seen) else not_met(record=records[0][:300])


def _dmarc(seen: Seen) -> RecordSet | None:
    if seen.asset.kind is not AssetKind.DOMAIN:
        return None
    return seen.fact.find("TXT", f"_dmarc.{seen.asset.name}")


def _policy(seen: Seen) -> bool | None:
    """Whether DMARC enforces; False without a record, None when it could not be read."""
    found = _dmarc(seen)
    if found is None or found.presence is Presence.UNKNOWN:
        return None
    for text in _texts(found):
        if dmarc.is_dmarc(text):
            try:
                return dmarc.parse(text).policy in {Policy.QUARANTINE, Policy.REJECT}
            except TagSyntaxError:
                return False
    return False
