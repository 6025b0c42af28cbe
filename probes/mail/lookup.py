"""Questions about mail names, each asked once: to the configured resolver, or by walking the delegation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
from publicsuffixlist import PublicSuffixList

from probes.dns.anchors import anchors_of
from probes.dns.ask import Server, ask
from probes.dns.proof import proved
from probes.dns.walk import Walker
from probes.facts.dns import Presence
from probes.facts.dnssec import Security
from probes.interface import DnsQuestion, Line, ProbeError, Reason, canonical_name

#: Longest value kept of a record, and most records of an answer.
_VALUE, _VALUES = 16_384, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was answered: ``values`` are texts joined (TXT) or presentation format; ``alias`` ends a CNAME chain.

    ``secure`` is the resolver's AD bit, None without a resolver.
    """

    presence: Presence
    values: tuple[str, ...] = ()
    nonexistent: bool = False
    alias: str = ""
    secure: bool | None = None
    reason: str = ""


class Lookup:
    """Asks on behalf of one in-scope domain; answers are remembered, so a second count costs no question."""

    def __init__(
        self, line: Line, *, resolver: str, roots: tuple[str, ...], walking: str, anchors: tuple[str, ...] | None = None
    ) -> None:
        self._line = line
        self._anchors, _ = anchors_of(roots, anchors)
        self._resolver = ip_address(resolver) if resolver else None
        self._walker = Walker(line, roots, walking)
        self._known: dict[tuple[str, str], Found] = {}
        self._suffixes: PublicSuffixList | None = None
        self._told = True

    async def find(self, name: str, rdtype: str) -> Found:
        """Return what the DNS says; a failure is an answer with its reason, only the stop button raises."""
        key = (canonical_name(name), rdtype)
        if key not in self._known:
            self._known[key] = await self._find(name, rdtype)
        return self._known[key]

    async def addressed(self, name: str) -> Found:
        """Return the addresses of a name, IPv4 and IPv6 together."""
        four, six = await self.find(name, "A"), await self.find(name, "AAAA")
        values = four.values + six.values
        if values or four.nonexistent:
            return Found(presence=four.presence if not values else Presence.PRESENT, values=values,
                         nonexistent=four.nonexistent and not values, alias=four.alias or six.alias)  # fmt: skip
        return six if six.presence is Presence.UNKNOWN else four

    def organisational(self, name: str) -> str:
        """Return the registrable domain by the public suffix list, or the name itself."""
        if self._suffixes is None:
            self._suffixes = PublicSuffixList()
        return self._suffixes.privatesuffix(name) or name

    async def registered(self, name: str) -> Presence:
        """Tell whether the registrable domain of a name exists; nobody registers an address in a name's place."""
        if canonical_name(name).rpartition(".")[2].isdecimal():
            return Presence.UNKNOWN
        found = await self.find(self.organisational(canonical_name(name)), "NS")
        if found.presence is Presence.UNKNOWN:
            return Presence.UNKNOWN
        return Presence.ABSENT if found.nonexistent else Presence.PRESENT

    async def secure(self, name: str, rdtype: str) -> bool | None:
        """Tell whether DNSSEC proves an answer, by the resolver or by our own validation; None when nobody could tell.

        A resolver that says nothing may validate nothing: only our own chain tells that a zone is not signed.
        """
        if (await self.find(name, rdtype)).secure:
            return True
        if not self._told:
            return None
        wanted = dns.name.from_text(name), dns.rdatatype.from_text(rdtype)
        state = await proved(self._walker, self._anchors, *wanted, datetime.now(UTC))
        # Where servers cannot be walked to, each further try would cost as long.
        self._told = state is not Security.INDETERMINATE
        return {Security.SECURE: True, Security.INSECURE: False}.get(state)

    async def _find(self, text: str, rdtype: str) -> Found:
        try:
            name, wanted = dns.name.from_text(text), dns.rdatatype.from_text(rdtype)
        except dns.exception.DNSException:
            return Found(presence=Presence.ABSENT, nonexistent=True)
        try:
            if self._resolver is not None:
                server = Server(address=self._resolver, question=DnsQuestion.RESOLVER)
                answer = await ask(self._line, server, name, wanted, recurse=True)
            else:
                zone = await self._walker.zone_of(name)
                answer = await self._walker.ask_any(zone, name, wanted)
        except ProbeError as error:
            if error.reason is Reason.INTERRUPTED:
                raise
            return Found(presence=Presence.UNKNOWN, reason=error.reason.value)
        return self._read(answer, name, wanted)

    def _read(self, answer: dns.message.Message, name: dns.name.Name, wanted: dns.rdatatype.RdataType) -> Found:
        if answer.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
            return Found(presence=Presence.UNKNOWN, reason=Reason.SERVER_FAILURE.value)
        values = sorted({_text(record) for rrset in answer.answer if rrset.rdtype == wanted for record in rrset})
        links = {r.name: r[0].target for r in answer.answer if r.rdtype == dns.rdatatype.CNAME and len(r)}
        end, seen = name, set()
        while end in links and end not in seen:
            seen.add(end)
            end = links[end]
        return Found(
            presence=Presence.PRESENT if values else Presence.ABSENT,
            values=tuple(values[:_VALUES]),
            nonexistent=answer.rcode() == dns.rcode.NXDOMAIN,
            alias=canonical_name(str(end)) if end != name else "",
            secure=bool(answer.flags & dns.flags.AD) if self._resolver is not None else None,
        )


def _text(record: dns.rdata.Rdata) -> str:
    if record.rdtype == dns.rdatatype.TXT:
        strings: tuple[bytes, ...] = getattr(record, "strings", ())
        return b"".join(strings).decode("utf-8", "replace")[:_VALUE]
    return str(record)[:_VALUE]
