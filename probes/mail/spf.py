"""The SPF policy of a domain, walked to its leaves as the strictest receiver would (RFC 7208 4.6.4)."""

from __future__ import annotations

from probes.facts.dns import Presence
from probes.facts.mail import spf
from probes.facts.mail.policies import SpfFault, SpfFaultKind, SpfTerm, SpfTree
from probes.facts.mail.spf import Mechanism, SpfRecord, SpfSyntaxError
from probes.interface import canonical_name
from probes.mail.lookup import Found, Lookup

#: Terms walked at the most: far beyond the ten that receivers evaluate, so that the count shown is the true one.
_MOST_TERMS = 80
#: Hosts of one mx mechanism that receivers look up (RFC 7208 4.6.4).
_MOST_EXCHANGERS = 10


async def spf_tree(lookup: Lookup, domain: str) -> SpfTree:
    """Return the policy; a policy that is surely absent has no terms."""
    own = await lookup.find(domain, "TXT")
    records = tuple(text for text in own.values if spf.is_spf(text))
    if own.presence is Presence.UNKNOWN:
        return SpfTree(presence=Presence.UNKNOWN, reason=own.reason)
    if not records:
        return SpfTree(presence=Presence.ABSENT)
    walk = _Walk(lookup)
    ending = await walk.record(domain, 0, (domain,))
    return SpfTree(
        presence=Presence.PRESENT,
        records=tuple(text[:2000] for text in records[:5]),
        terms=tuple(walk.terms),
        faults=tuple(walk.faults),
        lookups=len(walk.terms),
        voids=sum(term.void for term in walk.terms),
        least=walk.least,
        unread=tuple(dict.fromkeys(walk.unread)),
        ending=ending,
        open_includes=walk.open_to_all[:20],
        networks=tuple(dict.fromkeys(n for _, n in walk.networks))[:2000],
        own_networks=tuple(dict.fromkeys(n for at, n in walk.networks if f".{at}".endswith(f".{domain}")))[:500],
    )


class _Walk:
    """Gathers terms, faults and networks, record by record; each term counts every time it would be evaluated."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self.terms: list[SpfTerm] = []
        self.faults: list[SpfFault] = []
        self.networks: list[tuple[str, str]] = []
        self.unread: list[str] = []
        self.least = False
        #: Included policies that let everybody pass, the innermost first.
        self.open_to_all: tuple[str, ...] = ()

    async def record(self, domain: str, depth: int, path: tuple[str, ...]) -> str:
        """Walk the record of a domain; return how its policy ends."""
        record = await self._read(domain)
        if record is None:
            return "unknown"
        for mechanism in record.mechanisms:
            if mechanism.name == "all":
                return mechanism.qualifier.value
            if mechanism.name == "include" and not mechanism.macro:
                # An include of a policy that lets everybody pass is an "all" itself: nothing behind it is evaluated.
                if await self._follow("include", canonical_name(mechanism.value), domain, depth, path) == "+":
                    self.open_to_all += (canonical_name(mechanism.value),)
                    return mechanism.qualifier.value
                continue
            if mechanism.name in {"ip4", "ip6"}:
                self.networks.append((domain, mechanism.value))
            elif mechanism.asks:
                await self._mechanism(mechanism, domain, depth, path)
        return await self._redirect(record.redirect, domain, depth, path) if record.redirect else ""

    async def _read(self, domain: str) -> SpfRecord | None:
        found = await self._lookup.find(domain, "TXT")
        records = [text for text in found.values if spf.is_spf(text)]
        if found.presence is Presence.UNKNOWN:
            self._not_read(domain)
            return None
        if not records:
            registered = await self._lookup.registered(domain) if found.nonexistent else Presence.PRESENT
            self._fault(SpfFaultKind.NO_RECORD, domain, registered=registered)
            return None
        if len(records) > 1:
            self._fault(SpfFaultKind.SEVERAL, domain, str(len(records)))
            return None
        try:
            return spf.parse(records[0])
        except SpfSyntaxError as error:
            self._fault(SpfFaultKind.SYNTAX, domain, str(error)[:200])
            return None

    async def _mechanism(self, mechanism: Mechanism, domain: str, depth: int, path: tuple[str, ...]) -> None:
        target = canonical_name(mechanism.value or domain)
        if mechanism.macro or mechanism.name == "ptr":
            # ptr looks the sender's own address up: like a macro, its answer depends on the message.
            self.least = self.least or mechanism.macro
            self._term(mechanism.name, mechanism.value or domain, domain, depth, Presence.UNKNOWN)
            return
        found = await self._asked(mechanism.name, target)
        void = found.presence is Presence.ABSENT
        self._term(mechanism.name, target, domain, depth, found.presence, void=void, reason=found.reason)
        if found.presence is Presence.UNKNOWN:
            self._not_read(target)
        if mechanism.name == "mx" and len(found.values) > _MOST_EXCHANGERS:
            self._fault(SpfFaultKind.MANY_EXCHANGERS, target, str(len(found.values)))

    async def _asked(self, name: str, target: str) -> Found:
        if name == "mx":
            return await self._lookup.find(target, "MX")
        return await (self._lookup.find(target, "A") if name == "exists" else self._lookup.addressed(target))

    async def _redirect(self, value: str, domain: str, depth: int, path: tuple[str, ...]) -> str:
        if "%" in value:
            self.least = True
            self._term("redirect", value, domain, depth, Presence.UNKNOWN)
            return "unknown"
        return await self._follow("redirect", canonical_name(value), domain, depth, path)

    async def _follow(self, name: str, target: str, domain: str, depth: int, path: tuple[str, ...]) -> str:
        found = await self._lookup.find(target, "TXT")
        void = found.presence is Presence.ABSENT
        self._term(name, target, domain, depth, found.presence, void=void, reason=found.reason)
        if target in path:
            self._fault(SpfFaultKind.LOOP, target)
            return "unknown"
        if len(self.terms) >= _MOST_TERMS:
            self.least = True
            return "unknown"
        return await self.record(target, depth + 1, (*path, target))

    def _term(
        self,
        name: str,
        target: str,
        domain: str,
        depth: int,
        presence: Presence,
        *,
        void: bool = False,
        reason: str = "",
    ) -> None:
        self.terms.append(
            SpfTerm(
                domain=domain,
                depth=depth,
                name=name,
                target=target[:253],
                presence=presence,
                void=void,
                reason=reason,
            )
        )

    def _fault(
        self, kind: SpfFaultKind, domain: str, detail: str = "", registered: Presence = Presence.UNKNOWN
    ) -> None:
        fault = SpfFault(kind=kind, domain=domain, detail=detail, registered=registered)
        if fault not in self.faults:
            self.faults.append(fault)

    def _not_read(self, name: str) -> None:
        self.unread.append(name)
        self.least = True
