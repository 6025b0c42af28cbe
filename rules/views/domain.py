"""A domain as the rules read it: its accounts, groups, trusts and head, and who is privileged, by SID."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from probes.facts.identifiers import rid, whole
from probes.interface import Asset, AssetKind
from rules.interface import Unseen, View, view
from rules.subject import Record
from rules.views.forest import Forest, forests_of, unread
from rules.views.membership import Memberships
from rules.views.objects import TRUST, Account, Group, Thing, Trust
from rules.views.tables import Table

#: Attributes that some object of any domain has: never returned for anybody, they were not readable.
EVERYWHERE = frozenset(
    {
        "objectsid", "ntsecuritydescriptor", "samaccountname", "useraccountcontrol", "primarygroupid", "pwdlastset",
        "serviceprincipalname", "admincount", "member", "whencreated",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainView(View):
    """One domain. ``complete`` is False when the reading was cut: absence then proves nothing.

    ``groups`` maps a group's SID to the SIDs of its members, members of members included; ``privileged`` are the SIDs
    of privileged accounts, RID 500 included; ``privileged_unread`` tells that some of them may be missing.
    ``head`` are the numbers of the domain's root. ``table`` is the naming context, ``forest`` all of the forest.
    """

    now: datetime
    complete: bool
    accounts: tuple[Account, ...]
    groups: Mapping[str, frozenset[str]]
    privileged: frozenset[str]
    trusts: tuple[Trust, ...]
    head: Mapping[str, int]
    privileged_unread: bool = False
    table: Table | None = None
    forest: Forest | None = None

    def people(self, *, privileged: bool | None = None) -> Iterator[Account]:
        """Yield the enabled user accounts that are no trust accounts; only privileged ones, or others, when told."""
        for account in self.accounts:
            if account.computer or not account.enabled or (account.uac or 0) & TRUST:
                continue
            if privileged is None or privileged is (account.sid in self.privileged):
                yield account

    def missing(self, *attributes: str) -> str:
        """Return the first attribute (lower case) that was not asked for, or came for nobody though somebody has it."""
        if self.table is None:
            return ""
        asked = {a.lower() for a in self.table.fact.asked}
        for name in attributes:
            if (asked and name not in asked) or (name in EVERYWHERE and name not in self.table.told):
                return name
        return ""

    def told(self, attribute: str) -> bool:
        """Whether an attribute (lower case) came back for at least one object of the domain."""
        return self.table is None or attribute in self.table.told

    def direct(self, group: str) -> tuple[frozenset[str], frozenset[str]] | None:
        """Return the SIDs of a group's own members, and the DNs of those of which nothing was read."""
        if isinstance(self.groups, Memberships):
            return self.groups.direct(group) if group in self.groups else None
        return (self.groups[group], frozenset()) if group in self.groups else None

    @property
    def own(self) -> Table:
        """The domain's naming context."""
        assert self.table is not None
        return self.table

    @property
    def whole(self) -> Forest:
        """The forest it belongs to."""
        assert self.forest is not None
        return self.forest

    @property
    def sees_all(self) -> bool:
        """Whether an administrator read it: what did not show then is not there."""
        return self.complete and self.forest is not None and self.forest.sees_all(self.asset.name)

    @property
    def sid(self) -> str:
        """The domain's SID, or ""."""
        return self.own.sid

    @property
    def controllers(self) -> list[Account]:
        """The domain controllers, read-only ones included."""
        return [a for a in self.accounts if a.controller]

    def group(self, last: int) -> Group | None:
        """Return the group of the domain with a well-known RID."""
        return next((g for g in self.own.groups if rid(g.sid) == last and g.sid.startswith("S-1-5-21-")), None)

    def things(self, *classes: str) -> list[Thing]:
        """Return the other objects of the domain of any of the classes, in lower case."""
        return list(self.own.of(*classes))


@view(DomainView)
def domains(record: Record) -> Iterable[DomainView | Unseen]:
    """One view a domain whose naming context was read; a domain that was met and not read is unseen."""
    seen: set[str] = set()
    for _, forest in sorted(forests_of(record).items()):
        for name, table in sorted(forest.domains.items()):
            seen.add(name)
            yield _built(forest, table)
    yield from unread(record, AssetKind.AD_DOMAIN, seen)


def _built(forest: Forest, table: Table) -> DomainView | Unseen:
    fact = table.fact
    asset = Asset(kind=AssetKind.AD_DOMAIN, name=fact.domain)
    if table.fault and not table.sids:
        return Unseen(asset=asset, seen_at=fact.current_time, vantage=table.vantage, reason=table.fault)
    root = table.root
    own = {a.sid for a in table.accounts}
    return DomainView(
        asset=asset,
        seen_at=fact.current_time,
        vantage=table.vantage,
        evidence=tuple(t.evidence for t in forest.tables if t is table or t.fact.role not in {fact.role}),
        now=fact.current_time,
        complete=table.complete,
        accounts=tuple(table.accounts),
        groups=forest.memberships(fact.domain),
        privileged=forest.privileged & own,
        trusts=tuple(table.trusts),
        head={k: n for k, v in (root.values if root else {}).items() if v and (n := whole(v[0])) is not None},
        privileged_unread=forest.privileged_unread(fact.domain),
        table=table,
        forest=forest,
    )
