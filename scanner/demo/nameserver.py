"""A small authoritative name server for the demonstration: UDP and TCP, referrals, AXFR and version when told so."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import struct
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.node
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zone

from scanner.demo.listening import listening

#: CNAME links followed within the server's own zones.
_CHAIN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class NameServer:
    """Answers for ``zones``; as a ``resolver`` it answers for all as if it had asked around, when asked to.

    ``version`` is told to CHAOS questions when not empty; ``transfers`` opens AXFR to anybody.
    """

    zones: tuple[dns.zone.Zone, ...]
    resolver: bool = False
    transfers: bool = False
    version: str = ""

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """Return the answer to one question."""
        response = dns.message.make_response(query, recursion_available=self.resolver)
        question = query.question[0]
        if question.rdclass == dns.rdataclass.CH:
            return self._chaos(response, question)
        name = question.name
        for _ in range(_CHAIN):
            zone = self._zone(name)
            if zone is None:
                response.set_rcode(dns.rcode.REFUSED if not response.answer else dns.rcode.NOERROR)
                return response
            around = self.resolver and bool(query.flags & dns.flags.RD)
            target = self._from_zone(response, zone, name, question.rdtype, around=around)
            if target is None:
                return response
            name = target
        return response

    def transfer(self, query: dns.message.Message) -> Iterator[dns.message.Message]:
        """Yield the messages of an AXFR (RFC 5936), or one refusal."""
        response = dns.message.make_response(query)
        origin = query.question[0].name
        zone = next((z for z in self.zones if z.origin == origin), None)
        if not self.transfers or zone is None or zone.origin is None:
            response.set_rcode(dns.rcode.REFUSED)
            yield response
            return
        soa = _rrset(zone.origin, zone.find_rdataset(zone.origin, "SOA"))
        response.flags |= dns.flags.AA
        response.answer.append(soa)
        for name, rdataset in zone.iterate_rdatasets():
            if rdataset.rdtype != dns.rdatatype.SOA:
                response.answer.append(_rrset(name, rdataset))
        yield response
        last = dns.message.make_response(query)
        last.flags |= dns.flags.AA
        last.answer.append(soa)
        yield last

    def _zone(self, name: dns.name.Name) -> dns.zone.Zone | None:
        inside = [z for z in self.zones if z.origin is not None and name.is_subdomain(z.origin)]
        return max(inside, key=lambda z: len(z.origin or ()), default=None)

    def _from_zone(
        self, response: dns.message.Message, zone: dns.zone.Zone, name: dns.name.Name, rdtype: int, *, around: bool
    ) -> dns.name.Name | None:
        """Add what the zone knows; return the target of a CNAME that must be followed."""
        origin = zone.origin or dns.name.root
        cut = _delegation(zone, name)
        if cut is not None and not (cut == name and rdtype == dns.rdatatype.DS):
            if around:
                # Nobody it can ask knows what lies beyond.
                response.set_rcode(dns.rcode.SERVFAIL)
            else:
                self._refer(response, zone, cut)
            return None
        if not around:
            response.flags |= dns.flags.AA
        node = zone.get_node(name)
        if node is None:
            below = any(known.is_subdomain(name) for known in zone.nodes)
            if not below and not response.answer:
                response.set_rcode(dns.rcode.NXDOMAIN)
            response.authority.append(_rrset(origin, zone.find_rdataset(origin, "SOA")))
            return None
        found = node.get_rdataset(dns.rdataclass.IN, dns.rdatatype.RdataType(rdtype))
        if found is not None:
            response.answer.append(_rrset(name, found))
            return None
        alias = node.get_rdataset(dns.rdataclass.IN, dns.rdatatype.CNAME)
        if alias is None:
            response.authority.append(_rrset(origin, zone.find_rdataset(origin, "SOA")))
            return None
        response.answer.append(_rrset(name, alias))
        target: dns.name.Name = alias[0].target
        return target if self._zone(target) is not None else None

    def _refer(self, response: dns.message.Message, zone: dns.zone.Zone, cut: dns.name.Name) -> None:
        servers = zone.find_rdataset(cut, "NS")
        response.authority.append(_rrset(cut, servers))
        for server in servers:
            glue = zone.get_rdataset(server.target, "A") if zone.get_node(server.target) else None
            if glue is not None:
                response.additional.append(_rrset(server.target, glue))

    def _chaos(self, response: dns.message.Message, question: dns.rrset.RRset) -> dns.message.Message:
        if not self.version:
            response.set_rcode(dns.rcode.REFUSED)
            return response
        text = dns.rdataset.from_text("CH", "TXT", 0, f'"{self.version}"')
        response.answer.append(_rrset(question.name, text))
        return response


def _delegation(zone: dns.zone.Zone, name: dns.name.Name) -> dns.name.Name | None:
    """The closest zone cut below the origin, at or above a name."""
    origin = zone.origin or dns.name.root
    while name != origin:
        node = zone.get_node(name)
        if node is not None and node.get_rdataset(dns.rdataclass.IN, dns.rdatatype.NS) is not None:
            return name
        name = name.parent()
    return None


def _rrset(name: dns.name.Name, rdataset: dns.rdataset.Rdataset) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset))


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        with contextlib.suppress(dns.exception.DNSException):
            query = dns.message.from_wire(data)
            if self._transport is not None and query.question:
                self._transport.sendto(self._server.answer(query).to_wire(max_size=65535), addr)


async def _stream(server: NameServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(dns.exception.DNSException, asyncio.IncompleteReadError, ConnectionError):
        while True:
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            query = dns.message.from_wire(await reader.readexactly(length))
            transfer = bool(query.question) and query.question[0].rdtype == dns.rdatatype.AXFR
            for response in server.transfer(query) if transfer else [server.answer(query)]:
                wire = response.to_wire(max_size=65535)
                writer.write(struct.pack("!H", len(wire)) + wire)
            await writer.drain()


@contextlib.asynccontextmanager
async def serving(server: NameServer, address: str, port: int) -> AsyncIterator[None]:
    """Serve on one address over UDP and TCP, until the context ends."""
    loop = asyncio.get_running_loop()
    datagrams, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(server), local_addr=(address, port))
    try:
        async with listening(functools.partial(_stream, server), address, port):
            yield
    finally:
        datagrams.close()
