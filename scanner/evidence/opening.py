"""Opening a pack, archive or folder, without writing anything: every strange byte of the container is told."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from reports.evidence import pack

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
    """Nothing can be read at all; one sentence."""


def open_pack(path: Path) -> tuple[dict[str, bytes], list[str]]:
    """Return the files of a pack by name, and the differences of the container itself."""
    try:
        if path.is_dir():
            return _folder(path), []
        if path.stat().st_size > _LARGEST:
            raise UnreadablePackError(f"{path}: larger than {_LARGEST >> 30} GiB")
        data = path.read_bytes()
    except OSError as error:
        raise UnreadablePackError(f"{path}: {error.strerror}") from error
    return _archive(path.name, data)


def _folder(path: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    size = 0
    for file in sorted(path.rglob("*")):
        if file.is_file():
            size += file.stat().st_size
            if size > _LARGEST or len(found) >= _MEMBERS:
                raise UnreadablePackError(f"{path}: too many or too large files")
            found[file.relative_to(path).as_posix()] = file.read_bytes()
    return found


def _archive(name: str, data: bytes) -> tuple[dict[str, bytes], list[str]]:
    files: dict[str, bytes] = {}
    differences = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for entry in packed.infolist()[:_MEMBERS]:
                if entry.file_size > len(data):
                    differences.append(f"altered: {entry.filename} (it claims to be larger than the archive)")
                    continue
                try:
                    content = packed.read(entry)
                except _DAMAGE as error:
                    differences.append(f"altered: {entry.filename} ({error})")
                    continue
                if entry.filename in files:
                    differences.append(f"added: {entry.filename} is there twice")
                files[entry.filename] = content
    except _DAMAGE as error:
        raise UnreadablePackError(
            f"{name}: truncated or damaged, it cannot be opened as a ZIP archive ({error})"
        ) from error
    return files, differences or list(_container(name, data, files))


def _container(name: str, data: bytes, files: dict[str, bytes]) -> Iterator[str]:
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
    where = f"beside the content of {member}" if member else "in its table of contents"
    yield f"altered: {name}, byte {offset}, {where}: the archive is not the one that was made"
