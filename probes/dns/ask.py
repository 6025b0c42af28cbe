"""One question, asked until it is answered or surely cannot be: retries, TCP on truncation, EDNS given up."""

from __future__ import annotations

from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from probes.interface import MANDATED, DnsQuestion, IPAddress, Line, ProbeError, Reason

_TRIES = 3
#: EDNS payload asked for, below what most paths fragment (DNS flag day 2020).
_PAYLOAD = 1232
_AGAIN = {Reason.TIMED_OUT, Reason.MALFORMED, Reason.CONNECTION_LOST}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Who is asked, as what, and on whose behalf."""

    address: IPAddress
    question: DnsQuestion
    walking: str = ""
    port: int | None = None


async def ask(
    line: Line,
    server: Server,
    name: dns.name.Name,
    rdtype: dns.rdatatype.RdataType,
    *,
    tcp: bool = False,
    recurse: bool = False,
    tries: int = _TRIES,
    signed: bool = False,
    rdclass: dns.rdataclass.RdataClass = dns.rdataclass.IN,
) -> dns.message.Message:
    """Return an answer to this question; raise ``ProbeError`` with why there is none.

    ``signed`` asks for signatures (the DO bit), which takes EDNS at every try.
    """
    last = ProbeError(Reason.TIMED_OUT, f"{server.address} {name}")
    for attempt in range(tries):
        edns = 0 if signed or attempt < tries - 1 or tries == 1 else -1
        query = dns.message.make_query(name, rdtype, rdclass, use_edns=edns, payload=_PAYLOAD, want_dnssec=signed)
        # A resolver that validates says so only to those who ask (RFC 6840 5.7).
        query.flags = query.flags | dns.flags.AD if recurse else query.flags & ~dns.flags.RD
        try:
            answer = await _once(line, server, query, tcp=tcp)
            if answer.flags & dns.flags.TC and not tcp:
                answer = await _once(line, server, query, tcp=True)
            if answer.rcode() == dns.rcode.FORMERR and attempt < tries - 1:
                continue
            return answer
        except ProbeError as error:
            last = error
            if error.reason in MANDATED or error.reason not in _AGAIN:
                break
    raise last


async def _once(line: Line, server: Server, query: dns.message.Message, *, tcp: bool) -> dns.message.Message:
    wire = await line.ask(
        query.to_wire(),
        server.address,
        question=server.question,
        walking=server.walking,
        tcp=tcp,
        port=server.port,
        deadline=3.0,
    )
    try:
        answer = dns.message.from_wire(wire, ignore_trailing=True)
    except dns.exception.DNSException as error:
        raise ProbeError(Reason.MALFORMED, f"{server.address}: {type(error).__name__}") from error
    if not query.is_response(answer):
        raise ProbeError(Reason.MALFORMED, f"{server.address} answered another question")
    return answer
