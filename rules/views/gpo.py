"""The group policies of a domain: what they set, to whom they apply, who may change their files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from probes.facts.descriptor import Ace, Descriptor, DescriptorError, parse_descriptor
from probes.facts.group_policy import PolicyError, RegistryValue, preferences, read_inf, read_preg, scripts
from probes.facts.sysvol import SysvolFile, SysvolRead
from probes.interface import Asset, AssetKind, CaptureReader, Status
from rules.interface import ObjectRef, Unseen, View, view
from rules.subject import Record
from rules.views.control import Control
from rules.views.forest import Forest, forests_of, unread
from rules.views.gpo_links import BLOCKS, Container, applied, links_of
from rules.views.objects import Account, Thing
from rules.views.tables import Table

#: Rights by which a file or folder can be changed (MS-DTYP 2.4.3): write and append, its DACL, its owner, everything.
WRITES = 0x2 | 0x4 | 0x40000 | 0x80000 | 0x40000000 | 0x10000000
#: The extended right to apply a policy (MS-ADTS 5.1.3.2.1), and the bit of extended rights.
APPLY, CONTROL = "edacfd8f-ffb3-11d1-b41d-00a0c968f939", 0x100
#: Everyone, Authenticated Users, This Organization.
EVERY_ACCOUNT = ("S-1-1-0", "S-1-5-11", "S-1-5-15")
#: Bit of a policy's flags: its computer half is off.
COMPUTERS_OFF = 0x2
#: The file of each kind of setting, by its path under the policy's folder, in lower case.
TEMPLATE, REGISTRY = "machine/microsoft/windows nt/secedit/gpttmpl.inf", "machine/registry.pol"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A value and the policy that sets it."""

    value: str
    policy: ObjectRef


