"""What the captures of a naming context hold, by kind of object, and the distinct descriptors of a directory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from probes.facts.descriptor import Descriptor, DescriptorError, parse_descriptor
from probes.facts.directory import NamingContextRead
from probes.facts.entries import Entry, EntryError, decode_entries
from probes.facts.identifiers import filetime, generalized_time, rid, sid_text, whole
from probes.interface import CaptureReader, Fact, Observation, Vantage
from rules.views.objects import Account, Group, Thing, Trust, Values, first, text

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
_NONE: Values = {}


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

    @property
    def sid(self) -> str:
        """The domain's SID, told by its head or else by its first accounts; "" when neither was read."""
        head = sid_text(first(self.root.values, "objectsid")) if self.root else ""
        known = next((a.sid for a in self.accounts if rid(a.sid) in {500, 501, 502}), "")
        return head or known.rpartition("-")[0]

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
    if first(values, "isdeleted").upper() == b"TRUE":
        return
    if "objectclass" not in values:
        _further_members(table, dn, values)
        return
    classes = {c.lower() for c in values["objectclass"]}
    sid = sid_text(first(values, "objectsid"))
    if not sid and b"foreignsecurityprincipal" in classes and dn.startswith("cn=s-1-"):
        sid = dn.partition(",")[0].partition("=")[2].upper()  # it bears the name of the SID that it stands for
    table.sids[dn] = sid
    data = first(values, "ntsecuritydescriptor")
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
            table.members[dn] += [m.decode("utf-8", "replace").lower() for m in members if m]
            if name.startswith("member;"):
                table.cut_groups.add(dn)
                if name.endswith("-*"):
                    table.cut_groups.discard(dn)


def _number(values: Values, name: str) -> int | None:
    value = first(values, name)
    return whole(value) if value else None


def _account(entry: Entry, sid: str, classes: set[bytes], place: int) -> Account:
    values = entry.attributes
    managed = not _MANAGED.isdisjoint(classes)
    rare = {k: values[k] for k in RARE & values.keys() if any(values[k])} or _NONE
    return Account(
        sid=sid,
        name=text(first(values, "samaccountname") or first(values, "name")),
        dn=entry.dn,
        computer=b"computer" in classes and not managed,
        managed=managed,
        uac=_number(values, "useraccountcontrol"),
        primary_group=_number(values, "primarygroupid"),
        password_set=filetime(first(values, "pwdlastset")),
        password_told="pwdlastset" in values,
        last_logon=filetime(first(values, "lastlogontimestamp")),
        created=generalized_time(first(values, "whencreated")),
        spns=_texts(values, "serviceprincipalname"),
        delegates_to=_texts(values, "msds-allowedtodelegateto"),
        acts_for_others=any(values.get("msds-allowedtoactonbehalfofotheridentity", ())),
        admin_count=_number(values, "admincount") or 0,
        sid_history=_history(values),
        encryption=_number(values, "msds-supportedencryptiontypes"),
        system=text(first(values, "operatingsystem")),
        system_version=text(first(values, "operatingsystemversion")),
        laps=not _LAPS.isdisjoint(values),
        descriptor=place,
        rare=rare,
    )


def _texts(values: Values, name: str) -> tuple[str, ...]:
    return tuple(text(value) for value in values.get(name, ()) if value)


def _history(values: Values) -> tuple[str, ...]:
    return tuple(sid_text(value) for value in values.get("sidhistory", ()) if value)


def _group(entry: Entry, sid: str, place: int) -> Group:
    values = entry.attributes
    return Group(
        sid=sid,
        name=text(first(values, "samaccountname") or first(values, "name")),
        dn=entry.dn,
        admin_count=_number(values, "admincount") or 0,
        created=generalized_time(first(values, "whencreated")),
        sid_history=_history(values),
        descriptor=place,
    )


def _trust(entry: Entry) -> Trust:
    values = entry.attributes
    return Trust(
        guid=first(values, "objectguid").hex(),
        name=text(first(values, "name")),
        dn=entry.dn,
        direction=_number(values, "trustdirection") or 0,
        type=_number(values, "trusttype") or 0,
        attributes=_number(values, "trustattributes") or 0,
        told=None not in {_number(values, n) for n in ("trustdirection", "trusttype", "trustattributes")},
    )


def merged(tables: Iterable[Table]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the SIDs and the members of several naming contexts, by lower-case DN."""
    sids: dict[str, str] = {}
    members: dict[str, list[str]] = {}
    for table in tables:
        sids |= table.sids
        members |= table.members
    return sids, members
