"""The Line of an import: one file, folder or archive that a person gave, and no network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from probes.interface.identity import Identity
from probes.interface.line import DnsQuestion, Line, NameAnswer, PortAnswer, Stream
from probes.interface.mandate import IPAddress
from probes.interface.observation import Digest, ProbeError, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One regular file of an import: its relative POSIX path (hostile text), and its size in bytes as announced."""

    name: str
    size: int


class FileLine(Line):
    """A Line whose only end is what a person gave: a file, a folder, or an archive (never written to disk).

    It opens no connection. Every method that reads raises ``ProbeError``: too-large past a cap (size, count, ratio),
    malformed-answer for a broken archive or a path that leaves it, interrupted once stopped.
    """

    #: Base name of what was given.
    name: str
    #: SHA-256 of the file, or of the sorted names and digests of a folder's files.
    digest: Digest
    #: Bytes of the file, or of the folder's files.
    size: int
    #: The instant the content is of: what the person said, else the file's own date; ``dated`` says which.
    made_at: datetime
    dated: str
    #: Whether the person said that nothing is missing from it, where its format cannot tell.
    declared_whole: bool = False

    @abstractmethod
    def members(self) -> Sequence[Member]:
        """Return the regular files inside, sorted by name; one, named like the file, when it is no archive."""

    @abstractmethod
    def blocks(self, member: Member) -> Iterator[bytes]:
        """Yield the bytes of a member."""

    def lines(self, member: Member, *, longest: int = 64 << 20) -> Iterator[bytes]:
        """Yield the lines of a member without their ends; one longer than ``longest`` bytes is too-large."""
        rest = b""
        for block in self.blocks(member):
            *whole, rest = (rest + block).split(b"\n")
            if len(rest) > longest:
                raise ProbeError(Reason.TOO_LARGE, f"a line of more than {longest} bytes")
            yield from (line.removesuffix(b"\r") for line in whole)
        if rest:
            yield rest.removesuffix(b"\r")

    def read(self, member: Member, *, most: int) -> bytes:
        """Return a whole member of at most ``most`` bytes."""
        found = bytearray()
        for block in self.blocks(member):
            found += block
            if len(found) > most:
                raise ProbeError(Reason.TOO_LARGE, f"{member.name[:200]}: more than {most} bytes")
        return bytes(found)

    @property
    def level(self) -> int:
        """Below every level: nothing is sent."""
        return 0

    @property
    def identifies_devices(self) -> bool:
        """Nothing is."""
        return False

    @property
    def identity(self) -> Identity:
        """Nobody is spoken to."""
        return Identity()

    def grant(self, address: IPAddress, port: int, *, name: str = "", level: int = 2) -> None:
        """Refuse."""
        self._refuse()

    async def resolve(self, name: str) -> tuple[IPAddress, ...]:
        """Refuse."""
        self._refuse()

    async def connect(
        self,
        address: IPAddress,
        port: int,
        *,
        name: str = "",
        level: int = 2,
        deadline: float = 10.0,
        cap: int = 1 << 20,
    ) -> Stream:
        """Refuse."""
        self._refuse()

    async def ask(
        self,
        query: bytes,
        server: IPAddress,
        *,
        question: DnsQuestion,
        walking: str = "",
        tcp: bool = False,
        deadline: float = 5.0,
        port: int | None = None,
    ) -> bytes:
        """Refuse."""
        self._refuse()

    def ask_names(
        self,
        names: Iterable[str],
        servers: Sequence[IPAddress],
        *,
        rdtype: int,
        question: DnsQuestion,
        walking: str = "",
        patience: float = 1.0,
        tries: int = 5,
    ) -> AsyncIterator[NameAnswer]:
        """Refuse."""
        self._refuse()

    async def exchange(
        self,
        request: bytes,
        address: IPAddress,
        port: int,
        *,
        name: str = "",
        level: int = 2,
        deadline: float = 2.0,
        tries: int = 2,
        any_port: bool = False,
    ) -> bytes:
        """Refuse."""
        self._refuse()

    def turn(
        self, address: IPAddress, port: int, *, name: str = "", level: int = 2
    ) -> AbstractAsyncContextManager[None]:
        """Refuse."""
        self._refuse()

    def slow_down(self, address: IPAddress) -> None:
        """Refuse."""
        self._refuse()

    def sweep(
        self, targets: Iterable[tuple[IPAddress, int]], *, name: str = "", patience: float = 2.0, tries: int = 2
    ) -> AsyncIterator[PortAnswer]:
        """Refuse."""
        self._refuse()

    async def pace(self, address: IPAddress) -> None:
        """Refuse."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ProbeError(Reason.OUT_OF_SCOPE, "an import opens no connection")
