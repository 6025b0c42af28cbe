"""The walk from the roots to the servers of a zone, by delegation."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from probes.dns.ask import Server, ask
from probes.interface import DnsQuestion, IPAddress, Line, ProbeError, Reason

_DEPTH, _NESTED, _SERVERS = 16, 3, 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A zone found by the walk: its apex, its servers by the parent, and the addresses known of each."""

    apex: dns.name.Name
    servers: tuple[tuple[str, tuple[IPAddress, ...]], ...]

    @property
    def addresses(self) -> tuple[IPAddress, ...]:
        """Every address, IPv4 first."""
        found = [a for _, addresses in self.servers for a in addresses]
        return tuple(sorted(dict.fromkeys(found), key=lambda a: a.version))


class Walker:
    """Walks delegations on behalf of one in-scope name; zones met are remembered."""

    def __init__(self, line: Line, roots: tuple[str, ...], walking: str) -> None:
        self._line = line
        self._walking = walking
        roots_known = tuple((text, (ip_address(text),)) for text in roots)
        self._zones = {dns.name.root: Zone(apex=dns.name.root, servers=roots_known)}

    @property
    def root(self) -> Zone:
        """The root zone."""
        return self._zones[dns.name.root]

    async def zone_of(self, name: dns.name.Name, *, nested: int = 0) -> Zone:
        """Return the deepest zone that a name lies in; raise ``ProbeError`` when the walk is cut."""
        known = max((z for a, z in self._zones.items() if name.is_subdomain(a)), key=lambda z: len(z.apex))
        for _ in range(_DEPTH):
            answer = await self.ask_any(known, name, dns.rdatatype.NS)
            cut = _referral(answer, known.apex, name)
            if cut is None:
                return known
            known = await self._descend(answer, known.apex, cut, nested)
            self._zones[known.apex] = known
        raise ProbeError(Reason.MALFORMED, f"a delegation of more than {_DEPTH} steps for {name}")

    async def ask_any(
        self, zone: Zone, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, *, signed: bool = False
    ) -> dns.message.Message:
        """Ask the servers of a zone in turn until one answers with authority or refers further."""
        last = ProbeError(Reason.SERVER_FAILURE, f"no server of {zone.apex} has an address")
        for address in zone.addresses[:_SERVERS]:
            server = Server(address=address, question=DnsQuestion.DELEGATION, walking=self._walking)
            try:
                answer = await ask(self._line, server, name, rdtype, tries=2, signed=signed)
            except ProbeError as error:
                last = error
                if error.reason is Reason.INTERRUPTED:
                    raise
                continue
            if answer.rcode() in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
                return answer
            last = ProbeError(Reason.SERVER_FAILURE, f"{address}: {dns.rcode.to_text(answer.rcode())}")
        raise last

    async def _descend(self, answer: dns.message.Message, apex: dns.name.Name, cut: dns.name.Name, nested: int) -> Zone:
        names = sorted(
            {str(r.target) for rrset in answer.authority + answer.answer
             if rrset.rdtype == dns.rdatatype.NS and rrset.name == cut for r in rrset}
        )  # fmt: skip
        glue = {
            (str(rrset.name).lower(), ip_address(r.address))
            for rrset in answer.additional
            # A zone says nothing of names outside it: such addresses are looked for where they belong.
            if rrset.rdtype in {dns.rdatatype.A, dns.rdatatype.AAAA} and rrset.name.is_subdomain(apex)
            for r in rrset
        }
        servers = []
        for text in names[:_SERVERS]:
            addresses = tuple(sorted((a for n, a in glue if n == text.lower()), key=lambda a: (a.version, int(a))))
            if not addresses and nested < _NESTED:
                addresses = await self.addresses_of(text, nested=nested + 1)
            servers.append((text.rstrip(".").lower(), addresses))
        return Zone(apex=cut, servers=tuple(servers))

    async def addresses_of(self, text: str, *, nested: int = 0) -> tuple[IPAddress, ...]:
        """Return the addresses of a name server's name by the walk; none when it cannot be told."""
        name = dns.name.from_text(text)
        found: list[IPAddress] = []
        try:
            zone = await self.zone_of(name, nested=nested)
            for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                answer = await self.ask_any(zone, name, rdtype)
                found += [ip_address(r.address) for s in answer.answer if s.rdtype == rdtype for r in s]
        except ProbeError as error:
            if error.reason is Reason.INTERRUPTED:
                raise
        return tuple(found)


def _referral(answer: dns.message.Message, apex: dns.name.Name, name: dns.name.Name) -> dns.name.Name | None:
    """The zone cut an answer refers to: deeper than the zone asked, at or above the name, and not answered itself."""
    if answer.rcode() != dns.rcode.NOERROR:
        return None
    # A server that holds parent and child alike answers for the child at once.
    sections = [r for r in answer.answer if r.name == name] if answer.answer else answer.authority
    for rrset in sections:
        deeper = len(rrset.name) > len(apex) and name.is_subdomain(rrset.name)
        if rrset.rdtype == dns.rdatatype.NS and deeper and rrset.name.is_subdomain(apex):
            return rrset.name
    return None
