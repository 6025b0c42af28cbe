"""Opening a pack, archive or folder, without writing anything: every strange byte of the container is told."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from reports.evidence import pack
from reports.words import Said, load, said

#: Most bytes and members read of one pack.
_LARGEST, _MEMBERS = 4 << 30, 100_000
#: What zipfile raises on damaged archives; what it does not support is a RuntimeError.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    KeyError,
    OSError,
    OverflowError,
    RuntimeError,
    UnicodeError,
    ValueError,
)


class UnreadablePackError(Exception):
    """Nothing can be read at all: ``why`` in one sentence."""

    def __init__(self, path: object, why: str, **values: object) -> None:
        self.why = said("pack.unreadable", path=path, why=said(f"pack.{why}", **values))
        super().__init__(self.why.in_(load("en", "scanner")))


def open_pack(path: Path) -> tuple[dict[str, bytes], list[Said]]:
    """Return the files of a pack by name, and the differences of the container itself."""
    try:
        if path.is_dir():
            return _folder(path), []
        if path.stat().st_size > _LARGEST:
            raise UnreadablePackError(path, "too-large", limit=f"{_LARGEST >> 30} GiB")
        data = path.read_bytes()
    except OSError as error:
        raise UnreadablePackError(path, "system", said=error.strerror) from error
    return _archive(path.name, data)


def _folder(path: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    size = 0
    for file in sorted(path.rglob("*")):
        if file.is_file():
            size += file.stat().st_size
            if size > _LARGEST or len(found) >= _MEMBERS:
                raise UnreadablePackError(path, "too-many")
            found[file.relative_to(path).as_posix()] = file.read_bytes()
    return found


def _archive(name: str, data: bytes) -> tuple[dict[str, bytes], list[Said]]:
    files: dict[str, bytes] = {}
    differences: list[Said] = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for entry in packed.infolist()[:_MEMBERS]:
                if entry.file_size > len(data):
                    differences.append(said("pack.altered-size", file=entry.filename))
                    continue
                try:
                    content = packed.read(entry)
                except _DAMAGE as error:
                    differences.append(said("pack.altered-as", file=entry.filename, why=error))
                    continue
                if entry.filename in files:
                    differences.append(said("pack.twice", file=entry.filename))
                files[entry.filename] = content
    except _DAMAGE as error:
        raise UnreadablePackError(name, "no-archive", said=error) from error
    return files, differences or list(_container(name, data, files))


def _container(name: str, data: bytes, files: dict[str, bytes]) -> Iterator[Said]:
    """What differs from the one archive that these files make: hidden bytes, other dates, another order."""
    made = pack.archive(files)
    if made == data:
        return
    offset = next((n for n, (a, b) in enumerate(zip(made, data, strict=False)) if a != b), min(len(made), len(data)))
    member = ""
    with zipfile.ZipFile(io.BytesIO(made)) as packed:
        for entry in packed.infolist():
            if entry.header_offset <= offset < packed.start_dir:
                member = entry.filename
    where = said("pack.beside", file=member) if member else said("pack.contents")
    yield said("pack.altered-archive", file=name, byte=offset, where=where)
