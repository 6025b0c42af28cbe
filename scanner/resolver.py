"""Addresses of a name by the configured resolver: found, surely none, or could not tell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import ip_address

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from probes.interface import IPAddress, ProbeError, Reason

#: Sends one wire message, by TCP when told so, and returns the answer.
Ask = Callable[[bytes, bool], Awaitable[bytes]]
_TRIES = 3


async def addresses_of(name: str, ask: Ask) -> tuple[IPAddress, ...]:
    """Return the IPv4 then IPv6 addresses; raise ``unknown-host`` on NXDOMAIN, else why it could not tell."""
    found: list[IPAddress] = []
    failures: list[ProbeError] = []
    for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
        try:
            found += await _addresses(name, rdtype, ask)
        except ProbeError as error:
            failures.append(error)
    # Name servers that fail on AAAA alone are common: what A gave still counts.
    if failures and not found:
        raise failures[0]
    return tuple(dict.fromkeys(found))


async def _addresses(name: str, rdtype: dns.rdatatype.RdataType, ask: Ask) -> list[IPAddress]:
    answer = await _answer(name, rdtype, ask)
    if answer.rcode() == dns.rcode.NXDOMAIN:
        raise ProbeError(Reason.UNKNOWN_HOST, name)
    if answer.rcode() != dns.rcode.NOERROR:
        raise ProbeError(Reason.SERVER_FAILURE, f"{name}: {dns.rcode.to_text(answer.rcode())}")
    if not isinstance(answer, dns.message.QueryMessage):
        raise ProbeError(Reason.MALFORMED, f"{name}: not an answer to a query")
    try:
        records = answer.resolve_chaining().answer or ()
    except dns.exception.DNSException as error:
        raise ProbeError(Reason.MALFORMED, f"{name}: {type(error).__name__}") from error
    return [ip_address(record.address) for record in records]


async def _answer(name: str, rdtype: dns.rdatatype.RdataType, ask: Ask) -> dns.message.Message:
    try:
        query = dns.message.make_query(dns.name.from_text(name), rdtype)
    except dns.exception.DNSException as error:
        raise ProbeError(Reason.UNKNOWN_HOST, f"not a name: {name[:100]}") from error
    last = ProbeError(Reason.TIMED_OUT, name)
    for _ in range(_TRIES):
        try:
            answer = _read(query, await ask(query.to_wire(), False))
            if answer.flags & dns.flags.TC:
                answer = _read(query, await ask(query.to_wire(), True))
            if answer.flags & dns.flags.TC:
                raise ProbeError(Reason.TRUNCATED, name)
            return answer
        except ProbeError as error:
            last = error
            if error.reason not in {Reason.TIMED_OUT, Reason.MALFORMED, Reason.CONNECTION_LOST}:
                break
    raise last


def _read(query: dns.message.Message, wire: bytes) -> dns.message.Message:
    try:
        answer = dns.message.from_wire(wire, ignore_trailing=True)
    except dns.exception.DNSException as error:
        raise ProbeError(Reason.MALFORMED, type(error).__name__) from error
    if not query.is_response(answer):
        raise ProbeError(Reason.MALFORMED, "an answer to another question")
    return answer
