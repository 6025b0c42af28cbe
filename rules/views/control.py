"""Who controls what by direct rights: one computation a distinct descriptor, made when asked, kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from probes.facts.descriptor import Ace
from probes.facts.identifiers import rid
from rules.interface import ObjectRef
from rules.views.membership import Memberships
from rules.views.objects import Account, Group
from rules.views.rights import DIRECT, EVERYONE, Right, Target, holdings, told
from rules.views.tables import Descriptors

AUTHENTICATED, ANONYMOUS = "S-1-5-11", "S-1-5-7"
#: SYSTEM, its services, enterprise controllers, the object itself, its creator, owner rights, Administrators.
_ALWAYS = frozenset({"S-1-5-18", "S-1-5-19", "S-1-5-20", "S-1-5-9", "S-1-5-10", "S-1-3-0", "S-1-3-4", "S-1-5-32-544"})
#: Domain Admins, Domain Controllers, Schema Admins, Enterprise Admins, Key Admins, Enterprise Key Admins.
_ALWAYS_RIDS = frozenset({500, 512, 516, 518, 519, 526, 527})
#: Those of them that only a forest's root domain has.
_FOREST_RIDS = frozenset({518, 519, 527})
#: Users, guests and computers of a domain: always more than the privileged.
_WIDE_RIDS = frozenset({513, 514, 515})
_SEND_TO = "ab721a55-1e2f-11d0-9819-00aa0040529b"
WELL_KNOWN: Mapping[str, str] = {
    EVERYONE: "Everyone", ANONYMOUS: "ANONYMOUS LOGON", AUTHENTICATED: "Authenticated Users", "S-1-5-2": "NETWORK",
    "S-1-5-4": "INTERACTIVE", "S-1-5-15": "This Organization", "S-1-5-32-545": "Users", "S-1-5-32-546": "Guests",
    "S-1-5-32-554": "Pre-Windows 2000 Compatible Access",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Controlled:
    """An object whose rights are asked about: how to name it, its descriptor's place, what kind it is.

    ``spared`` are SIDs that are expected to control it.
    """

    ref: ObjectRef
    descriptor: int
    target: Target = Target.OTHER
    spared: frozenset[str] = frozenset()
    #: Also what flows down to the users, computers and groups below.
    children: bool = False


@dataclass(slots=True, kw_only=True)
class Holding:
    """What one principal holds over the objects asked about; ``on`` are the names of those objects."""

    ref: ObjectRef
    direct: set[Right] = field(default_factory=set)
    other: set[Right] = field(default_factory=set)
    on: dict[str, None] = field(default_factory=dict)

    @property
    def told(self) -> ObjectRef:
        """The principal as a finding names it, with its rights and the first object."""
        first, more = next(iter(self.on)), len(self.on) - 1
        where = f"{first} +{more}" if more else first
        name = f"{self.ref.name} ({told(self.direct | self.other)} → {where})"
        return ObjectRef(id=self.ref.id, name=name, dn=self.ref.dn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """The unprivileged principals that control some objects, and the objects of which no descriptor was read.

    ``uncertain`` tells that a right is held by a principal of which too little was read to say who it is.
    """

    holdings: tuple[Holding, ...]
    unread: tuple[ObjectRef, ...]
    uncertain: bool


class Control:
    """The direct rights of a directory, factored by distinct descriptor."""

    def __init__(
        self,
        descriptors: Descriptors,
        memberships: Memberships,
        names: Mapping[str, Account | Group],
        privileged: frozenset[str],
        domains: Mapping[str, bool],
        *,
        owners_blocked: bool = False,
        root_read: bool = True,
        models: Mapping[str, int] | None = None,
    ) -> None:
        self._descriptors, self._memberships, self._names = descriptors, memberships, names
        self._privileged, self._domains, self._owners_blocked = privileged, domains, owners_blocked
        # the root domain's groups are known by their RIDs alone while that domain was not read
        self._root_rids = _FOREST_RIDS if root_read else frozenset()
        self._held: dict[tuple[int, Target, bool], Mapping[str, frozenset[Right]] | None] = {}
        self._risk: dict[str, bool | None] = {}
        # the places of the AdminSDHolder descriptors, by the SID of their domain; "S-1-5-32" for the domain's own
        self._models = models or {}

    def holders(self, place: int, target: Target, *, children: bool = False) -> Mapping[str, frozenset[Right]] | None:
        """Return who holds which rights under a descriptor, privileged or not; None when it was not read."""
        key = (place, target, children)
        if key not in self._held:
            descriptor = self._descriptors.get(place)
            held = None if descriptor is None else holdings(descriptor, target, self._covers, children=children)
            if held and self._owners_blocked and target is Target.COMPUTER:
                held = {sid: found for sid, rights in held.items() if (found := rights - {Right.OWNER})}
            self._held[key] = held
        return self._held[key]

    def exposure(self, objects: Iterable[Controlled], *, enroll: bool = False) -> Exposure:
        """Return the unprivileged principals that control any of some objects; or that may enrol, instead."""
        found: dict[str, Holding] = {}
        unread: list[ObjectRef] = []
        uncertain = False
        for one in objects:
            held = self.holders(one.descriptor, one.target)
            if held is None:
                unread.append(one.ref)
                continue
            for sid, rights in self._all(one, held):
                wanted = rights & {Right.ENROLL, Right.FULL} if enroll else rights - {Right.ENROLL}
                if not wanted or sid in one.spared or (risk := self.risky(sid)) is False:
                    continue
                uncertain |= risk is None
                if risk:
                    holding = found.setdefault(sid, Holding(ref=self.name(sid)))
                    flows = rights is not held.get(sid)
                    holding.direct |= set() if flows else wanted & DIRECT
                    holding.other |= wanted if flows else wanted - DIRECT
                    holding.on[one.ref.name] = None
        return Exposure(holdings=tuple(found.values()), unread=tuple(unread), uncertain=uncertain)

    def _all(self, one: Controlled, held: Mapping[str, frozenset[Right]]) -> Iterable[tuple[str, frozenset[Right]]]:
        yield from held.items()
        for target in (Target.USER, Target.COMPUTER, Target.GROUP) if one.children else ():
            yield from (self.holders(one.descriptor, target, children=True) or {}).items()

    def risky(self, sid: str) -> bool | None:
        """Tell whether a principal is, or stands for, somebody who is not privileged; None when it cannot be told."""
        if sid not in self._risk:
            self._risk[sid] = True  # until told: owners may go round in a circle
            self._risk[sid] = self._risky(sid)
        return self._risk[sid]

    def protected(self, principal: Account | Group) -> bool:
        """Tell whether a principal is protected like AdminSDHolder, and so counts as privileged (ANSSI).

        Nothing is inherited, every entry of its DACL stands in AdminSDHolder's too or is harmless, and a group holds
        nobody but such accounts.
        """
        model = self._descriptors.get(self._models.get(principal.sid.rpartition("-")[0], -1))
        own = self._descriptors.get(principal.descriptor)
        if model is None or own is None or not own.protected or own.dacl is None:
            return False
        allowed = {_essence(a) for a in model.dacl or ()}
        if not all(_essence(a) in allowed or _benign(a) for a in own.dacl):
            return False
        if own.owner != model.owner and self.risky(own.owner) is not False:
            return False
        if isinstance(principal, Account):
            return True
        members = [self._names[m] for m in self._memberships[principal.sid] if m in self._names]
        return all(isinstance(m, Account) and self.protected(m) for m in members)

    def _risky(self, sid: str) -> bool | None:
        in_domain = sid.startswith("S-1-5-21-")
        if sid in _ALWAYS or sid in self._privileged:
            return False
        if in_domain and rid(sid) in (_ALWAYS_RIDS if self._ours(sid) else _FOREST_RIDS - self._root_rids):
            return False
        if in_domain and rid(sid) in _WIDE_RIDS:
            return True
        if (known := self._names.get(sid)) and self.protected(known):
            return False
        members = self._memberships.get(sid)
        if members is not None:
            if any(m in WELL_KNOWN or self._unprivileged(m) for m in members):
                return True
            operators = sid.startswith("S-1-5-32-") and bool(members)
            return operators or (None if self._memberships.unread(sid) else False)
        if sid in WELL_KNOWN or sid in self._names:
            return True
        if in_domain:
            whole = self._domains.get(sid.rpartition("-")[0])
            # a SID of a domain read to its end, and not in it, belongs to somebody who is gone
            return True if whole is None else (None if not whole else False)
        return None if sid.startswith("S-1-5-32-") else True

    def _unprivileged(self, member: str) -> bool:
        if member in self._privileged or member in self._memberships:
            return False
        return not ((known := self._names.get(member)) and self.protected(known))

    def _ours(self, sid: str) -> bool:
        return sid.rpartition("-")[0] in self._domains

    def _covers(self, denied: str, sid: str) -> bool:
        if denied in {sid, EVERYONE} or (denied == AUTHENTICATED and sid not in {ANONYMOUS, EVERYONE}):
            return True
        return sid in self._memberships.get(denied, ())

    def name(self, sid: str) -> ObjectRef:
        """Return a principal as a finding names it."""
        known = self._names.get(sid)
        return known.ref if known else ObjectRef(id=sid, name=WELL_KNOWN.get(sid, sid))


def _essence(ace: Ace) -> tuple[bool, int, str, str, str]:
    return ace.deny, ace.mask, ace.sid, ace.object_type, ace.inherited_type


def _benign(ace: Ace) -> bool:
    """Denials, the object itself, enterprise controllers, the right to send to."""
    return ace.deny or ace.sid in {"S-1-5-10", "S-1-5-9"} or ace.object_type == _SEND_TO
