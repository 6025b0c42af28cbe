"""A public certificate beside the CAA records that say who may issue for its name (RFC 8659)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from probes.facts.dns import DnsRecords, Presence, RecordSet
from probes.facts.tls import CertificateChain
from probes.interface import Fact, Observation, canonical_name
from rules.interface import Unseen, View, view
from rules.profiles import caa_domains
from rules.subject import Record

_ORGANISATION = re.compile(r"(?:^|[,+])O=((?:\\.|[^,+\\])*)")
#: A property in presentation format: flags, tag, value.
_PROPERTY = re.compile(r'\s*\d+\s+([A-Za-z0-9]+)\s+"?([^"]*)"?\s*$')


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuanceView(View):
    """One certificate of a public authority for the name it was asked by.

    ``holder`` is the closest name with CAA records, "" when none has; ``restricted`` tells whether they restrict who
    may issue, ``authorised`` are the authorities named. ``issuer_domains`` are the CAA names of the authority that
    issued, empty when it is not known. ``unknown`` says why CAA could not be told, or "".
    """

    issuer: str
    issued: datetime
    issuer_domains: frozenset[str]
    holder: str = ""
    restricted: bool = False
    authorised: frozenset[str] = frozenset()
    unknown: str = ""


@view(IssuanceView)
def issuances(record: Record) -> Iterable[IssuanceView | Unseen]:
    """One view a public certificate that bears the name it was asked by."""
    known: dict[str, RecordSet] = {}
    asked: dict[str, str] = {}
    for observation in record.observations:
        for found in observation.fact.sets if isinstance(observation.fact, DnsRecords) else ():
            if found.rdtype == "CAA" and _tells_more(found, known.get(found.owner)):
                known[found.owner], asked[found.owner] = found, observation.id
    for observation in record.observations:
        fact = observation.fact
        if isinstance(fact, CertificateChain) and fact.public and fact.name_matches:
            yield _built(observation, fact, known, asked)


def _tells_more(found: RecordSet, other: RecordSet | None) -> bool:
    return other is None or _rank(found) > _rank(other)


def _rank(found: RecordSet) -> tuple[bool, bool]:
    return found.presence is not Presence.UNKNOWN, found.asked == "authoritative"


def _built(
    seen: Observation[Fact],
    fact: CertificateChain,
    known: Mapping[str, RecordSet],
    asked: Mapping[str, str],
) -> IssuanceView:
    holder, unknown = _holder(canonical_name(fact.sni), known)
    # A name that the certificate bears only by a wildcard was authorised as a wildcard.
    wild = canonical_name(fact.sni) not in fact.names
    restricted, authorised = _authorised(holder.values if holder else (), wild=wild)
    return IssuanceView(
        asset=seen.asset,
        seen_at=seen.seen_at,
        vantage=seen.vantage,
        evidence=tuple(sorted({seen.id, *([asked[holder.owner]] if holder else [])})),
        issuer=fact.issuer,
        issued=fact.not_before,
        issuer_domains=_issuer_domains(fact.issuer),
        holder=holder.owner if holder else "",
        restricted=restricted,
        authorised=authorised,
        unknown=unknown,
    )


def _holder(name: str, known: Mapping[str, RecordSet]) -> tuple[RecordSet | None, str]:
    """Climb from a name to the closest CAA records; or say why it cannot be told."""
    for owner in _climbed(name):
        found = known.get(owner)
        if found is None:
            return None, "caa-not-asked"
        if found.presence is Presence.UNKNOWN:
            return None, found.reason or "caa-not-asked"
        if found.presence is Presence.PRESENT:
            return found, ""
        if found.alias:
            return None, "caa-behind-alias"
    return None, ""


def _climbed(name: str) -> Iterator[str]:
    labels = name.split(".")
    return (".".join(labels[at:]) for at in range(len(labels) - 1))


def _authorised(values: Iterable[str], *, wild: bool) -> tuple[bool, frozenset[str]]:
    """Whether issuance is restricted, and to whom (RFC 8659 4.2, 4.3); an empty issuer stands for nobody."""
    properties = [(m[1].lower(), m[2]) for m in map(_PROPERTY.match, values) if m]
    tags = {tag for tag, _ in properties}
    tag = "issuewild" if wild and "issuewild" in tags else "issue"
    issuers = {value.partition(";")[0].strip().lower().rstrip(".") for t, value in properties if t == tag}
    return tag in tags, frozenset(issuers - {""})


def _issuer_domains(issuer: str) -> frozenset[str]:
    match = _ORGANISATION.search(issuer)
    organisation = re.sub(r"\\(.)", r"\1", match[1]) if match else ""
    return caa_domains().get(organisation, frozenset())
