"""The two probes of a directory: who it is, then each naming context it holds."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from probes.directory.attributes import asked
from probes.directory.connection import Session
from probes.directory.rootdse import domain_name, read_root_dse, role_of
from probes.directory.search import TreeReader, blocking
from probes.directory.target import DirectorySettings, DirectoryTarget
from probes.facts.directory import NamingContextRead, NamingContextRole, RootDse
from probes.interface import (
    Asset,
    AssetKind,
    Digest,
    IPAddress,
    Line,
    Part,
    Probe,
    ProbeError,
    Reason,
    Shortfall,
    Sight,
    Yield,
)

#: A capture is at most this long.
CHUNK = 4 << 20
#: A page's cookie dies with its connection, so a lost connection means reading the whole context again, once.
LOST = frozenset({Reason.CONNECTION_LOST, Reason.TRUNCATED, Reason.TIMED_OUT, Reason.RATE_LIMITED})
READINGS = 2


class Directory(Probe[DirectorySettings]):
    """Connects to a domain controller, binds, and reads its rootDSE."""

    name = "directory"
    version = "1"
    level = 2
    part = Part.DIRECTORY
    looks_at = frozenset({AssetKind.DIRECTORY})
    Settings = DirectorySettings

    def wants(self, asset: Asset) -> bool:
        """Tell whether the configuration says how to reach it."""
        return asset.name in self.settings.targets

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield the rootDSE, the forest, the domain, and the naming contexts held."""
        async with connected(self.settings.targets[asset.name], line) as (session, root):
            base = session.target.base
            if base and base.lower() != root.default_naming_context.lower():
                raise ProbeError(Reason.REFERRAL, f"{root.server} holds {root.default_naming_context}, not {base}")
        yield Sight(fact=root)
        forest = Asset(kind=AssetKind.FOREST, name=root.forest, found_by=asset.id)
        yield forest
        yield Asset(kind=AssetKind.AD_DOMAIN, name=root.domain, found_by=forest.id)
        for dn in root.naming_contexts:
            yield Asset(kind=AssetKind.NAMING_CONTEXT, name=dn, found_by=asset.id)


class DirectoryTree(Probe[DirectorySettings]):
    """Reads every object of a naming context, allow-listed attributes only."""

    name = "directory-tree"
    version = "1"
    level = 2
    part = Part.DIRECTORY
    looks_at = frozenset({AssetKind.NAMING_CONTEXT})
    Settings = DirectorySettings

    def wants(self, asset: Asset) -> bool:
        """Tell whether it was found through a directory of the configuration."""
        return _directory(asset) in self.settings.targets

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield the reading, whole or cut short with its reason."""
        target = self.settings.targets[_directory(asset)]
        for left in reversed(range(READINGS)):
            captures = Captures(line)
            began = time.monotonic()
            failure = None
            async with connected(target, line) as (session, root):
                session.wire.allowance, before = target.budget_bytes, session.wire.received
                reader = TreeReader(session, lambda: line.pace(session.address))
                role = role_of(asset.name, root)
                try:
                    async for entries in reader.entries(asset.name, asked(role)):
                        captures.add(entries)
                except ProbeError as error:
                    failure = error
            if not failure or failure.reason not in LOST or not left:
                break
        if failure and not captures.entries:
            raise failure
        yield Sight(
            captures=captures.digests(),
            fact=NamingContextRead(
                dn=asset.name,
                role=role,
                forest=root.forest,
                domain=_domain_of(asset.name, role),
                server=root.server,
                current_time=root.current_time,
                entries=captures.entries,
                bytes_read=session.wire.received - before,
                queries=reader.queries,
                seconds=round(time.monotonic() - began, 3),
                complete=failure is None,
                cut=failure.reason.value if failure else "",
                asked=asked(role),
                deleted_objects=target.deleted_objects and failure is None,
            ),
        )
        if failure:
            yield Shortfall(reason=failure.reason, detail=failure.detail)


class Captures:
    """The entries kept as proof, in runs of whole messages."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._run: list[bytes] = []
        self._size = 0
        self._kept: list[Digest] = []
        self.entries = 0

    def add(self, messages: list[bytes]) -> None:
        """Add messages, and keep each run that is full."""
        for message in messages:
            if self._size + len(message) > CHUNK:
                self._flush()
            self._run.append(message)
            self._size += len(message)
        self.entries += len(messages)

    def digests(self) -> tuple[Digest, ...]:
        """Keep what is left and return the digests, in order."""
        self._flush()
        return tuple(self._kept)

    def _flush(self) -> None:
        if self._run:
            self._kept.append(self._line.keep(b"".join(self._run)))
        self._run, self._size = [], 0


@asynccontextmanager
async def connected(target: DirectoryTarget, line: Line) -> AsyncIterator[tuple[Session, RootDse]]:
    """Open a session to a granted address of the target, with its rootDSE; cut it on the way out."""
    session = Session(target, await _granted(target, line))
    try:
        await line.pace(session.address)
        await blocking(session, target.connect_seconds, session.open)
        yield session, await blocking(session, target.connect_seconds, lambda: read_root_dse(session))
    finally:
        session.abort()
        session.close()


async def _granted(target: DirectoryTarget, line: Line) -> IPAddress:
    """Return the first address of the target that the Line grants."""
    try:
        addresses: tuple[IPAddress, ...] = (ipaddress.ip_address(target.address or target.host),)
    except ValueError:
        addresses = await line.resolve(target.host)
    refused = ProbeError(Reason.UNKNOWN_HOST, f"{target.host} has no address")
    for address in addresses:
        try:
            line.grant(address, target.port, name=target.host)
        except ProbeError as error:
            refused = error
        else:
            return address
    raise refused


def _directory(asset: Asset) -> str:
    kind, _, name = asset.found_by.partition(":")
    return name if kind == AssetKind.DIRECTORY.value else ""


def _domain_of(dn: str, role: NamingContextRole) -> str:
    if role is NamingContextRole.DOMAIN_DNS:
        return domain_name(dn).partition(".")[2]
    return domain_name(dn) if role is NamingContextRole.DOMAIN else ""
