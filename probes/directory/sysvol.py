"""The probe of SYSVOL: every file's owner and DACL, and the contents that say a policy, by SMB."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from probes.directory.blocking import blocking
from probes.directory.probe import ELSEWHERE, addresses_of, directory_of
from probes.directory.redaction import redacted
from probes.directory.smb import PORT, Entry, Share
from probes.directory.target import BindMethod, DirectorySettings, DirectoryTarget
from probes.facts.group_policy import PolicyError
from probes.facts.sysvol import SysvolFile, SysvolRead
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

#: The files whose content says a policy; scripts are only listed, for their content may hold anything.
WANTED = frozenset(
    {"gpt.ini", "gpttmpl.inf", "registry.pol", "scripts.ini", "psscripts.ini", "audit.csv", "groups.xml",
     "services.xml", "scheduledtasks.xml", "datasources.xml", "printers.xml", "drives.xml"}
)  # fmt: skip
#: The most of one domain: names, levels of folders, bytes of one file and of all, domains of one share.
NAMES, DEPTH, FILE, ALL, DOMAINS = 50_000, 12, 4 << 20, 256 << 20, 16
#: Requests between two turns in the pace.
TURN = 50
#: Reasons that concern one file and leave the others readable.
OF_ONE = frozenset({Reason.DENIED, Reason.TOO_LARGE, Reason.SERVER_FAILURE, Reason.TRUNCATED, Reason.NOT_SPOKEN})

T = TypeVar("T")


class DirectorySysvol(Probe[DirectorySettings]):
    """Reads the SYSVOL share of a domain controller."""

    name = "directory-sysvol"
    version = "1"
    level = 2
    part = Part.DIRECTORY
    looks_at = frozenset({AssetKind.CONTROLLER})
    Settings = DirectorySettings
    deadline = 6 * 3600.0

    def wants(self, asset: Asset) -> bool:
        """Tell whether it was found through a directory of the configuration."""
        return self.settings.names(directory_of(asset))

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield one reading for each domain the share holds."""
        target = self.settings.target(directory_of(asset))
        share, address = await open_sysvol(target, line)
        try:
            reading = _Reading(share, target, line, address)
            top = await reading.blocking(lambda: share.entries("", DOMAINS))
            found = False
            for folder in (entry.name for entry in top if entry.folder and not entry.link):
                fact, captures, failure = await reading.domain(folder)
                if fact is None:
                    continue
                found = True
                about = Asset(kind=AssetKind.AD_DOMAIN, name=fact.domain)
                yield Sight(fact=fact, asset=about, captures=captures)
                if failure:
                    yield Shortfall(reason=failure.reason, detail=f"SYSVOL: {failure.detail}")
                    return
            if not found:
                raise ProbeError(Reason.NOT_SPOKEN, "the share holds no domain")
        finally:
            share.abort()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file as it was met: its descriptor, and its content without secrets when it was wanted."""

    file: SysvolFile
    descriptor: bytes
    content: bytes | None


class _Reading:
    """The reading of a share, in a thread, paced and bounded."""

    def __init__(self, share: Share, target: DirectoryTarget, line: Line, address: IPAddress) -> None:
        self._share = share
        self._target = target
        self._line = line
        self._address = address
        self._ends = time.monotonic() + target.budget_seconds

    async def blocking(self, function: Callable[[], T]) -> T:
        """Run a blocking use of the share; when time is up, or we are stopped, cut its connection."""
        left = min(self._target.page_seconds, self._ends - time.monotonic())
        return await blocking(self._share, max(0.0, left), function)

    async def domain(self, folder: str) -> tuple[SysvolRead | None, tuple[Digest, ...], ProbeError | None]:
        """Read the folder of one domain; None when it is none. What was read before a failure stays."""
        began, before = time.monotonic(), (self._share.requests, self._share.received)
        walk = Walk(self._share, folder)
        files: list[SysvolFile] = []
        descriptors: dict[bytes, int] = {}
        captures: dict[Digest, None] = {}
        failure = None
        try:
            turns = self._share.requests
            while (found := await self.blocking(walk.next)) is not None:
                file = found.file
                if found.descriptor:
                    file = replace(file, descriptor=descriptors.setdefault(found.descriptor, len(descriptors)))
                if found.content is not None:
                    file = replace(file, content=self._line.keep(found.content))
                    captures[file.content] = None
                files.append(file)
                if self._share.requests - turns >= TURN:
                    turns = self._share.requests
                    await self._line.pace(self._address)
                    await asyncio.sleep(self._target.throttle)
        except ProbeError as error:
            failure = error
        if not files and failure is None:
            return None, (), None
        fact = SysvolRead(
            domain=folder.lower(),
            server=self._target.host,
            address=str(self._address),
            dialect=self._share.dialect,
            signed=True,
            encrypted=self._share.encrypted,
            files=tuple(sorted(files, key=lambda file: file.path.lower())),
            descriptors=tuple(data.hex() for data in descriptors),
            requests=self._share.requests - before[0],
            bytes_read=self._share.received - before[1],
            seconds=round(time.monotonic() - began, 3),
            complete=failure is None,
            cut=failure.reason.value if failure else "",
        )
        return fact, tuple(captures), failure


class Walk:
    """Every file and folder of a domain's SYSVOL, one at a time; used from one thread at once."""

    def __init__(self, share: Share, domain: str) -> None:
        self._share = share
        self._domain = domain
        self._names = 0
        self._bytes = 0
        self._walk = self._domain_folders()

    def next(self) -> Found | None:
        """Return the next, or None after the last; raise ``ProbeError`` when the share cannot be read on."""
        return next(self._walk, None)

    def _domain_folders(self) -> Iterator[Found]:
        for entry in self._share.entries(self._domain, NAMES):
            # the other folders are work in progress of the replication, which clients never read
            if entry.folder and not entry.link and entry.name.lower() in {"policies", "scripts"}:
                yield from self._met(entry, entry.name, 1)

    def _met(self, entry: Entry, path: str, depth: int) -> Iterator[Found]:
        self._names += 1
        if self._names > NAMES or depth > DEPTH:
            raise ProbeError(Reason.TOO_LARGE, f"more than {NAMES} files or {DEPTH} levels")
        yield self._found(entry, path)
        if not entry.folder or entry.link:
            return
        try:
            inside = self._share.entries(f"{self._domain}/{path}", NAMES)
        except ProbeError as error:
            if error.reason is not Reason.DENIED:
                raise
            file = SysvolFile(path=f"{path}/*", folder=True, size=0, descriptor=-1, unread=error.reason.value)
            yield Found(file=file, descriptor=b"", content=None)
            return
        for one in inside:
            yield from self._met(one, f"{path}/{one.name}", depth + 1)

    def _found(self, entry: Entry, path: str) -> Found:
        where = f"{self._domain}/{path}"
        descriptor, content, secrets, unread = b"", None, 0, ""
        try:
            descriptor = self._share.descriptor(where)
        except ProbeError as error:
            unread = _of_one(error)
        if not entry.folder and entry.name.lower() in WANTED:
            try:
                content, secrets = redacted(entry.name.lower(), self._content(where, entry))
            except ProbeError as error:
                unread = _of_one(error)
            except PolicyError as error:
                unread = f"{Reason.MALFORMED.value}: {error}"[:200]
        file = SysvolFile(
            path=path, folder=entry.folder, size=entry.size, descriptor=-1, secrets=secrets, unread=unread
        )
        return Found(file=file, descriptor=descriptor, content=content)

    def _content(self, where: str, entry: Entry) -> bytes:
        self._bytes += entry.size
        if self._bytes > ALL:
            raise ProbeError(Reason.TOO_LARGE, f"more than {ALL} bytes of policies")
        return self._share.read(where, FILE)


def _of_one(error: ProbeError) -> str:
    if error.reason not in OF_ONE:
        raise error
    return error.reason.value


async def open_sysvol(target: DirectoryTarget, line: Line) -> tuple[Share, IPAddress]:
    """Return the share of the first granted address that can be reached; raise the last refusal."""
    failure = ProbeError(Reason.UNKNOWN_HOST, f"{target.host} has no address")
    kerberos = (88,) if target.bind in {BindMethod.KERBEROS, BindMethod.NEGOTIATE} else ()
    for address in await addresses_of(target, line):
        try:
            for port in (PORT, *kerberos):
                line.grant(address, port, name=target.host)
        except ProbeError as error:
            failure = error
            continue
        await line.pace(address)
        share = Share(target, address, "sysvol")
        try:
            await _Reading(share, target, line, address).blocking(share.open)
        except ProbeError as error:
            share.abort()
            failure = error
            if error.reason not in ELSEWHERE:
                raise
        else:
            return share, address
    raise failure
