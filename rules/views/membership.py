"""Who belongs to which group, through every nesting; asked of one group at a time, and kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from rules.views.objects import Account, Group


class Memberships(Mapping[str, frozenset[str]]):
    """The SIDs of the members of each group, by the group's SID.

    Members of members count, and so do primary groups, foreign principals, and whoever bears the group's SID in its
    SID history. Loops are walked once.
    """

    def __init__(
        self,
        groups: Iterable[Group],
        sids: Mapping[str, str],
        members: Mapping[str, list[str]],
        more: Mapping[str, set[str]],
    ) -> None:
        self._sids, self._members, self._more = sids, members, more
        self._dns = {g.sid: g.dn.lower() for g in groups}
        self._groups = {dn: sid for sid, dn in self._dns.items()}
        self._closed: dict[str, frozenset[str]] = {}
        self._unread: dict[str, frozenset[str]] = {}

    def __getitem__(self, sid: str) -> frozenset[str]:
        if sid not in self._dns:
            raise KeyError(sid)
        if sid not in self._closed:
            self._walk(sid)
        return self._closed[sid]

    def __iter__(self) -> Iterator[str]:
        return iter(self._dns)

    def __len__(self) -> int:
        return len(self._dns)

    def unread(self, sid: str) -> frozenset[str]:
        """Return the members' DNs, at any depth, of which nothing was read."""
        self.get(sid)
        return self._unread.get(sid, frozenset())

    def direct(self, sid: str) -> tuple[frozenset[str], frozenset[str]]:
        """Return the SIDs of a group's own members, and the DNs of those of which nothing was read."""
        listed = {dn: self._sids.get(dn) for dn in self._members.get(self._dns[sid], ())}
        known = {member for member in listed.values() if member}
        return frozenset(known | self._more.get(sid, set())), frozenset(d for d, s in listed.items() if s is None)

    def _walk(self, sid: str) -> None:
        found: set[str] = set()
        unread: set[str] = set()
        pending, seen = [sid], {sid}
        while pending:
            at = pending.pop()
            members = set(self._more.get(at, ()))
            for dn in self._members.get(self._dns[at], ()):
                member = self._sids.get(dn)
                if member is None:
                    unread.add(dn)
                elif member:
                    members.add(member)
            for member in members - seen:
                found.add(member)
                if member in self._dns:
                    seen.add(member)
                    pending.append(member)
        self._closed[sid], self._unread[sid] = frozenset(found), frozenset(unread)

    @cached_property
    def loops(self) -> tuple[frozenset[str], ...]:
        """The sets of groups that are members of each other, by SID; a group that is its own member is one."""
        order = {dn: n for n, dn in enumerate(self._groups)}
        pairs = [(order[dn], order[m]) for dn in order for m in self._members.get(dn, ()) if m in order]
        if not pairs:
            return ()
        own = {a for a, b in pairs if a == b}
        # Only a judge of memberships pays for these: a service that shows pages imports the rules too.
        import numpy as np
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import connected_components

        edges = np.array(pairs, dtype=np.int32).T
        graph = csr_matrix((np.ones(len(pairs), dtype=np.int8), (edges[0], edges[1])), shape=(len(order), len(order)))
        _, labels = connected_components(graph, connection="strong")
        together: dict[int, set[str]] = defaultdict(set)
        for dn, n in order.items():
            together[int(labels[n])].add(self._groups[dn])
        alone = {self._groups[dn] for dn, n in order.items() if n in own}
        return tuple(frozenset(sids) for sids in together.values() if len(sids) > 1 or sids & alone)


def unlisted(accounts: Iterable[Account], groups: Iterable[Group]) -> dict[str, set[str]]:
    """Return the members that no ``member`` lists, by the group's SID: by primary group, and by SID history."""
    more: dict[str, set[str]] = defaultdict(set)
    for account in accounts:
        if account.primary_group is not None:
            more[f"{account.sid.rpartition('-')[0]}-{account.primary_group}"].add(account.sid)
        for old in account.sid_history:
            more[old].add(account.sid)
    for group in groups:
        for old in group.sid_history:
            more[old].add(group.sid)
    return more
