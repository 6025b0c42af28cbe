"""What the captures of a naming context hold: accounts, groups, trusts, other objects, and the distinct descriptors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from probes.facts.descriptor import Descriptor, DescriptorError, parse_descriptor
from probes.facts.directory import NamingContextRead
from probes.facts.entries import Entry, EntryError, decode_entries
from probes.facts.identifiers import filetime, generalized_time, sid_text, whole
from probes.interface import CaptureReader, Fact, Observation, Vantage
from rules.interface import ObjectRef

#: userAccountControl bits (MS-ADTS 2.2.16).
DISABLED, PASSWORD_NOT_REQUIRED, REVERSIBLE, TRUST, WORKSTATION, SERVER_TRUST = 0x2, 0x20, 0x80, 0x800, 0x1000, 0x2000
NEVER_EXPIRES, SMARTCARD, UNCONSTRAINED, DES_ONLY, NO_PREAUTH, TO_AUTH, PARTIAL_SECRETS = (
    0x10000, 0x40000, 0x80000, 0x200000, 0x400000, 0x1000000, 0x4000000,
)  # fmt: skip
#: primaryGroupID of domain controllers, read-only ones included.
CONTROLLERS = frozenset({516, 521})
#: Attributes of few accounts, kept as they came.
RARE = frozenset(
    {
        "msds-revealedusers", "msds-neverrevealgroup", "msds-revealondemandgroup", "msds-krbtgtlink",
        "msds-secondarykrbtgtnumber", "scriptpath", "msds-keycredentiallink", "ms-ds-creatorsid", "msds-resultantpso",
        "msds-assignedauthnpolicysilo", "managedby", "msds-delegatedmsastate", "msds-managedaccountprecededbylink",
        "altsecurityidentities",
    }
)  # fmt: skip
_LAPS = frozenset({"ms-mcs-admpwdexpirationtime", "mslaps-passwordexpirationtime"})
_MANAGED = frozenset(
    {b"msds-groupmanagedserviceaccount", b"msds-managedserviceaccount", b"msds-delegatedmanagedserviceaccount"}
)
Values = Mapping[str, tuple[bytes, ...]]
_NONE: Values = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user, computer or managed service account. None where the directory did not tell.

    ``descriptor`` is a place in the distinct descriptors, -1 when none came. ``sid_history`` holds "" for a value that
    is no SID. ``rare`` are the attributes that few accounts have, as they came.
    """

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
    encryption: int | None = None
    system: str = ""
    system_version: str = ""
    laps: bool = False
    descriptor: int = -1
    rare: Values = field(default_factory=dict)

    @property
    def enabled(self) -> bool:
        """Not known to be disabled."""
        return not (self.uac or 0) & DISABLED

    @property
    def controller(self) -> bool:
        """A domain controller, read-only ones included."""
        return self.computer and self.primary_group in CONTROLLERS

    @property
    def read_only_controller(self) -> bool:
        """A read-only domain controller."""
        return self.computer and self.primary_group == 521

    @property
    def server(self) -> bool:
        """A member computer whose system calls itself a server."""
        system = self.system.lower()
        return self.computer and not self.controller and ("server" in system or "serveur" in system)

    @property
    def ref(self) -> ObjectRef:
        """The account as a finding names it."""
        return ObjectRef(id=self.sid, name=self.name, dn=self.dn)

    def names(self, attribute: str) -> tuple[str, ...]:
        """The DNs of a rare attribute; the binary half of a DN with binary is left out."""
        return tuple(_text(v).rpartition(":")[2] for v in self.rare.get(attribute, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group; ``descriptor`` is a place in the distinct descriptors, -1 when none came."""

    sid: str
    name: str
    dn: str
    admin_count: int
    created: datetime | None
    sid_history: tuple[str, ...]
    descriptor: int

    @property
    def ref(self) -> ObjectRef:
        """The group as a finding names it."""
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
class Thing:
    """Any other object: its classes in lower case, and its values as they came."""

    dn: str
    classes: frozenset[str]
    values: Values
    descriptor: int

    def text(self, name: str) -> str:
        """The first value as text, or ""."""
        return _text(next(iter(self.values.get(name, ())), b""))

    def texts(self, name: str) -> tuple[str, ...]:
        """Every value as text."""
        return tuple(map(_text, self.values.get(name, ())))

    def number(self, name: str) -> int | None:
        """The first value as a whole number, or None."""
        return whole(next(iter(self.values.get(name, ())), b""))

    @property
    def created(self) -> datetime | None:
        """When it was made."""
        return generalized_time(_first(self.values, "whencreated"))

    @property
    def name(self) -> str:
        """The value of the DN's first part."""
        return self.text("name") or self.dn.partition(",")[0].partition("=")[2]

    @property
    def ref(self) -> ObjectRef:
        """The object as a finding names it."""
        guid = next(iter(self.values.get("objectguid", ())), b"")
        return ObjectRef(id=guid.hex() or self.dn, name=self.name, dn=self.dn)


class Descriptors:
    """The distinct descriptors of a directory, each parsed at most once."""

    def __init__(self) -> None:
        self._place: dict[bytes, int] = {}
        self._bytes: list[bytes] = []
        self._parsed: dict[int, Descriptor | None] = {}

    def __len__(self) -> int:
        return len(self._bytes)

    def add(self, data: bytes) -> int:
        """Return the place of a descriptor."""
        place = self._place.setdefault(data, len(self._bytes))
        if place == len(self._bytes):
            self._bytes.append(data)
        return place

    def get(self, place: int) -> Descriptor | None:
        """Return the descriptor of a place; None when there is none or it is not well formed."""
        if place < 0:
            return None
        if place not in self._parsed:
            try:
                self._parsed[place] = parse_descriptor(self._bytes[place])
            except DescriptorError:
                self._parsed[place] = None
        return self._parsed[place]


@dataclass(slots=True, kw_only=True)
class Table:
    """One naming context. ``sids`` has every object by lower-case DN, "" for those without SID.

    ``members`` are the lower-case DNs by the group's; ``cut_groups`` the groups whose member ranges have no end;
    ``told`` the attributes that came back for at least one object.
    """

    fact: NamingContextRead
    evidence: str
    vantage: Vantage
    accounts: list[Account] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    trusts: list[Trust] = field(default_factory=list)
    things: list[Thing] = field(default_factory=list)
    sids: dict[str, str] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    cut_groups: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    fault: str = ""

    @property
    def complete(self) -> bool:
        """Read to its end, and decoded to its end."""
        return self.fact.complete and not self.fault

    @property
    def root(self) -> Thing | None:
        """The head of the naming context."""
        return next(iter(self.named(self.fact.dn)), None)

    def named(self, dn: str) -> Iterator[Thing]:
        """Yield the object of a DN, when it came."""
        wanted = dn.lower()
        yield from (t for t in self.things if t.dn.lower() == wanted)

    def of(self, *classes: str) -> Iterator[Thing]:
        """Yield the objects of any of the classes, given in lower case."""
        wanted = set(classes)
        yield from (t for t in self.things if wanted & t.classes)

    def below(self, dn: str) -> Iterator[Thing]:
        """Yield the object of a DN and those under it."""
        wanted = dn.lower()
        yield from (t for t in self.things if t.dn.lower() == wanted or t.dn.lower().endswith(f",{wanted}"))


def read_table(observation: Observation[Fact], reader: CaptureReader, descriptors: Descriptors) -> Table:
    """Return what the captures of one naming context hold; ``fault`` tells where decoding stopped."""
    fact = observation.fact
    assert isinstance(fact, NamingContextRead)
    table = Table(fact=fact, evidence=observation.id, vantage=observation.vantage)
    try:
        for digest in observation.captures:
            for entry in decode_entries(reader(digest)):
                _add(table, entry, descriptors)
    except EntryError as error:
        table.fault = f"capture: {error}"
    return table


def _add(table: Table, entry: Entry, descriptors: Descriptors) -> None:
    values, dn = entry.attributes, entry.dn.lower()
    table.told |= values.keys()
    if _first(values, "isdeleted").upper() == b"TRUE":
        return
    if "objectclass" not in values:
        _further_members(table, dn, values)
        return
    classes = {c.lower() for c in values["objectclass"]}
    sid = sid_text(_first(values, "objectsid"))
    table.sids[dn] = sid
    data = _first(values, "ntsecuritydescriptor")
    place = descriptors.add(data) if data else -1
    if b"group" in classes:
        _further_members(table, dn, values)
        if sid:
            table.groups.append(_group(entry, sid, place))
    elif b"user" in classes and sid:
        table.accounts.append(_account(entry, sid, classes, place))
    elif b"trusteddomain" in classes:
        table.trusts.append(_trust(entry))
    elif b"dnsnode" not in classes and b"foreignsecurityprincipal" not in classes:
        kept = {k: v for k, v in values.items() if k != "ntsecuritydescriptor"}
        named = frozenset(c.decode("ascii", "replace") for c in classes)
        table.things.append(Thing(dn=entry.dn, classes=named, values=kept, descriptor=place))


def _further_members(table: Table, dn: str, values: Values) -> None:
    """The members of an entry, in one piece or by ranges; a run of ranges ends with ``-*``."""
    for name, members in values.items():
        if name == "member" or name.startswith("member;range="):
            table.members[dn] += [m.decode("utf-8", "replace").lower() for m in members]
            if name.startswith("member;"):
                table.cut_groups.add(dn)
                if name.endswith("-*"):
                    table.cut_groups.discard(dn)


def _first(values: Values, name: str) -> bytes:
    found = values.get(name)
    return found[0] if found else b""


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _number(values: Values, name: str) -> int | None:
    value = _first(values, name)
    return whole(value) if value else None


def _account(entry: Entry, sid: str, classes: set[bytes], place: int) -> Account:
    values = entry.attributes
    managed = not _MANAGED.isdisjoint(classes)
    rare = {k: values[k] for k in RARE & values.keys()} or _NONE
    return Account(
        sid=sid,
        name=_text(_first(values, "samaccountname") or _first(values, "name")),
        dn=entry.dn,
        computer=b"computer" in classes and not managed,
        managed=managed,
        uac=_number(values, "useraccountcontrol"),
        primary_group=_number(values, "primarygroupid"),
        password_set=filetime(_first(values, "pwdlastset")),
        password_told="pwdlastset" in values,
        last_logon=filetime(_first(values, "lastlogontimestamp")),
        created=generalized_time(_first(values, "whencreated")),
        spns=_texts(values, "serviceprincipalname"),
        delegates_to=_texts(values, "msds-allowedtodelegateto"),
        acts_for_others="msds-allowedtoactonbehalfofotheridentity" in values,
        admin_count=_number(values, "admincount") or 0,
        sid_history=tuple(map(sid_text, values.get("sidhistory", ()))),
        encryption=_number(values, "msds-supportedencryptiontypes"),
        system=_text(_first(values, "operatingsystem")),
        system_version=_text(_first(values, "operatingsystemversion")),
        laps=not _LAPS.isdisjoint(values),
        descriptor=place,
        rare=rare,
    )


def _texts(values: Values, name: str) -> tuple[str, ...]:
    return tuple(map(_text, values.get(name, ())))


def _group(entry: Entry, sid: str, place: int) -> Group:
    values = entry.attributes
    return Group(
        sid=sid,
        name=_text(_first(values, "samaccountname") or _first(values, "name")),
        dn=entry.dn,
        admin_count=_number(values, "admincount") or 0,
        created=generalized_time(_first(values, "whencreated")),
        sid_history=tuple(map(sid_text, values.get("sidhistory", ()))),
        descriptor=place,
    )


def _trust(entry: Entry) -> Trust:
    values = entry.attributes
    return Trust(
        guid=_first(values, "objectguid").hex(),
        name=_text(_first(values, "name")),
        dn=entry.dn,
        direction=_number(values, "trustdirection") or 0,
        type=_number(values, "trusttype") or 0,
        attributes=_number(values, "trustattributes") or 0,
    )


def merged(tables: Iterable[Table]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the SIDs and the members of several naming contexts, by lower-case DN."""
    sids: dict[str, str] = {}
    members: dict[str, list[str]] = {}
    for table in tables:
        sids |= table.sids
        members |= table.members
    return sids, members
