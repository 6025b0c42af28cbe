"""Each server of a zone at each address: does it answer, with authority, and what does it give to anybody."""

from __future__ import annotations

import struct

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from probes.dns.alias import registrable_domain, surely_nonexistent
from probes.dns.ask import Server, ask
from probes.dns.walk import Walker, Zone
from probes.facts.dns import Delegation, Glue, NameServerSeen
from probes.interface import MANDATED, DnsQuestion, IPAddress, Line, ProbeError, Reason, canonical_name

#: A name outside every zone of ours: a server that answers it with recursion serves anybody.
_STRANGER = dns.name.from_text("a.root-servers.net.")
_VERSION = dns.name.from_text("version.bind.")
_MOST_ADDRESSES = 16


async def look_at_servers(line: Line, walker: Walker, zone: Zone) -> Delegation:
    """Return the delegation of a zone and what each of its servers answers."""
    by_zone, dangling = await _own_servers(walker, zone), []
    servers: list[NameServerSeen] = []
    known = dict(zone.servers)
    for name in sorted({*known, *by_zone}):
        addresses = known.get(name) or await walker.addresses_of(name)
        if not addresses:
            if await _nowhere(walker, name):
                dangling.append(name)
            servers.append(
                NameServerSeen(name=name, address="", udp=None, tcp=None, authoritative=None, reason="no-address")
            )
        servers += [await _server(line, zone, name, address) for address in addresses[:_MOST_ADDRESSES]]
    return Delegation(
        zone=canonical_name(str(zone.apex)),
        by_parent=tuple(name for name, _ in zone.servers),
        by_zone=tuple(by_zone),
        servers=tuple(servers),
        dangling=tuple(dangling),
        registrable=tuple([n for n in dangling if await surely_nonexistent(walker, registrable_domain(n) or n)]),
        glue=tuple([await _glue(walker, zone, n, a) for n, a in zone.servers if a and _inside(zone, n)]),
    )


def _inside(zone: Zone, name: str) -> bool:
    return dns.name.from_text(name).is_subdomain(zone.apex)


async def _glue(walker: Walker, zone: Zone, name: str, parent: tuple[IPAddress, ...]) -> Glue:
    """Compare what the parent hands out for a server inside the zone with what the zone says."""
    own: list[str] = []
    owner = dns.name.from_text(name)
    for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
        try:
            answer = await walker.ask_any(zone, owner, rdtype)
        except ProbeError as error:
            _raise_stop(error)
            return Glue(name=name, parent=tuple(map(str, parent)), zone=None)
        own += [r.address for s in answer.answer if s.rdtype == rdtype and s.name == owner for r in s]
    return Glue(name=name, parent=tuple(map(str, parent)), zone=tuple(own))


async def _own_servers(walker: Walker, zone: Zone) -> list[str]:
    try:
        answer = await walker.ask_any(zone, zone.apex, dns.rdatatype.NS)
    except ProbeError as error:
        _raise_stop(error)
        return []
    return sorted(canonical_name(str(r.target)) for s in answer.answer if s.rdtype == dns.rdatatype.NS for r in s)


async def _nowhere(walker: Walker, name: str) -> bool:
    """Tell whether the servers of its zone say that a name server's name does not exist."""
    try:
        wanted = dns.name.from_text(name)
        answer = await walker.ask_any(await walker.zone_of(wanted), wanted, dns.rdatatype.A)
    except ProbeError as error:
        _raise_stop(error)
        return False
    return answer.rcode() == dns.rcode.NXDOMAIN


async def _server(line: Line, zone: Zone, name: str, address: IPAddress) -> NameServerSeen:
    plain = Server(address=address, question=DnsQuestion.DELEGATION, walking=canonical_name(str(zone.apex)))
    reason, authoritative, serial, edns = "", None, None, None
    udp = tcp = None
    try:
        answer = await ask(line, plain, zone.apex, dns.rdatatype.SOA)
        udp, edns = True, answer.edns >= 0
        authoritative = answer.rcode() == dns.rcode.NOERROR and bool(answer.flags & dns.flags.AA)
        serial = next((r.serial for s in answer.answer if s.rdtype == dns.rdatatype.SOA for r in s), None)
    except ProbeError as error:
        _raise_stop(error)
        udp, reason = (False if error.reason is Reason.REFUSED else None), error.reason.value
    try:
        await ask(line, plain, zone.apex, dns.rdatatype.SOA, tcp=True, tries=2)
        tcp = True
    except ProbeError as error:
        _raise_stop(error)
        tcp = False if error.reason is Reason.REFUSED else None
    recursive, version, names = await _given_to_anybody(line, zone, address)
    return NameServerSeen(
        name=name, address=str(address), udp=udp, tcp=tcp, authoritative=authoritative, serial=serial,
        recursive=recursive, version=version, transfer=None if names is None else len(names), reason=reason,
        transferred=names or (), edns=edns,
    )  # fmt: skip


async def _given_to_anybody(
    line: Line, zone: Zone, address: IPAddress
) -> tuple[bool | None, str | None, tuple[str, ...] | None]:
    """Recursion, version and transferred names; None where the mandate does not cover the server or none was told."""
    server = Server(address=address, question=DnsQuestion.INTRUSIVE)
    recursive: bool | None = None
    version: str | None = None
    try:
        answer = await ask(line, server, _STRANGER, dns.rdatatype.A, recurse=True, tries=2)
        recursive = bool(answer.flags & dns.flags.RA) and bool(answer.answer)
        answer = await ask(line, server, _VERSION, dns.rdatatype.TXT, rdclass=dns.rdataclass.CH, tries=2)
        texts = [
            b"".join(r.strings).decode("ascii", "replace") for s in answer.answer for r in s if hasattr(r, "strings")
        ]
        version = texts[0][:100] if texts else ""
    except ProbeError as error:
        _raise_stop(error)
        if error.reason in MANDATED:
            return None, None, None
    return recursive, version, await _transfer(line, server, zone.apex)


async def _transfer(line: Line, server: Server, apex: dns.name.Name) -> tuple[str, ...] | None:
    """The owner names that the first message of an AXFR gave; none when refused, None when it could not be told."""
    try:
        query = dns.message.make_query(apex, dns.rdatatype.AXFR, use_edns=-1)
        query.flags &= ~dns.flags.RD
        wire = await line.ask(query.to_wire(), server.address, question=server.question, tcp=True, deadline=5.0)
        answer = dns.message.from_wire(wire, one_rr_per_rrset=True, ignore_trailing=True)
    except ProbeError as error:
        _raise_stop(error)
        # A server that hangs up on a transfer refuses it.
        return () if error.reason in {Reason.TRUNCATED, Reason.CONNECTION_LOST, Reason.REFUSED} else None
    except (dns.exception.DNSException, struct.error):
        return None
    if answer.rcode() != dns.rcode.NOERROR or not answer.answer or answer.answer[0].rdtype != dns.rdatatype.SOA:
        return ()
    return tuple(sorted({canonical_name(str(rrset.name)) for rrset in answer.answer}))


def _raise_stop(error: ProbeError) -> None:
    if error.reason is Reason.INTERRUPTED:
        raise error
