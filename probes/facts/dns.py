"""What the DNS says: record sets that are present, surely absent or unknown, and how a zone is delegated."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from probes.facts.mail import spf
from probes.interface import AssetKind, Fact, FoundIn, Lead, Part


class Presence(StrEnum):
    """Whether records exist; absence comes only from an answer that says so."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSet:
    """The records of one owner and type, in presentation format, sorted.

    ``nonexistent`` tells NXDOMAIN from an owner without this type. ``reason`` says why it is unknown. ``alias`` is the
    target of a CNAME met on the way, or "". ``asked`` is ``authoritative`` (the zone's own servers) or ``resolver``.
    """

    owner: str
    rdtype: str
    presence: Presence
    values: tuple[str, ...] = ()
    ttl: int = 0
    nonexistent: bool = False
    alias: str = ""
    reason: str = ""
    asked: str = "resolver"
    #: The targets of every CNAME met on the way, the first one first; ``alias`` is the last.
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsRecords(Fact):
    """The record sets asked about a domain or host."""

    kind: ClassVar[str] = "dns.records"
    seen_by: ClassVar[str] = "dns"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.DOMAIN, AssetKind.HOST})

    sets: tuple[RecordSet, ...]

    def find(self, rdtype: str, owner: str = "") -> RecordSet | None:
        """Return the set of a type (of the asset's own name, or of ``owner``), the zone's own answer first."""
        wanted = owner or self.sets[0].owner if self.sets else owner
        found = [s for s in self.sets if s.rdtype == rdtype and s.owner == wanted]
        return min(found, key=lambda s: (s.presence is Presence.UNKNOWN, s.asked != "authoritative"), default=None)

    def leads(self) -> Iterable[Lead]:
        """Return the targets of MX, NS, SRV, SOA and CNAME records, and what an SPF record names."""
        for found in self.sets:
            if found.alias:
                yield Lead(text=found.alias, found_in=FoundIn.ALIAS)
            for value in found.values:
                fields = value.split()
                if found.rdtype in _TARGETS and fields and fields[-1] != ".":
                    yield Lead(text=fields[-1], found_in=_TARGETS[found.rdtype])
                elif found.rdtype == "SOA" and fields:
                    yield Lead(text=fields[0], found_in=FoundIn.SOA)
                elif found.rdtype == "TXT":
                    yield from _named_by_spf("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', value)))


_TARGETS = {"MX": FoundIn.MX, "NS": FoundIn.NS, "SRV": FoundIn.SRV}


def _named_by_spf(text: str) -> Iterable[Lead]:
    if not spf.is_spf(text):
        return
    try:
        record = spf.parse(text)
    except spf.SpfSyntaxError:
        return
    for mechanism in record.mechanisms:
        if mechanism.value and not mechanism.macro:
            yield Lead(text=mechanism.value, found_in=FoundIn.SPF)
    if record.redirect and "%" not in record.redirect:
        yield Lead(text=record.redirect, found_in=FoundIn.SPF)


@dataclass(frozen=True, slots=True, kw_only=True)
class NameServerSeen:
    """One name server at one address: what it answered about the zone. None where it could not be told.

    ``authoritative`` is the AA bit of its SOA answer; ``recursive`` and ``transfer`` and ``version`` are asked only of
    servers in scope; ``transfer`` counts the owner names received, 0 when refused.
    """

    name: str
    address: str
    udp: bool | None
    tcp: bool | None
    authoritative: bool | None
    serial: int | None = None
    recursive: bool | None = None
    transfer: int | None = None
    version: str | None = None
    reason: str = ""
    #: The owner names received.
    transferred: tuple[str, ...] = ()
    #: Whether its answer to a question with EDNS had EDNS itself (RFC 6891); None when it was not told.
    edns: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Glue:
    """Addresses of a name server inside its own zone: those the parent hands out, and those the zone has.

    ``zone`` is None when the zone did not tell.
    """

    name: str
    parent: tuple[str, ...]
    zone: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation(Fact):
    """How a zone is delegated: its servers by the parent and by itself, and each of them at each address."""

    kind: ClassVar[str] = "dns.delegation"
    seen_by: ClassVar[str] = "dns"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.DOMAIN})

    zone: str
    by_parent: tuple[str, ...]
    by_zone: tuple[str, ...]
    servers: tuple[NameServerSeen, ...]
    #: Targets of NS records that surely do not exist.
    dangling: tuple[str, ...] = ()
    #: Those of them whose registrable domain surely does not exist.
    registrable: tuple[str, ...] = ()
    glue: tuple[Glue, ...] = ()

    def leads(self) -> Iterable[Lead]:
        """Return the names that a transfer gave away; keys of services are no hosts."""
        names = {name for server in self.servers for name in server.transferred}
        for name in sorted(names):
            if not any(label.startswith(("_", "*")) for label in name.split(".")):
                yield Lead(text=name, found_in=FoundIn.TRANSFER)


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasTarget(Fact):
    """The end of a CNAME chain: whether its target exists, from an answer that says so."""

    kind: ClassVar[str] = "dns.alias-target"
    seen_by: ClassVar[str] = "dns"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.HOST, AssetKind.DOMAIN})

    target: str
    presence: Presence
    nonexistent: bool
    in_zone: bool
    reason: str = ""
    #: ``authoritative`` when the servers of the target's own zone answered, or ``resolver``.
    asked: str = "resolver"
    #: The domain that somebody registers to have the target, and whether it surely does not exist (None: not told).
    registrable: str = ""
    registrable_nonexistent: bool | None = None
    #: Every name that the chain passes through, the first target first.
    chain: tuple[str, ...] = ()
