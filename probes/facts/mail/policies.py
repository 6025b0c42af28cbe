"""What the DNS says of a domain's mail: SPF counted to its leaves, DMARC and where it comes from, DKIM keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from probes.facts.dns import Presence
from probes.interface import AssetKind, Fact, FoundIn, Lead, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfTerm:
    """One term that costs a look-up, as met in the worst evaluation: no mechanism before it matches.

    ``domain`` is the one whose record holds it, ``depth`` 0 for the domain's own. ``void`` tells a look-up that surely
    gave nothing (RFC 7208 4.6.4). ``presence`` is unknown for a target with macros: it depends on the message.
    """

    domain: str
    depth: int
    name: str
    target: str
    presence: Presence
    void: bool = False
    reason: str = ""


class SpfFaultKind(StrEnum):
    """What makes receivers give up with a permanent error."""

    SYNTAX = "syntax"
    SEVERAL = "several-records"
    NO_RECORD = "no-record"
    LOOP = "loop"
    MANY_EXCHANGERS = "many-exchangers"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfFault:
    """A permanent error in the record of ``domain``; ``registered`` is about the registrable domain of a lost one."""

    kind: SpfFaultKind
    domain: str
    detail: str = ""
    registered: Presence = Presence.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfTree(Fact):
    """The SPF policy of a domain, includes and redirects followed.

    ``records`` are the domain's own. ``lookups`` counts terms that ask (RFC 7208 4.6.4), ``voids`` those that surely
    found nothing; both are lower bounds when ``least``, and what could not be read stands in ``unread``. ``ending`` is
    the qualifier of the ``all`` that closes the policy, through redirects: "" when there is none, ``unknown`` when a
    redirect could not be read; an include of a policy that lets everybody pass (``open_includes``, the innermost first)
    ends it too. ``networks`` are every ip4 and ip6 network listed, includes' too; ``own_networks`` those
    of the domain's own record and of records beneath it.
    """

    kind: ClassVar[str] = "mail.spf"
    seen_by: ClassVar[str] = "mail"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.DOMAIN})

    presence: Presence
    records: tuple[str, ...] = ()
    terms: tuple[SpfTerm, ...] = ()
    faults: tuple[SpfFault, ...] = ()
    lookups: int = 0
    voids: int = 0
    least: bool = False
    unread: tuple[str, ...] = ()
    ending: str = ""
    networks: tuple[str, ...] = ()
    own_networks: tuple[str, ...] = ()
    reason: str = ""
    open_includes: tuple[str, ...] = ()

    def leads(self) -> Iterable[Lead]:
        """Return the names the policy asks about, to its leaves; one with an underscore holds records only."""
        named = dict.fromkeys(t.target for t in self.terms if t.presence is Presence.PRESENT and "_" not in t.target)
        return tuple(Lead(text=name, found_in=FoundIn.SPF) for name in named)


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcStep:
    """One name of the walk up from the domain: the DMARC records found at ``_dmarc.`` beneath it."""

    domain: str
    presence: Presence
    records: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTarget:
    """Where reports go. ``authorised`` is about the record by which another domain accepts them (RFC 7489 7.1)."""

    address: str
    domain: str
    external: bool
    authorised: Presence = Presence.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcPolicy(Fact):
    """The DMARC policy that applies to a domain.

    ``steps`` climb from the domain (RFC 9989 tree walk, RFC 7489's organisational domain included). ``organisational``
    is by the public suffix list, ``organisational_walk`` by the tree walk. ``record`` is the policy that receivers of
    either RFC apply, ``found_at`` the domain that publishes it; "" when there is none.
    """

    kind: ClassVar[str] = "mail.dmarc"
    seen_by: ClassVar[str] = "mail"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.DOMAIN})

    steps: tuple[DmarcStep, ...]
    organisational: str
    organisational_walk: str
    record: str = ""
    found_at: str = ""
    targets: tuple[ReportTarget, ...] = ()

    @property
    def unread(self) -> str:
        """Why a step that could hold the policy was not read, or ""."""
        for step in self.steps:
            if step.domain == self.found_at:
                return ""
            if step.presence is Presence.UNKNOWN:
                return step.reason or "unknown"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimSelector:
    """One selector asked: ``declared`` by the configuration, or one that mail products commonly use.

    ``bits`` is 0 for a revoked key. ``fault`` says why verifiers could not use the record.
    """

    selector: str
    declared: bool
    presence: Presence
    algorithm: str = ""
    bits: int = 0
    revoked: bool = False
    testing: bool = False
    fault: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimKeys(Fact):
    """The DKIM keys of a domain.

    ``branch`` is about the name ``_domainkey``: absent (NXDOMAIN) proves that no selector exists (RFC 8020); present,
    even empty, says that some may.
    """

    kind: ClassVar[str] = "mail.dkim"
    seen_by: ClassVar[str] = "mail"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.DOMAIN})

    branch: Presence
    selectors: tuple[DkimSelector, ...] = ()
    reason: str = ""
