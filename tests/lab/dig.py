"""What dig says of the lab's names beside what Hygie says: records, proofs, keys, and signatures with their dates."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from probes.dns.probe import DnsProbe, DnsSettings
from probes.facts.dns import DnsRecords
from probes.facts.dnssec import Flaw, Security, ZoneSecurity
from probes.facts.mail.exchange import Exchangers
from probes.interface import Asset, AssetKind, Sight
from tests.lab.line import open_line

PORT = 53053
#: The sets whose signatures Hygie reads at each server.
_SIGNED = ("DNSKEY", "SOA", "NS", "A", "MX", "TXT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What dig printed: the status, whether the resolver vouches for the answer (AD), and its records' data by type."""

    status: str
    proved: bool
    records: tuple[tuple[str, str], ...]

    def of(self, rdtype: str) -> set[str]:
        """Return the data of every record of a type, without the spaces and the case that programs write freely."""
        return {_plain(data) for kind, data in self.records if kind == rdtype}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One thing asked of both: about which name, and what each says."""

    where: str
    what: str
    ours: str
    theirs: str


def dig(server: str, owner: str, rdtype: str, *flags: str) -> Answer:
    """Ask one question by dig."""
    words = ["dig", f"@{server}", "-p", str(PORT), "+noall", "+comments", "+answer", "+tries=2", "+time=5", *flags]
    done = subprocess.run([*words, f"{owner.rstrip('.')}.", rdtype], capture_output=True, text=True, timeout=30)
    status, told = re.search(r"status: (\w+)", done.stdout), re.search(r"flags: ([a-z ]*);", done.stdout)
    lines = [line.split(None, 4) for line in done.stdout.splitlines() if line and not line.startswith(";")]
    return Answer(
        status=status[1] if status else "none",
        proved=bool(told and "ad" in told[1].split()),
        records=tuple((one[3], one[4]) for one in lines if len(one) == 5),
    )


def _plain(text: str) -> str:
    return "".join(text.split()).lower()


def _list(values: Iterable[object]) -> str:
    return ", ".join(sorted(map(str, values))) or "none"


async def records_of(domain: str, resolver: str, roots: tuple[str, ...]) -> list[Compared]:
    """Compare every record set that the DNS probe reads about a domain, those above it and beneath it included."""
    line = open_line(domains=[domain], dns_port=PORT, resolver=resolver, resolver_port=PORT)
    probe = DnsProbe(DnsSettings(resolver=resolver, roots=roots))
    compared = []
    async for seen in probe.look(Asset(kind=AssetKind.DOMAIN, name=domain), line):
        for one in seen.fact.sets if isinstance(seen, Sight) and isinstance(seen.fact, DnsRecords) else ():
            # What the zone's own servers say, a resolver that validates says to those who check by themselves (CD).
            told = dig(resolver, one.owner, one.rdtype, *(["+cdflag"] if one.asked == "authoritative" else []))
            failed = "server-failure" if told.status == "SERVFAIL" else ""
            own, other = one.reason or _list(map(_plain, one.values)), failed or _list(told.of(one.rdtype))
            compared.append(Compared(where=one.owner, what=f"{one.rdtype}, {one.asked}", ours=own, theirs=other))
    return compared


def security_of(domain: str, fact: ZoneSecurity, resolver: str) -> Iterator[Compared]:
    """Compare what the DNSSEC probe tells of a domain with a validating resolver's word and what dig reads."""
    pairs = [("proof (AD)", [fact.security.value], [_proof(domain, resolver).value])]
    zone = fact.ended_at if fact.flaw in {Flaw.NO_DS, Flaw.UNSUPPORTED} else fact.zone
    signers = [] if fact.flaw is Flaw.NO_DS else [f"{s.tag} {s.algorithm} {s.digest_type}" for s in fact.signers]
    pairs.append(("DS", signers, [" ".join(data.split()[:3]) for data in _raw(resolver, zone, "DS")]))
    keys = [f"{k.tag} {k.algorithm} {'KSK' if k.entry_point else 'ZSK'}" for k in fact.keys]
    pairs.append(("DNSKEY", keys, _keys(resolver, fact.zone)))
    if fact.security is Security.SECURE:
        hashing = [] if fact.nsec3_iterations is None else [f"{fact.nsec3_iterations} {fact.nsec3_salt_bytes}"]
        told = [data.split() for data in _raw(resolver, fact.zone, "NSEC3PARAM")]
        pairs.append(("NSEC3PARAM", hashing, [f"{d[2]} {0 if d[3] == '-' else len(d[3]) // 2}" for d in told]))
    for server in fact.servers:
        own = [f"{s.rdtype} {s.tag} {s.algorithm} {s.inception:%Y%m%d%H%M%S} {s.expiration:%Y%m%d%H%M%S}"
               for s in fact.signatures if s.server == server.address]  # fmt: skip
        pairs.append((f"RRSIG at {server.address}", own, list(_signatures(server.address, fact.zone))))
    for what, ours, theirs in pairs:
        yield Compared(where=domain, what=what, ours=_list(ours), theirs=_list(theirs))


def _proof(domain: str, resolver: str) -> Security:
    """What a validating resolver lets one conclude from the sets that Hygie reads: it answers no question it doubts."""
    answers = [dig(resolver, domain, rdtype, "+dnssec") for rdtype in _SIGNED]
    if any(answer.status == "SERVFAIL" for answer in answers):
        return Security.BOGUS
    return Security.SECURE if all(answer.proved for answer in answers) else Security.INSECURE


def mail_of(domain: str, fact: Exchangers, resolver: str) -> Iterator[Compared]:
    """Compare the TLSA records of a domain's exchangers, and their proof, with a validating resolver's word."""
    for host in fact.hosts:
        owner = f"_25._tcp.{host.name}"
        answer, unchecked = (dig(resolver, owner, "TLSA", *flags) for flags in (("+dnssec",), ("+cdflag",)))
        own = [f"{t.usage}{t.selector}{t.matching}{t.data}" for t in host.tlsa]
        yield Compared(where=domain, what="TLSA", ours=_list(own), theirs=_list(unchecked.of("TLSA")))
        if host.tlsa:
            yield Compared(
                where=domain, what="TLSA proof (AD)", ours=str(bool(host.tlsa_secure)), theirs=str(answer.proved)
            )


def _raw(resolver: str, owner: str, rdtype: str) -> list[str]:
    return [data for kind, data in dig(resolver, owner, rdtype, "+cdflag").records if kind == rdtype]


def _keys(resolver: str, zone: str) -> list[str]:
    words = ["dig", f"@{resolver}", "-p", str(PORT), "+noall", "+answer", "+multiline", "+cdflag"]
    done = subprocess.run([*words, f"{zone.rstrip('.')}.", "DNSKEY"], capture_output=True, text=True, timeout=30)
    found = re.findall(r"DNSKEY\s+\d+ 3 (\d+) \([^)]*\) ; (KSK|ZSK);[^;]*; key id = (\d+)", done.stdout)
    return [f"{tag} {algorithm} {kind}" for algorithm, kind, tag in found]


def _signatures(server: str, zone: str) -> Iterator[str]:
    for rdtype in _SIGNED:
        for data in [d for kind, d in dig(server, zone, rdtype, "+dnssec", "+norecurse").records if kind == "RRSIG"]:
            covered, algorithm, _, _, expiration, inception, tag = data.split()[:7]
            yield f"{covered} {tag} {algorithm} {inception} {expiration}"
