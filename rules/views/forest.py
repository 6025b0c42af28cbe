"""A forest as read: every naming context joined once, its memberships, its privileged accounts, its direct rights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from weakref import WeakValueDictionary

from probes.facts.directory import NamingContextRead, NamingContextRole, RootDse
from probes.facts.identifiers import rid
from probes.interface import Asset, AssetKind, Fact, Observation, Status
from rules.interface import Unseen, View, view
from rules.subject import Feed, Record
from rules.support import support_feed
from rules.views.control import Control
from rules.views.membership import Memberships, unlisted
from rules.views.objects import Account, Group, Thing
from rules.views.tables import Descriptors, Table, merged, read_table

#: Privileged groups (ANSSI, shared definitions): builtin SIDs, and RIDs of the domain.
BUILTIN = frozenset(f"S-1-5-32-{n}" for n in (544, 548, 549, 550, 551))
RIDS = frozenset({512, 516, 518, 519, 526, 527})
_ADMINISTRATORS = frozenset({"S-1-5-18", "S-1-5-32-544"})
_HEURISTICS = "cn=directory service,cn=windows nt,cn=services,"


class Forest:
    """The naming contexts of one forest, decoded, and what is computed over all of them."""

    def __init__(
        self,
        name: str,
        tables: Iterable[Table],
        descriptors: Descriptors,
        feed: Feed | None,
        readers: Mapping[str, frozenset[str]],
    ) -> None:
        self.name, self.descriptors, self.feed, self._readers = name, descriptors, feed, readers
        self.tables = tuple(tables)
        by_role = {t.fact.role: t for t in self.tables}
        self.configuration = by_role.get(NamingContextRole.CONFIGURATION)
        self.schema = by_role.get(NamingContextRole.SCHEMA)
        self.zones = by_role.get(NamingContextRole.FOREST_DNS)
        self.domains = {t.fact.domain: t for t in self.tables if t.fact.role is NamingContextRole.DOMAIN}
        self._memberships: dict[str, Memberships] = {}
        self._control: dict[str, Control] = {}
        self.domain_zones = {t.fact.domain: t for t in self.tables if t.fact.role is NamingContextRole.DOMAIN_DNS}

    def sees_all(self, domain: str) -> bool:
        """Whether the account that read a domain is an administrator: what did not show then is not there."""
        sids = self._readers.get(domain, frozenset())
        return not _ADMINISTRATORS.isdisjoint(sids) or any(rid(s) == 512 for s in sids if s.startswith("S-1-5-21-"))

    @cached_property
    def principals(self) -> Mapping[str, Account | Group]:
        """Accounts and groups by SID."""
        found: dict[str, Account | Group] = {}
        for table in self.tables:
            found |= {a.sid: a for a in table.accounts}
            found |= {g.sid: g for g in table.groups}
        return found

    @cached_property
    def _joined(self) -> tuple[dict[str, str], dict[str, list[str]], dict[str, set[str]]]:
        accounts = (a for t in self.tables for a in t.accounts)
        groups = [g for t in self.tables for g in t.groups]
        return *merged(self.tables), unlisted(accounts, groups)

    def memberships(self, domain: str) -> Memberships:
        """Who belongs to which group; the builtin groups, whose SIDs every domain shares, are those of one domain."""
        if domain not in self._memberships:
            own = self.domains.get(domain)
            groups = [(t is own or own is None, g) for t in self.tables for g in t.groups]
            kept = [g for here, g in groups if here or not g.sid.startswith("S-1-5-32-")]
            self._memberships[domain] = Memberships(kept, *self._joined)
        return self._memberships[domain]

    @property
    def sids(self) -> Mapping[str, str]:
        """The SID of every object read, by lower-case DN; "" for those without."""
        return self._joined[0]

    @cached_property
    def privileged(self) -> frozenset[str]:
        """The SIDs of the privileged accounts of every domain, RID 500 included."""
        found: set[str] = set()
        for domain in self.domains:
            members = self.memberships(domain)
            found.update(*(members[sid] for sid in privileged_groups(members)))
        accounts = (a.sid for t in self.tables for a in t.accounts)
        return frozenset(sid for sid in accounts if sid in found or rid(sid) == 500)

    @cached_property
    def privileged_accounts(self) -> tuple[Account, ...]:
        """The privileged accounts of every domain."""
        return tuple(a for t in self.tables for a in t.accounts if a.sid in self.privileged)

    def privileged_unread(self, domain: str) -> bool:
        """Whether a privileged group has members of which nothing was read, or was itself read in part."""
        cut = {dn for t in self.tables for dn in t.cut_groups}
        members = self.memberships(domain)
        groups = privileged_groups(members)
        return any(members.unread(sid) for sid in groups) or any(self.principals[s].dn.lower() in cut for s in groups)

    @cached_property
    def heuristics(self) -> str | None:
        """The value of dSHeuristics, "" when it has none; None when the configuration was not read."""
        table = self.configuration
        if table is None:
            return None
        found = next((t for t in table.things if t.dn.lower().startswith(_HEURISTICS)), None)
        return found.text("dsheuristics") if found else None

    def control(self, domain: str) -> Control:
        """The direct rights as one domain sees its builtin groups, computed as they are asked for."""
        if domain not in self._control:
            blocked = (self.heuristics or "")[28:29] == "1"
            groups, known = self.memberships(domain), self.principals
            self._control[domain] = Control(
                self.descriptors,
                groups,
                known,
                self.privileged,
                self._whole,
                owners_blocked=blocked,
                root_read=self.name in self.domains,
                models=self._models(domain),
            )
        return self._control[domain]

    def _models(self, domain: str) -> dict[str, int]:
        """The places of the AdminSDHolder descriptors by their domain's SID, "S-1-5-32" for a domain's own groups."""
        found = {}
        for name, table in self.domains.items():
            holder = next(table.named(f"CN=AdminSDHolder,CN=System,{table.fact.dn}"), None)
            for sid in (table.sid, *(["S-1-5-32"] if name == domain else [])):
                found[sid] = holder.descriptor if holder else -1
        return found

    @cached_property
    def _parts(self) -> dict[str, Thing]:
        """The references to the partitions of the forest, by lower-case DN."""
        table = self.configuration
        return {t.text("ncname").lower(): t for t in (table.of("crossref") if table else ()) if t.text("ncname")}

    def without(self, dn: str) -> bool:
        """Whether the configuration, read whole, says that the forest has no such partition."""
        whole = self.configuration is not None and self.configuration.complete
        return whole and bool(self._parts) and dn.lower() not in self._parts

    @cached_property
    def domain_names(self) -> frozenset[str]:
        """The DNS and NetBIOS names, in lower case, of the domains read and of those that the configuration tells."""
        told = [t for t in self._parts.values() if t.text("netbiosname")]
        names = {n for t in told for n in (t.text("dnsroot"), t.text("netbiosname"))}
        return frozenset(n.lower() for n in names | self.domains.keys() if n)

    @property
    def domains_unread(self) -> bool:
        """Whether the configuration names a domain that was not read."""
        read = {t.fact.dn.lower() for t in self.domains.values()}
        return any(t.text("netbiosname") and dn not in read for dn, t in self._parts.items())

    @cached_property
    def _whole(self) -> dict[str, bool]:
        """The SIDs of the domains, and whether each was read to its end."""
        return {table.sid: table.complete for table in self.domains.values()}


def privileged_groups(groups: Iterable[str]) -> tuple[str, ...]:
    """Return the SIDs, among groups, of the privileged ones."""
    return tuple(s for s in groups if s in BUILTIN or (s.startswith("S-1-5-21-") and rid(s) in RIDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestView(View):
    """A forest whose configuration was read: what is set once for all its domains."""

    now: datetime
    forest: Forest

    @property
    def configuration(self) -> Table:
        """The configuration naming context."""
        assert self.forest.configuration is not None
        return self.forest.configuration

    @property
    def complete(self) -> bool:
        """Whether the configuration was read to its end."""
        return self.configuration.complete

    def services(self, *classes: str) -> list[Thing]:
        """The objects of the configuration of any of the classes, in lower case."""
        return list(self.configuration.of(*classes))


_FORESTS: WeakValueDictionary[tuple[str, ...], Forest] = WeakValueDictionary()


def forests_of(record: Record) -> dict[str, Forest]:
    """Return the forests of a record by name; views built from one record share them as long as any of them lives."""
    chosen: dict[str, dict[str, Observation[Fact]]] = defaultdict(dict)
    for observation in record.observations:
        fact = observation.fact
        if isinstance(fact, NamingContextRead):
            known = chosen[fact.forest].get(fact.dn.lower())
            if known is None or _better(observation, known):
                chosen[fact.forest][fact.dn.lower()] = observation
    return {name: _forest(name, tuple(contexts.values()), record) for name, contexts in chosen.items()}


def _better(one: Observation[Fact], known: Observation[Fact]) -> bool:
    """The reading to keep when several controllers gave the same naming context: whole, then larger, then newer."""
    a, b = one.fact, known.fact
    assert isinstance(a, NamingContextRead)
    assert isinstance(b, NamingContextRead)
    return (a.complete, a.entries, one.seen_at) > (b.complete, b.entries, known.seen_at)


def _forest(name: str, contexts: tuple[Observation[Fact], ...], record: Record) -> Forest:
    at = max(o.seen_at for o in contexts)
    feed = support_feed(record, at)
    dses = [o for o in record.observations if isinstance(o.fact, RootDse) and o.fact.forest == name]
    readers = {o.fact.domain: frozenset(o.fact.account_sids) for o in dses if isinstance(o.fact, RootDse)}
    read = sorted(f"{o.id} {' '.join(o.captures)}" for o in (*contexts, *dses))
    key = (*read, feed.digest if feed else "")
    forest = _FORESTS.get(key)
    if forest is None:
        descriptors = Descriptors()
        tables = [read_table(o, record.read_capture, descriptors) for o in contexts]
        forest = _FORESTS[key] = Forest(name, tables, descriptors, feed, readers)
    return forest


@view(ForestView)
def forests(record: Record) -> Iterable[ForestView | Unseen]:
    """One view a forest whose configuration was read; a forest that was met and not read is unseen."""
    seen = set()
    for name, forest in sorted(forests_of(record).items()):
        table = forest.configuration
        if table is None or (table.fault and not table.things):
            continue
        seen.add(name)
        yield ForestView(
            asset=Asset(kind=AssetKind.FOREST, name=name),
            seen_at=table.fact.current_time,
            vantage=table.vantage,
            evidence=tuple(t.evidence for t in forest.tables),
            now=table.fact.current_time,
            forest=forest,
        )
    yield from unread(record, AssetKind.FOREST, seen)


def unread(record: Record, kind: AssetKind, seen: set[str]) -> Iterable[Unseen]:
    """The forests or domains that were met and not read, with the reason that the attempts tell."""
    tried = [a for a in record.attempts if a.probe.startswith("directory") and a.status is not Status.COMPLETED]
    for asset in record.assets:
        if asset.kind is kind and asset.name not in seen:
            for part in record.scan.parts[:1]:
                at = tried[0].ended_at if tried else part.started_at
                reason = tried[0].reason.value if tried else "naming-context-not-read"
                yield Unseen(asset=asset, seen_at=at, vantage=part.vantage, reason=reason)
