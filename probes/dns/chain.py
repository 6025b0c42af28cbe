"""The chain of trust from the root's anchors to a zone, one cut after another (RFC 4035 5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import dns.message
import dns.name
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.DS import DS

from probes.dns.denial import Absence, absence_of_ds
from probes.dns.signatures import ALGORITHMS, DIGESTS, flaw_of, found, vouched
from probes.dns.walk import Walker, Zone
from probes.facts.dnssec import Flaw, Security
from probes.interface import ProbeError, Reason

_PROOFS = {dns.rdatatype.NSEC, dns.rdatatype.NSEC3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where the chain stands: a zone, its validated keys, the DS records that led there; or why it ended."""

    zone: Zone
    keys: dns.rdataset.Rdataset | None = None
    signers: tuple[DS, ...] = ()
    security: Security = Security.SECURE
    flaw: Flaw = Flaw.NONE
    ended_at: dns.name.Name = dns.name.root
    detail: str = ""

    def ended(self, security: Security, flaw: Flaw, at: dns.name.Name, detail: str = "") -> Link:
        """Return the end of the chain."""
        return replace(self, security=security, flaw=flaw, ended_at=at, detail=detail)


class Chain:
    """Follows the chain to one name with a walker, at one instant."""

    def __init__(self, walker: Walker, anchors: tuple[DS, ...], now: datetime) -> None:
        self._walker = walker
        self._anchors = anchors
        self._now = now

    async def to(self, name: dns.name.Name) -> Link:
        """Return the link of the zone that a name lies in, or the end of the chain before it."""
        root = self._walker.root
        link = Link(zone=root)
        if not self._anchors:
            return link.ended(Security.INDETERMINATE, Flaw.NO_ANCHOR, dns.name.root)
        try:
            link = await self._enter(link, root, self._anchors)
            for depth in range(2, len(name) + 1):
                if link.security is not Security.SECURE:
                    return link
                link = await self._step(link, dns.name.Name(name.labels[-depth:]))
        except ProbeError as error:
            if error.reason is Reason.INTERRUPTED:
                raise
            return link.ended(Security.INDETERMINATE, Flaw.SILENT, link.zone.apex, f"{error.reason}: {error.detail}")
        return link

    async def _step(self, link: Link, name: dns.name.Name) -> Link:
        """Enter the zone cut at a name, or stay when there is none."""
        answer = await self._walker.ask_any(link.zone, name, dns.rdatatype.DS, signed=True)
        signers = found(answer, name, dns.rdatatype.DS)
        keys = link.keys
        if keys is None:
            return link.ended(Security.BOGUS, Flaw.NO_KEYS, link.zone.apex)
        if signers is not None:
            flaw = flaw_of(signers, answer.answer, link.zone.apex, keys, self._now)
            if flaw is not Flaw.NONE:
                return link.ended(Security.BOGUS, flaw, name, "DS")
            if not any(s.algorithm in ALGORITHMS and s.digest_type in DIGESTS for s in signers):
                return replace(link, signers=tuple(signers)).ended(Security.INSECURE, Flaw.UNSUPPORTED, name, "DS")
            return await self._enter(link, await self._walker.zone_of(name), tuple(signers), at=name)
        if found(answer, name, dns.rdatatype.CNAME) is not None:
            return link
        return self._without_ds(link, name, answer, keys)

    def _without_ds(
        self, link: Link, name: dns.name.Name, answer: dns.message.Message, keys: dns.rdataset.Rdataset
    ) -> Link:
        apex = link.zone.apex
        proofs = [r for r in answer.authority if r.rdtype in _PROOFS]
        flaws = {flaw_of(r, answer.authority, apex, keys, self._now) for r in proofs}
        held = [r for r in proofs if flaw_of(r, answer.authority, apex, keys, self._now) is Flaw.NONE]
        said = absence_of_ds(name, apex, held)
        if said is Absence.UNSIGNED:
            return link.ended(Security.INSECURE, Flaw.NO_DS, name)
        if said is Absence.NO_NAME:
            return link.ended(Security.SECURE, Flaw.NO_NAME, name)
        if said is Absence.NO_CUT:
            return link
        worst = next(iter(sorted(flaws - {Flaw.NONE})), Flaw.NO_PROOF)
        return link.ended(Security.BOGUS, worst, name, "NSEC")

    async def _enter(self, link: Link, zone: Zone, signers: tuple[DS, ...], at: dns.name.Name | None = None) -> Link:
        """Fetch the keys of a zone and believe them when one that the parent vouches for signed them."""
        apex = at if at is not None else zone.apex
        entered = Link(zone=zone, signers=signers, ended_at=apex)
        if zone.apex != apex:
            return entered.ended(Security.INDETERMINATE, Flaw.SILENT, apex, "the delegation could not be walked")
        answer = await self._walker.ask_any(zone, apex, dns.rdatatype.DNSKEY, signed=True)
        return replace(entered, **_keys(answer, apex, signers, self._now))


def _keys(answer: dns.message.Message, apex: dns.name.Name, signers: tuple[DS, ...], now: datetime) -> dict[str, Any]:
    """The keys of an answer, and what is wrong with them."""
    keys = found(answer, apex, dns.rdatatype.DNSKEY)
    flaw = keys_flaw(answer, keys, apex, signers, now)
    broken = {"security": Security.BOGUS, "flaw": flaw, "detail": "DNSKEY"} if flaw is not Flaw.NONE else {}
    return {"keys": keys, **broken}


def keys_flaw(
    answer: dns.message.Message,
    keys: dns.rrset.RRset | None,
    apex: dns.name.Name,
    signers: tuple[DS, ...],
    now: datetime,
) -> Flaw:
    """Return what is wrong with the keys that a server shows for a zone."""
    if keys is None:
        return Flaw.NO_KEYS
    trusted = vouched(apex, keys, signers)
    if not trusted:
        return Flaw.DS_MISMATCH
    return flaw_of(keys, answer.answer, apex, dns.rdataset.from_rdata_list(0, trusted), now)
