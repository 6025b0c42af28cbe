"""A domain as the rules read it: its accounts, groups, trusts and head, and who is privileged, by SID."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from probes.facts.directory import NamingContextRead, NamingContextRole
from probes.facts.entries import Entry, EntryError, decode_entries
from probes.facts.identifiers import filetime, generalized_time, rid, sid_text, whole
from probes.interface import Asset, AssetKind, Fact, Observation, Status
from rules.interface import ObjectRef, Unseen, View, view
from rules.subject import Record

#: userAccountControl bits (MS-ADTS 2.2.16).
DISABLED, REVERSIBLE, TRUST, SERVER_TRUST = 0x2, 0x80, 0x800, 0x2000
NEVER_EXPIRES, UNCONSTRAINED, DES_ONLY, NO_PREAUTH, TO_AUTH = 0x10000, 0x80000, 0x200000, 0x400000, 0x1000000
#: Privileged groups (ANSSI, shared definitions): builtin SIDs, and RIDs of the domain.
BUILTIN = frozenset(f"S-1-5-32-{n}" for n in (544, 548, 549, 550, 551))
RIDS = frozenset({512, 516, 518, 519, 526, 527})
CONTROLLERS = frozenset({516, 521})


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user, computer or managed service account. None where the directory did not tell."""

    sid: str
    name: str
    dn: str
    computer: bool
    managed: bool
    uac: int | None
    primary_group: int | None
    password_set: datetime | None
    password_told: bool
    last_logon: datetime | None
    created: datetime | None
    spns: tuple[str, ...]
    delegates_to: tuple[str, ...]
    acts_for_others: bool
    admin_count: int
    sid_history: tuple[str, ...]

    @property
    def enabled(self) -> bool:
        """Not known to be disabled."""
        return not (self.uac or 0) & DISABLED

    @property
    def controller(self) -> bool:
        """A domain controller, read-only ones included."""
        return self.computer and self.primary_group in CONTROLLERS

    @property
    def ref(self) -> ObjectRef:
        """The account as a finding names it."""
        return ObjectRef(id=self.sid, name=self.name, dn=self.dn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """A trust with another domain (MS-ADTS 6.1.6.7)."""

    guid: str
    name: str
    dn: str
    direction: int
    type: int
    attributes: int

    @property
    def ref(self) -> ObjectRef:
        """The trust as a finding names it."""
        return ObjectRef(id=self.guid or self.dn, name=self.name, dn=self.dn)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainView(View):
    """One domain. ``complete`` is False when the reading was cut: absence then proves nothing.

    ``groups`` maps a group's SID to the SIDs of its members, members of members included; ``privileged`` are the SIDs
    of privileged accounts, RID 500 included. ``head`` are the numbers of the domain's root.
    """

    now: datetime
    complete: bool
    accounts: tuple[Account, ...]
    groups: Mapping[str, frozenset[str]]
    privileged: frozenset[str]
    trusts: tuple[Trust, ...]
    head: Mapping[str, int]

    def people(self, *, privileged: bool | None = None) -> Iterator[Account]:
        """Yield the enabled user accounts that are no trust accounts; only privileged ones, or others, when told."""
        for account in self.accounts:
            if account.computer or not account.enabled or (account.uac or 0) & TRUST:
                continue
            if privileged is None or privileged is (account.sid in self.privileged):
                yield account


@view(DomainView)
def domains(record: Record) -> Iterable[DomainView | Unseen]:
    """One view a domain whose naming context was read; a domain that was met and not read is unseen."""
    read = [o for o in record.observations if isinstance(o.fact, NamingContextRead)]
    contexts = [o for o in read if _role(o) is NamingContextRole.DOMAIN]
    seen = {o.fact.domain for o in contexts if isinstance(o.fact, NamingContextRead)}
    for observation in contexts:
        yield _built(observation, record)
    for asset in record.assets:
        if asset.kind is AssetKind.AD_DOMAIN and asset.name not in seen:
            tried = [a for a in record.attempts if a.probe.startswith("directory") and a.status is not Status.COMPLETED]
            for part in record.scan.parts[:1]:
                at = tried[0].ended_at if tried else part.started_at
                reason = tried[0].reason.value if tried else "naming-context-not-read"
                yield Unseen(asset=asset, seen_at=at, vantage=part.vantage, reason=reason)


def _role(observation: Observation[Fact]) -> NamingContextRole | None:
    return observation.fact.role if isinstance(observation.fact, NamingContextRead) else None


def _built(observation: Observation[Fact], record: Record) -> DomainView | Unseen:
    fact = observation.fact
    assert isinstance(fact, NamingContextRead)
    asset = Asset(kind=AssetKind.AD_DOMAIN, name=fact.domain)
    accounts: list[Account] = []
    trusts: list[Trust] = []
    members: dict[str, set[str]] = defaultdict(set)
    sids: dict[str, str] = {}
    head: Mapping[str, int] = {}
    groups: dict[str, str] = {}
    try:
        for digest in observation.captures:
            for entry in decode_entries(record.read_capture(digest)):
                classes = {c.lower() for c in entry.attributes.get("objectclass", ())}
                dn = entry.dn.lower()
                sid = sid_text(_first(entry, "objectsid"))
                if sid:
                    sids[dn] = sid
                if dn == fact.dn.lower():
                    head = {k: n for k, v in entry.attributes.items() if v and (n := whole(v[0])) is not None}
                if b"group" in classes or any(k.startswith("member;") for k in entry.attributes):
                    members[dn] |= {m.decode("utf-8", "replace").lower() for m in _members(entry)}
                    if sid:
                        groups[dn] = sid
                elif b"user" in classes and sid:
                    accounts.append(_account(entry, sid, classes))
                elif b"trusteddomain" in classes:
                    trusts.append(_trust(entry))
    except EntryError as error:
        return Unseen(asset=asset, seen_at=fact.current_time, vantage=observation.vantage, reason=f"capture: {error}")
    closed = _closure(groups, members, sids, accounts)
    return DomainView(
        asset=asset,
        seen_at=fact.current_time,
        vantage=observation.vantage,
        evidence=(observation.id,),
        now=fact.current_time,
        complete=fact.complete,
        accounts=tuple(accounts),
        groups=closed,
        privileged=_privileged(closed, accounts),
        trusts=tuple(trusts),
        head=head,
    )


def _first(entry: Entry, name: str) -> bytes:
    return next(iter(entry.attributes.get(name, ())), b"")


def _members(entry: Entry) -> Iterator[bytes]:
    for name, values in entry.attributes.items():
        if name == "member" or name.startswith("member;range="):
            yield from values


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _account(entry: Entry, sid: str, classes: set[bytes]) -> Account:
    def number(name: str) -> int | None:
        value = _first(entry, name)
        return whole(value) if value else None

    managed = bool(classes & {b"msds-groupmanagedserviceaccount", b"msds-managedserviceaccount"})
    return Account(
        sid=sid,
        name=_text(_first(entry, "samaccountname") or _first(entry, "name")),
        dn=entry.dn,
        computer=b"computer" in classes and not managed,
        managed=managed,
        uac=number("useraccountcontrol"),
        primary_group=number("primarygroupid"),
        password_set=filetime(_first(entry, "pwdlastset")),
        password_told="pwdlastset" in entry.attributes,
        last_logon=filetime(_first(entry, "lastlogontimestamp")),
        created=generalized_time(_first(entry, "whencreated")),
        spns=tuple(map(_text, entry.attributes.get("serviceprincipalname", ()))),
        delegates_to=tuple(map(_text, entry.attributes.get("msds-allowedtodelegateto", ()))),
        acts_for_others="msds-allowedtoactonbehalfofotheridentity" in entry.attributes,
        admin_count=number("admincount") or 0,
        sid_history=tuple(filter(None, map(sid_text, entry.attributes.get("sidhistory", ())))),
    )


def _trust(entry: Entry) -> Trust:
    def number(name: str) -> int:
        return whole(_first(entry, name)) or 0

    return Trust(
        guid=_first(entry, "objectguid").hex(),
        name=_text(_first(entry, "name")),
        dn=entry.dn,
        direction=number("trustdirection"),
        type=number("trusttype"),
        attributes=number("trustattributes"),
    )


def _closure(
    groups: Mapping[str, str], members: Mapping[str, set[str]], sids: Mapping[str, str], accounts: list[Account]
) -> dict[str, frozenset[str]]:
    """The members of each group through every nesting; primary groups count, loops are walked once."""
    primary: dict[int, set[str]] = defaultdict(set)
    for account in accounts:
        if account.primary_group is not None:
            primary[account.primary_group].add(account.sid)
    closed: dict[str, frozenset[str]] = {}
    for dn, sid in groups.items():
        found: set[str] = set()
        pending, seen = [dn], {dn}
        while pending:
            at = pending.pop()
            if not groups.get(at, "").startswith("S-1-5-32-"):
                found |= primary.get(rid(groups.get(at, "")), set())
            for member in members.get(at, ()):
                if member in sids:
                    found.add(sids[member])
                if member in groups and member not in seen:
                    seen.add(member)
                    pending.append(member)
        closed[sid] = frozenset(found)
    return closed


def _privileged(groups: Mapping[str, frozenset[str]], accounts: list[Account]) -> frozenset[str]:
    found = {a.sid for a in accounts if rid(a.sid) == 500}
    for sid, members in groups.items():
        if sid in BUILTIN or (sid.startswith("S-1-5-21-") and rid(sid) in RIDS):
            found |= members
    return frozenset(found & {a.sid for a in accounts})