@dataclass(kw_only=True)
class Policy:
    """A group policy: its object in the directory and its files, by path under its folder in lower case."""

    ref: ObjectRef
    guid: str
    flags: int
    files: Mapping[str, SysvolFile]
    reader: CaptureReader
    #: What its object in the directory says of who may apply it; None when that was not read.
    filter: Descriptor | None = None
    #: Contents that were wanted and could not be read or understood.
    unread: set[str] = field(default_factory=set)

    @property
    def for_computers(self) -> bool:
        """Whether its computer half takes effect."""
        return not self.flags & COMPUTERS_OFF

    @cached_property
    def template(self) -> Mapping[str, Mapping[str, str]]:
        """The security template, by section and name in lower case."""
        return read_inf(self._content(TEMPLATE))

    @cached_property
    def registry(self) -> Mapping[str, str]:
        """What it sets in the registry of computers, as text, by ``key\\value`` in lower case, no hive."""
        found: dict[str, str] = {}
        try:
            data = self._content(REGISTRY)
            for value in read_preg(data) if data else ():
                found[value.name] = _said(value)
        except PolicyError:
            self.unread.add(REGISTRY)
        for name, text in self.template.get("registry values", {}).items():
            found[name.removeprefix("machine\\")] = text.partition(",")[2].strip().strip('"')
        return found

    @property
    def rights(self) -> Mapping[str, str]:
        """The user rights it gives, by name in lower case: SIDs after a star, or names, with commas between."""
        return self.template.get("privilege rights", {})

    def passwords(self) -> Iterator[tuple[str, str]]:
        """Yield (path, account) of each password that its preferences spread, anybody being able to decrypt it."""
        for path, file in self.files.items():
            if not file.secrets:
                continue
            named = [p for p in preferences(self._content(path)) if p.get("cpassword")]
            for one in named or [{}]:
                yield file.path, next((one[n] for n in ("username", "accountname", "runas") if one.get(n)), "")

    def scripts(self) -> Iterator[str]:
        """Yield the command of each script it runs."""
        for path in self.files:
            if path.endswith(("/scripts.ini", "/psscripts.ini")):
                yield from scripts(self._content(path))

    def _content(self, path: str) -> bytes:
        file = self.files.get(path)
        if file is None:
            return b""
        if not file.content:
            self.unread.add(path)
            return b""
        return self.reader(file.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class GpoView(View):
    """The group policies of one domain. ``sysvol`` is None when its files were not read, for ``why`` reason."""

    table: Table
    forest: Forest
    sysvol: SysvolRead | None
    why: str
    policies: Mapping[str, Policy]
    containers: Mapping[str, Container]
    sites: Mapping[str, Container]
    #: The site of each controller, both by lower-case DN.
    site_of: Mapping[str, str]
    descriptors: tuple[Descriptor | None, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing of the directory and of the files is missing."""
        return self.table.complete and self.sysvol is not None and self.sysvol.complete

    @property
    def control(self) -> Control:
        """Who is privileged."""
        return self.forest.control(self.table.fact.domain)

    @property
    def linked(self) -> frozenset[str]:
        """The GUIDs of the policies that a container of the domain or a site links, and that take effect."""
        every = (*self.containers.values(), *self.sites.values())
        return frozenset(link.guid for container in every for link in container.links if link.enabled)

    def on_controllers(self, name: str) -> tuple[Setting | None, ...]:
        """What each domain controller is told for a registry value, by the policy that wins there; none twice."""
        return self._won_on_controllers(lambda policy: policy.registry.get(name))

    def holders_on_controllers(self, right: str) -> tuple[Setting | None, ...]:
        """Who a user right (lower case) is given to on each domain controller, by the policy that wins there."""
        return self._won_on_controllers(lambda policy: policy.rights.get(right))

    def _won_on_controllers(self, said: Callable[[Policy], str | None]) -> tuple[Setting | None, ...]:
        found: dict[Setting | None, None] = {}
        for account in self.table.accounts:
            if account.controller and account.enabled:
                told = [(p, value) for p in self.applied(account) if (value := said(p)) is not None]
                found[Setting(value=told[-1][1], policy=told[-1][0].ref) if told else None] = None
        return tuple(found)

    def applied(self, computer: Account) -> tuple[Policy, ...]:
        """The policies whose computer half applies to a computer, the last winning; WMI filters are not followed."""
        site = self.sites.get(self.site_of.get(computer.dn.lower(), ""))
        links = applied(computer.dn, self.containers, (site,) if site else ())
        known = (self.policies.get(link.guid) for link in links)
        return tuple(p for p in known if p is not None and p.for_computers and self._may_apply(p, computer))

    def _may_apply(self, policy: Policy, account: Account) -> bool:
        """Whether the policy's filter lets an account apply it; a filter that was not read lets everybody."""
        dacl = policy.filter.dacl if policy.filter else None
        if dacl is None:
            return True
        group = f"{account.sid.rpartition('-')[0]}-{account.primary_group}"
        own = {account.sid, group, *EVERY_ACCOUNT, *(("S-1-5-9",) if account.controller else ())}
        members = self.forest.memberships(self.table.fact.domain)
        mine = [a for a in dacl if _applies(a) and (a.sid in own or account.sid in members.get(a.sid, ()))]
        return bool(mine) and not any(ace.deny for ace in mine)

    def over_privileged(self) -> frozenset[str]:
        """The GUIDs of the policies that apply to a privileged account or a domain controller, either half."""
        wanted = {a.dn for a in self.table.accounts if a.sid in self.forest.privileged or a.controller}
        parents = {dn.partition(",")[2].lower(): dn for dn in wanted}
        sites = tuple(self.sites.values())
        return frozenset(link.guid for dn in parents.values() for link in applied(dn, self.containers, sites))

    def writers(self, file: SysvolFile) -> tuple[ObjectRef, ...] | None:
        """Who, without being privileged, may change a file; None when its descriptor was not read."""
        descriptor = self.descriptors[file.descriptor] if file.descriptor >= 0 else None
        if descriptor is None:
            return None
        if descriptor.dacl is None:
            return (ObjectRef(id="S-1-1-0", name="Everyone"),)
        sids = {ace.sid for ace in descriptor.dacl if _writes(ace)}
        sids |= {descriptor.owner} if descriptor.owner else set()
        denied = {a.sid for a in descriptor.dacl if a.deny and not a.inherit_only and a.mask & WRITES == WRITES}
        return tuple(self.control.name(sid) for sid in sorted(sids - denied) if self.control.risky(sid))


def _applies(ace: Ace) -> bool:
    """Whether an entry is about applying the policy: the extended right, all of them, or everything."""
    return not ace.inherit_only and bool(ace.mask & CONTROL) and ace.object_type in {"", APPLY}


def _writes(ace: Ace) -> bool:
    return not ace.deny and not ace.inherit_only and bool(ace.mask & WRITES)


def _said(value: RegistryValue) -> str:
    return str(value.number) if value.number is not None else value.text


@view(GpoView)
def group_policies(record: Record) -> Iterable[GpoView | Unseen]:
    """One view a domain whose naming context was read."""
    read = {o.fact.domain: (o.id, o.fact) for o in record.observations if isinstance(o.fact, SysvolRead)}
    seen: set[str] = set()
    for _, forest in sorted(forests_of(record).items()):
        for name, table in sorted(forest.domains.items()):
            seen.add(name)
            if not table.fault or table.sids:
                yield _built(record, forest, table, read.get(name))
    yield from unread(record, AssetKind.AD_DOMAIN, seen)


def _built(record: Record, forest: Forest, table: Table, sysvol: tuple[str, SysvolRead] | None) -> GpoView:
    evidence, fact = sysvol or ("", None)
    folders = _folders(fact) if fact else {}
    policies = {
        guid: Policy(
            ref=ObjectRef(id=guid, name=thing.text("displayname") or guid, dn=thing.dn),
            guid=guid,
            flags=thing.number("flags") or 0,
            files=folders.get(guid, {}),
            reader=record.read_capture,
            filter=forest.descriptors.get(thing.descriptor),
        )
        for thing in table.of("grouppolicycontainer")
        if (guid := thing.name.lower())
    }
    containers = [container(t) for t in table.of("domaindns", "organizationalunit")]
    sites = [container(t) for t in forest.configuration.of("site")] if forest.configuration else []
    return GpoView(
        asset=Asset(kind=AssetKind.AD_DOMAIN, name=table.fact.domain),
        seen_at=table.fact.current_time,
        vantage=table.vantage,
        evidence=(table.evidence, evidence) if evidence else (table.evidence,),
        table=table,
        forest=forest,
        sysvol=fact,
        why=_why(record),
        policies=policies,
        containers={one.dn: one for one in containers},
        sites={site.dn: site for site in sites},
        site_of=_sites(forest),
        descriptors=tuple(map(_parsed, fact.descriptors)) if fact else (),
    )


def _sites(forest: Forest) -> dict[str, str]:
    """The site of each controller: its server object lies under ``CN=Servers`` of the site (MS-ADTS 6.1.1.2.2.1)."""
    servers = forest.configuration.of("server") if forest.configuration else ()
    return {t.text("serverreference").lower(): t.dn.lower().partition(",cn=servers,")[2] for t in servers}


def container(thing: Thing) -> Container:
    """Return a container as its links say."""
    return Container(
        ref=thing.ref,
        links=links_of(thing.text("gplink")),
        blocks=bool((thing.number("gpoptions") or 0) & BLOCKS),
    )


def _folders(fact: SysvolRead) -> dict[str, dict[str, SysvolFile]]:
    """The files of each policy, by its GUID and their path under its folder, in lower case; "" is the folder itself."""
    found: dict[str, dict[str, SysvolFile]] = {}
    for file in fact.files:
        top, _, rest = file.path.lower().partition("/")
        guid, _, path = rest.partition("/")
        if top == "policies" and guid.startswith("{"):
            found.setdefault(guid, {})[path] = file
    return found


def _parsed(text: str) -> Descriptor | None:
    try:
        return parse_descriptor(bytes.fromhex(text))
    except (DescriptorError, ValueError):
        return None


def _why(record: Record) -> str:
    tried = [a for a in record.attempts if a.probe.startswith("directory-sysvol@") and a.status is not Status.COMPLETED]
    return tried[0].reason.value if tried else "sysvol-not-read"
