"""The file, folder or archive of an import, read in place, every read capped."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import stat
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, cast

from probes.interface import Digest, ProbeError, Reason
from probes.interface.files import FileLine, Member

BLOCK = 1 << 20
#: What reading a damaged or hostile file raises.
BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCaps:
    """The most an import may hold: files, bytes of one, bytes of all, and how many times over it may expand.

    ``ratio_from`` is the size in bytes under which any ratio will do: a few lines of spaces are no bomb.
    """

    members: int = 50_000
    member_bytes: int = 32 << 30
    all_bytes: int = 64 << 30
    ratio: int = 200
    ratio_from: int = 64 << 20
    name: int = 1000


class PathLine(FileLine):
    """A ``FileLine`` over a path of this machine: a plain file, ``.gz``, ZIP, tar (gzip, bzip2, xz) or a folder.

    A context manager. Links are never followed, nothing is written. ``made_at`` is what a person said, by default the
    newest date of a file. What cannot be opened is ``ProbeError``.
    """

    def __init__(
        self,
        path: Path,
        *,
        keep: Callable[[bytes], Digest],
        made_at: datetime | None = None,
        caps: ImportCaps | None = None,
        declared_whole: bool = False,
    ) -> None:
        self._path = path
        self.declared_whole = declared_whole
        self._keep = keep
        self._caps = caps or ImportCaps()
        self._said = made_at
        self._stopped = threading.Event()
        self._stack = ExitStack()
        self._members: dict[str, Member] = {}
        self._openers: dict[str, Callable[[], IO[bytes]]] = {}
        self._announced = 0
        self._packed = False
        self.name = _shown(path.name)[-200:]

    def __enter__(self) -> PathLine:
        try:
            self._list()
            self.digest, self.size, newest = self._digested()
        except BROKEN as error:
            self._stack.close()
            said = error.strerror if isinstance(error, OSError) and error.strerror else f"{self.name}: {error}"
            raise ProbeError(Reason.MALFORMED, said[:300]) from None
        except ProbeError:
            self._stack.close()
            raise
        self.made_at = self._said or datetime.fromtimestamp(newest, UTC).replace(microsecond=0)
        self.dated = "person" if self._said else "file"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def stop(self) -> None:
        """End every read, in whatever thread it is."""
        self._stopped.set()

    def keep(self, data: bytes) -> Digest:
        """Keep a capture and return its digest."""
        return self._keep(data)

    def members(self) -> Sequence[Member]:
        """Return the regular files inside, sorted by name."""
        return tuple(self._members[name] for name in sorted(self._members))

    def blocks(self, member: Member) -> Iterator[bytes]:
        """Yield the bytes of a member."""
        try:
            with self._openers[member.name]() as stream:
                read = 0
                while block := stream.read(BLOCK):
                    read += len(block)
                    self._check(member, read)
                    yield block
        except BROKEN as error:
            raise ProbeError(Reason.MALFORMED, f"{member.name[:200]}: {error}"[:300]) from None

    def _check(self, member: Member, read: int) -> None:
        """Hold the caps on what was really read, whatever the archive announced."""
        if self._stopped.is_set():
            raise ProbeError(Reason.INTERRUPTED)
        if read > self._caps.member_bytes:
            raise ProbeError(Reason.TOO_LARGE, f"{member.name[:200]}: more bytes than an import may hold")
        if self._packed and read > max(self._caps.ratio_from, self._caps.ratio * self.size):
            raise ProbeError(Reason.TOO_LARGE, f"{member.name[:200]} expands more than {self._caps.ratio} times")

    def _list(self) -> None:
        """Tell what it is by its first bytes, and admit each regular file inside."""
        mode = os.lstat(self._path).st_mode
        if stat.S_ISDIR(mode):
            return self._list_folder(self._path)
        if not stat.S_ISREG(mode):
            raise ProbeError(Reason.MALFORMED, f"{self.name} is neither a regular file nor a folder")
        with _opened(self._path) as file:
            magic = file.read(4)
        if magic in {b"PK\3\4", b"PK\5\6"}:
            return self._list_zip()
        if tarfile.is_tarfile(self._path):
            return self._list_tar()
        if magic[:2] == b"\x1f\x8b":
            self._packed = True
            return self._admit(
                self._path.name.removesuffix(".gz"), 0, lambda: cast(IO[bytes], gzip.open(self._path, "rb"))
            )
        return self._admit(self._path.name, self._path.stat().st_size, lambda: _opened(self._path))

    def _list_folder(self, folder: Path) -> None:
        with os.scandir(folder) as found:
            for entry in found:
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    self._list_folder(path)
                elif entry.is_file(follow_symlinks=False):
                    size = entry.stat(follow_symlinks=False).st_size
                    self._admit(path.relative_to(self._path).as_posix(), size, lambda path=path: _opened(path))  # type: ignore[misc]

    def _list_zip(self) -> None:
        self._packed = True
        archive = self._stack.enter_context(zipfile.ZipFile(self._path))
        for info in archive.infolist():
            if not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16):
                self._admit(info.filename, info.file_size, lambda info=info: archive.open(info))  # type: ignore[misc]

    def _list_tar(self) -> None:
        self._packed = True
        archive = self._stack.enter_context(tarfile.open(self._path))  # noqa: SIM115 - the stack closes it
        for info in archive:
            if info.isfile():
                name = info.name.removeprefix("./")
                self._admit(name, info.size, lambda info=info: archive.extractfile(info))  # type: ignore[misc,arg-type]

    def _admit(self, name: str, size: int, opener: Callable[[], IO[bytes]]) -> None:
        path = PurePosixPath(name)
        leaves = path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name
        name = _shown(name)
        if leaves or not name or len(name) > self._caps.name or name in self._members:
            raise ProbeError(Reason.MALFORMED, f"a path that no import may hold: {name[:200]!r}")
        if self._stopped.is_set():
            raise ProbeError(Reason.INTERRUPTED)
        self._members[name] = Member(name=name, size=size)
        self._openers[name] = opener
        self._announced += size
        if len(self._members) > self._caps.members:
            raise ProbeError(Reason.TOO_LARGE, f"more than {self._caps.members} files")
        if self._announced > self._caps.all_bytes or size > self._caps.member_bytes:
            raise ProbeError(Reason.TOO_LARGE, "more bytes than an import may hold")

    def _digested(self) -> tuple[str, int, float]:
        """The digest, the size, and the newest date of what was given."""
        if not self._path.is_dir():
            status = self._path.stat()
            with _opened(self._path) as file:
                return self._digest_of(file), status.st_size, status.st_mtime
        whole, dates = hashlib.sha256(), [self._path.stat().st_mtime]
        for member in self.members():
            with self._openers[member.name]() as file:
                whole.update(f"{self._digest_of(file)}  {member.name}\n".encode())
                dates.append(os.fstat(file.fileno()).st_mtime)
        return whole.hexdigest(), self._announced, max(dates[1:], default=dates[0])

    def _digest_of(self, file: IO[bytes]) -> str:
        digest = hashlib.sha256()
        while block := file.read(BLOCK):
            digest.update(block)
            if self._stopped.is_set():
                raise ProbeError(Reason.INTERRUPTED)
        return digest.hexdigest()


def _shown(name: str) -> str:
    """A name of the file system as text that can be written anywhere: bytes that are no UTF-8 as ``%nn``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\\x", "%")


def _opened(path: Path) -> IO[bytes]:
    """Open a regular file, never through a link."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
