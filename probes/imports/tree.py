"""Imported entries sorted into naming contexts, and kept in the form a domain controller would have sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from probes.directory.attributes import asked
from probes.directory.captures import CHUNK, Captures
from probes.directory.rootdse import domain_name
from probes.facts.directory import NamingContextRead, NamingContextRole
from probes.facts.entries import encode_entry
from probes.interface import Asset, AssetKind, ProbeError, Reason, Shortfall, Sight, Yield
from probes.interface.files import FileLine

#: Bytes of values in one message; a longer entry is written as a server writes long attributes, in ranges.
LONGEST = CHUNK - (64 << 10)
#: Naming contexts of one import: no forest has so many.
CONTEXTS = 500
CONFIGURATION, SCHEMA = "cn=configuration,", "cn=schema,cn=configuration,"
DOMAIN_DNS, FOREST_DNS = "dc=domaindnszones,", "dc=forestdnszones,"
#: Every attribute but constructed ones; and what only who asks for it gets: in no list of ours.
EVERYTHING, SIGNS = "*", frozenset({"instancetype", "usncreated"})
#: What ``*`` does not bring: constructed attributes (MS-ADTS 3.1.1.4.5).
CONSTRUCTED = frozenset({"msds-user-account-control-computed", "msds-resultantpso", "msds-isrodc"})


@dataclass(slots=True, kw_only=True)
class Context:
    """A naming context as it fills. ``cut`` is why it is not whole, "" once it is known to be."""

    dn: str
    role: NamingContextRole
    captures: Captures
    allowed: frozenset[str]
    entries: int = 0
    size: int = 0
    names: set[str] = field(default_factory=set)
    requested: frozenset[str] | None = None
    cut: str = "truncated-answer"
    deleted: bool = False


class Tree:
    """Naming contexts out of entries in any order: allow-listed attributes only, as messages in captures.

    An entry too long for one message is written as several, with ``;range=`` options.
    """

    def __init__(self, line: FileLine) -> None:
        self._line = line
        self.contexts: dict[str, Context] = {}

    def add(self, dn: str, attributes: Mapping[str, Sequence[bytes]]) -> Context:
        """Add an entry, its attributes by lower-case description; raise ``ProbeError`` when its name says nothing."""
        context = self._context(dn)
        kept: dict[str, Sequence[bytes]] = {}
        for name, values in attributes.items():
            plain = name.partition(";")[0]
            if plain in context.allowed:
                kept[name] = values
                context.names.add(plain)
            elif plain in SIGNS:
                context.names.add(plain)
        context.entries += 1
        for message in _messages(dn, kept):
            context.captures.add([message])
            context.size += len(message)
        return context

    def seen(self, at: datetime, *, root: str = "", server: str = "", found_by: Asset) -> Iterator[Yield]:
        """Yield the forest, its domains, and each context as read; a context that is not whole is a shortfall too."""
        contexts = sorted(self.contexts.values(), key=lambda one: one.dn.lower())
        if not contexts:
            raise ProbeError(Reason.NOT_SPOKEN, "no entry of an Active Directory inside")
        forest = domain_name(root or _root(contexts))
        asset = Asset(kind=AssetKind.FOREST, name=forest, found_by=found_by.id)
        yield asset
        for context in contexts:
            if context.role is NamingContextRole.DOMAIN:
                yield Asset(kind=AssetKind.AD_DOMAIN, name=domain_name(context.dn), found_by=asset.id)
        for context in contexts:
            about = Asset(kind=AssetKind.NAMING_CONTEXT, name=context.dn, found_by=found_by.id)
            yield about
            fact = _fact(context, forest=forest, server=server, at=at)
            yield Sight(fact=fact, asset=about, captures=context.captures.digests(), seen_at=at)
            if context.cut:
                yield Shortfall(reason=Reason.TRUNCATED, detail=f"{context.dn}: {context.cut}", asset=about)

    def _context(self, dn: str) -> Context:
        name, role = home(dn)
        context = self.contexts.get(name.lower())
        if context is None:
            if len(self.contexts) >= CONTEXTS:
                raise ProbeError(Reason.TOO_LARGE, f"more than {CONTEXTS} naming contexts: {dn[:200]}")
            context = self.contexts[name.lower()] = Context(
                dn=name,
                role=role,
                captures=Captures(self._line),
                allowed=frozenset(one.lower() for one in asked(role)),
            )
        return context


def home(dn: str) -> tuple[str, NamingContextRole]:
    """Return the naming context an entry lies in, by its name; raise ``ProbeError`` when that cannot be told."""
    low = dn.lower()
    start = len(low)
    # the run of DC components at the end: no escaped comma can be in one
    while True:
        at = low.rfind(",", 0, start - 1) + 1
        if not low.startswith("dc=", at):
            break
        start = at
        if at == 0:
            break
    tail, low_tail = dn[start:], low[start:]
    if not tail:
        raise ProbeError(Reason.MALFORMED, f"an entry of no domain: {dn[:200]}")
    for prefix, role in ((DOMAIN_DNS, NamingContextRole.DOMAIN_DNS), (FOREST_DNS, NamingContextRole.FOREST_DNS)):
        if low_tail.startswith(prefix):
            return tail, role
    for prefix, role in ((SCHEMA, NamingContextRole.SCHEMA), (CONFIGURATION, NamingContextRole.CONFIGURATION)):
        if f",{low}".endswith(f",{prefix}{low_tail}"):
            return dn[start - len(prefix) :], role
    return tail, NamingContextRole.DOMAIN


def _root(contexts: Iterable[Context]) -> str:
    """The domain that the configuration belongs to, else the shortest one read."""
    for context in contexts:
        if context.role is NamingContextRole.CONFIGURATION:
            return context.dn[len(CONFIGURATION) :]
        if context.role is NamingContextRole.SCHEMA:
            return context.dn[len(SCHEMA) :]
    return min((context.dn for context in contexts), key=len)


def _fact(context: Context, *, forest: str, server: str, at: datetime) -> NamingContextRead:
    name = domain_name(context.dn)
    inner = {NamingContextRole.DOMAIN: name, NamingContextRole.DOMAIN_DNS: name.partition(".")[2]}
    return NamingContextRead(
        dn=context.dn,
        role=context.role,
        forest=forest,
        domain=inner.get(context.role, ""),
        server=server,
        current_time=at,
        entries=context.entries,
        bytes_read=context.size,
        queries=0,
        seconds=0.0,
        complete=not context.cut,
        cut=context.cut,
        asked=_asked(context),
        deleted_objects=context.deleted and not context.cut,
    )


def _asked(context: Context) -> tuple[str, ...]:
    """The attributes of our list that the export was asked for; what it was not asked for is no absence."""
    told = context.requested
    if told is None:
        told = frozenset(context.names | ({EVERYTHING} if context.names >= SIGNS else set()))
    return tuple(
        name
        for name in asked(context.role)
        if name.lower() in told or (EVERYTHING in told and name.lower() not in CONSTRUCTED)
    )


def _messages(dn: str, attributes: Mapping[str, Sequence[bytes]]) -> Iterator[bytes]:
    size = {name: sum(len(value) + 8 for value in values) for name, values in attributes.items()}
    short = {name: values for name, values in attributes.items() if size[name] < LONGEST // 8}
    if sum(size.values()) <= LONGEST or sum(size[name] for name in short) > LONGEST:
        short = dict(attributes)
    message = encode_entry(dn, short)
    if len(message) > CHUNK:
        raise ProbeError(Reason.TOO_LARGE, f"an entry of {len(message)} bytes: {dn[:200]}")
    yield message
    for name in attributes.keys() - short.keys():
        yield from _ranges(dn, name, attributes[name])


def _ranges(dn: str, name: str, values: Sequence[bytes]) -> Iterator[bytes]:
    """The values of one attribute over several messages (MS-ADTS 3.1.1.3.1.3.3)."""
    first, run, size = 0, list[bytes](), 0
    for position, value in enumerate(values):
        if len(value) > LONGEST:
            raise ProbeError(Reason.TOO_LARGE, f"a value of {len(value)} bytes: {dn[:200]}, {name[:100]}")
        if size + len(value) + 8 > LONGEST:
            yield encode_entry(dn, {f"{name};range={first}-{position - 1}": run})
            first, run, size = position, [], 0
        run.append(value)
        size += len(value) + 8
    yield encode_entry(dn, {f"{name};range={first}-*": run})
