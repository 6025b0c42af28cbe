"""The two probes of a directory: who it is, then each naming context it holds."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from probes.directory.attributes import asked
from probes.directory.blocking import blocking
from probes.directory.captures import Captures, aside
from probes.directory.connection import Session
from probes.directory.rootdse import domain_name, forest_domains, read_root_dse, role_of
from probes.directory.search import TreeReader
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

#: A page's cookie dies with its connection, so a lost connection means reading the whole context again, once.
LOST = frozenset({Reason.CONNECTION_LOST, Reason.TRUNCATED, Reason.TIMED_OUT, Reason.RATE_LIMITED})
READINGS = 2
#: Naming contexts of a controller that are read at once; one when it is to be at rest before each page.
AT_ONCE = 2
#: Reasons for which the next address of the same controller is tried.
ELSEWHERE = frozenset({Reason.REFUSED, Reason.UNREACHABLE, Reason.TIMED_OUT})


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
        return self.settings.names(asset.name)

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield the rootDSE, the forest, the domain, and the naming contexts held."""
        async with connected(self.settings.target(asset.name), line) as (session, root):
            expected(session.target, root)
        yield Sight(fact=root)
        # what else is asked of the controller waits until its account was accepted once: failures would lock it
        yield Asset(kind=AssetKind.CONTROLLER, name=root.server, found_by=asset.id)
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
    #: The budgets of the target end a reading first, and keep what was read.
    deadline = 24 * 3600.0
    part = Part.DIRECTORY
    looks_at = frozenset({AssetKind.NAMING_CONTEXT})
    Settings = DirectorySettings

    def __init__(self, settings: DirectorySettings) -> None:
        super().__init__(settings)
        self._turns: dict[str, asyncio.Semaphore] = {}

    def wants(self, asset: Asset) -> bool:
        """Tell whether it was found through a directory of the configuration."""
        return self.settings.names(directory_of(asset))

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield the reading, whole or cut short with its reason."""
        target = self.settings.target(directory_of(asset))
        turn = self._turns.setdefault(target.host, asyncio.Semaphore(1 if target.throttle else AT_ONCE))
        best: Reading | None = None
        for _ in range(READINGS):
            try:
                async with turn:
                    reading = await _read(asset.name, target, line)
            except ProbeError:
                if best is None:
                    raise
                break
            best = max(best or reading, reading, key=lambda one: one.fact.entries)
            if reading.failure is None or reading.failure.reason not in LOST:
                best = reading
                break
        if best is None or (best.failure and not best.fact.entries):
            raise best.failure if best and best.failure else ProbeError(Reason.CONNECTION_LOST)
        yield Sight(fact=best.fact, captures=best.captures)
        for name in best.domains:
            yield Asset(kind=AssetKind.AD_DOMAIN, name=name, found_by=f"{AssetKind.FOREST.value}:{best.fact.forest}")
        if best.failure:
            yield Shortfall(reason=best.failure.reason, detail=best.failure.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading of a naming context, with what cut it short, and the domains of the forest that it names."""

    fact: NamingContextRead
    captures: tuple[Digest, ...]
    failure: ProbeError | None
    domains: tuple[str, ...]


async def _read(dn: str, target: DirectoryTarget, line: Line) -> Reading:
    """Read a naming context on a session of its own; raise when it could not be opened."""
    captures = Captures(line)
    began = time.monotonic()
    failure = None
    deleted, domains = False, list[str]()
    async with connected(target, line) as (session, root):
        session.wire.allowance, before = target.budget_bytes, session.wire.received
        reader = TreeReader(session, lambda: line.pace(session.address))
        role = role_of(dn, root)
        try:
            async for entries in reader.entries(dn, asked(role)):
                # aside: the next page is asked for at once, not after this one is compressed and on disk
                await aside(captures.add, entries)
                deleted = deleted or any(b"\x09isDeleted" in message for message in entries)
                if role is NamingContextRole.CONFIGURATION:
                    domains += forest_domains(entries)
        except ProbeError as error:
            failure = error
    fact = NamingContextRead(
        dn=dn,
        role=role,
        forest=root.forest,
        domain=_domain_of(dn, role),
        server=root.server,
        current_time=root.current_time,
        entries=reader.objects,
        bytes_read=session.wire.received - before,
        queries=reader.queries,
        seconds=round(time.monotonic() - began, 3),
        complete=failure is None,
        cut=failure.reason.value if failure else "",
        asked=asked(role),
        deleted_objects=deleted,
    )
    return Reading(fact=fact, captures=await aside(captures.digests), failure=failure, domains=tuple(domains))


@asynccontextmanager
async def connected(target: DirectoryTarget, line: Line) -> AsyncIterator[tuple[Session, RootDse]]:
    """Open a session to the first address of the target that answers, with its rootDSE; cut it on the way out."""
    session = await _open(target, line)
    try:
        yield session, await blocking(session, target.connect_seconds, lambda: read_root_dse(session))
    finally:
        session.abort()
        session.close()


def expected(target: DirectoryTarget, root: RootDse) -> None:
    """Raise unless the controller holds the domain that the configuration names, if it names one."""
    if target.base and target.base.lower() != root.default_naming_context.lower():
        raise ProbeError(Reason.REFERRAL, f"{root.server} holds {root.default_naming_context}, not {target.base}")


async def _open(target: DirectoryTarget, line: Line) -> Session:
    """Return a bound session to the first granted address that can be reached; raise the last refusal."""
    failure = ProbeError(Reason.UNKNOWN_HOST, f"{target.host} has no address")
    for address in await addresses_of(target, line):
        try:
            for port in target.ports:
                line.grant(address, port, name=target.host)
        except ProbeError as error:
            failure = error
            continue
        session = Session(target, address)
        try:
            await line.pace(address)
            await blocking(session, target.connect_seconds, session.open)
        except ProbeError as error:
            session.close()
            failure = error
            if error.reason not in ELSEWHERE:
                raise
        except asyncio.CancelledError:
            session.close()
            raise
        else:
            return session
    raise failure


async def addresses_of(target: DirectoryTarget, line: Line) -> tuple[IPAddress, ...]:
    """Return the numeric addresses a target is reached at: the configured one, else its name resolved."""
    try:
        return (ipaddress.ip_address(target.address or target.host),)
    except ValueError:
        return await line.resolve(target.host)


def directory_of(asset: Asset) -> str:
    """Return the name of the directory an asset was found through, or ""."""
    kind, _, name = asset.found_by.partition(":")
    return name if kind == AssetKind.DIRECTORY.value else ""


def _domain_of(dn: str, role: NamingContextRole) -> str:
    if role is NamingContextRole.DOMAIN_DNS:
        return domain_name(dn).partition(".")[2]
    return domain_name(dn) if role is NamingContextRole.DOMAIN else ""
