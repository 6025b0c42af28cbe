"""The DNSSEC probe: the chain of trust of a domain's zone, and what each of its servers shows of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import dns.exception
import dns.message
import dns.name
import dns.rdatatype

from probes.dns.anchors import anchors_of
from probes.dns.ask import Server, ask
from probes.dns.chain import Chain, Link, keys_flaw
from probes.dns.probe import ROOTS
from probes.dns.signatures import flaw_of, found, instant, key_of, signatures_of, signer_of
from probes.dns.walk import Walker
from probes.facts.dnssec import Flaw, Security, ServerSecurity, SignatureSeen, ZoneSecurity
from probes.interface import (
    Asset,
    AssetKind,
    DnsQuestion,
    IPAddress,
    Line,
    Part,
    Probe,
    ProbeError,
    Reason,
    Sight,
    Yield,
    canonical_name,
)

#: Sets whose signatures are read at each server.
_READ = (dns.rdatatype.SOA, dns.rdatatype.NS, dns.rdatatype.A, dns.rdatatype.MX, dns.rdatatype.TXT)
_MOST_SERVERS, _MOST_SIGNATURES = 16, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DnssecSettings:
    """The roots as for the DNS probe, and trust anchors (``tag algorithm digest-type digest``) for the root zone.

    ``None`` stands for IANA's anchors, shipped, or for none with other roots than IANA's: then nothing is proved.
    """

    roots: tuple[str, ...] = ROOTS
    anchors: tuple[str, ...] | None = None


class DnssecProbe(Probe[DnssecSettings]):
    """Validates by itself, from pinned anchors: no resolver is believed."""

    name: ClassVar[str] = "dnssec"
    version: ClassVar[str] = "1"
    level: ClassVar[int] = 1
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.DOMAIN})
    Settings: ClassVar[type[DnssecSettings]] = DnssecSettings

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield the state of the zone that the domain lies in."""
        now = datetime.now(UTC)
        anchors, label = anchors_of(self.settings.roots, self.settings.anchors)
        walker = Walker(line, self.settings.roots, asset.name)
        try:
            name = dns.name.from_text(asset.name)
        except dns.exception.DNSException as error:
            raise ProbeError(Reason.UNKNOWN_HOST, f"not a name: {asset.name[:100]}") from error
        link = await Chain(walker, anchors, now).to(name)
        servers: list[ServerSecurity] = []
        signatures: list[SignatureSeen] = []
        iterations = salt = None
        if link.keys is not None and link.security is Security.SECURE and link.flaw is Flaw.NONE:
            for address in link.zone.addresses[:_MOST_SERVERS]:
                seen, signed = await _server(line, asset.name, link, address, now)
                servers.append(seen)
                signatures += signed
            iterations, salt = await _hashing(walker, link)
        yield Sight(
            fact=ZoneSecurity(
                zone=canonical_name(str(link.zone.apex)) or ".",
                **_verdict(link, servers),
                anchors=label,
                signers=tuple(sorted(map(signer_of, link.signers), key=lambda s: (s.tag, s.digest_type))),
                keys=tuple(sorted(map(key_of, link.keys or ()), key=lambda k: (k.tag, k.algorithm))),
                signatures=tuple(sorted(signatures, key=lambda s: (s.expiration, s.owner, s.rdtype, s.server))),
                servers=tuple(servers),
                nsec3_iterations=iterations,
                nsec3_salt_bytes=salt,
            )
        )


def _verdict(link: Link, servers: list[ServerSecurity]) -> dict[str, Any]:
    """The chain's verdict, unless a server of the zone shows something else."""
    broken = next((s for s in servers if s.security is Security.BOGUS), None)
    at = canonical_name(str(link.ended_at)) or "."
    if broken is not None:
        return {"security": Security.BOGUS, "flaw": broken.flaw, "ended_at": at, "detail": broken.address}
    if servers and all(s.security is Security.INDETERMINATE for s in servers):
        return {"security": Security.INDETERMINATE, "flaw": Flaw.SILENT, "ended_at": at, "detail": ""}
    return {"security": link.security, "flaw": link.flaw, "ended_at": at, "detail": link.detail[:300]}


async def _server(
    line: Line, walking: str, link: Link, address: IPAddress, now: datetime
) -> tuple[ServerSecurity, list[SignatureSeen]]:
    """Whether the keys and the records that one server gives hold, and their signatures."""
    server = Server(address=address, question=DnsQuestion.DELEGATION, walking=walking)
    apex, seen = link.zone.apex, []
    text = str(address)
    try:
        answer = await ask(line, server, apex, dns.rdatatype.DNSKEY, signed=True)
        keys = found(answer, apex, dns.rdatatype.DNSKEY)
        flaw = keys_flaw(answer, keys, apex, link.signers, now)
        seen += _signatures(answer, text)
        for rdtype in _READ:
            if flaw is not Flaw.NONE or keys is None:
                break
            answer = await ask(line, server, apex, rdtype, signed=True)
            seen += _signatures(answer, text)
            rrset = found(answer, apex, rdtype)
            if rrset is not None:
                flaw = flaw_of(rrset, answer.answer, apex, keys, now)
    except ProbeError as error:
        if error.reason is Reason.INTERRUPTED:
            raise
        return ServerSecurity(address=text, security=Security.INDETERMINATE, flaw=Flaw.SILENT), seen
    security = Security.SECURE if flaw is Flaw.NONE else Security.BOGUS
    return ServerSecurity(address=text, security=security, flaw=flaw), seen[:_MOST_SIGNATURES]


def _signatures(answer: dns.message.Message, server: str) -> list[SignatureSeen]:
    return [
        SignatureSeen(
            owner=canonical_name(str(rrset.name)),
            rdtype=dns.rdatatype.to_text(rrset.rdtype),
            tag=signature.key_tag,
            algorithm=int(signature.algorithm),
            inception=instant(signature.inception),
            expiration=instant(signature.expiration),
            server=server,
        )
        for rrset in answer.answer
        if rrset.rdtype != dns.rdatatype.RRSIG
        for signature in signatures_of(rrset, answer.answer)
    ]


async def _hashing(walker: Walker, link: Link) -> tuple[int | None, int | None]:
    """The iterations and the salt's length of NSEC3, if the zone uses it."""
    try:
        answer = await walker.ask_any(link.zone, link.zone.apex, dns.rdatatype.NSEC3PARAM, signed=True)
    except ProbeError as error:
        if error.reason is Reason.INTERRUPTED:
            raise
        return None, None
    parameters = found(answer, link.zone.apex, dns.rdatatype.NSEC3PARAM)
    return (int(parameters[0].iterations), len(parameters[0].salt)) if parameters is not None else (None, None)
