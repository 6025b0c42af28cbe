"""The Line of an import: files, folders and archives read in place, hostile ones refused with a reason."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest

from probes.interface import ProbeError, Reason
from scanner.files import ImportCaps, PathLine
from tests.lab.line import Kept

SMALL = ImportCaps(members=3, member_bytes=10_000, all_bytes=20_000, ratio=10, ratio_from=1000)


def opened(path: Path, caps: ImportCaps = SMALL) -> PathLine:
    return PathLine(path, keep=Kept().keep, caps=caps)


def content(path: Path, caps: ImportCaps = SMALL) -> dict[str, bytes]:
    with opened(path, caps) as line:
        return {member.name: line.read(member, most=10_000) for member in line.members()}


def tar(path: Path, *files: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for info in files:
            archive.addfile(info, io.BytesIO(b"x" * info.size) if info.isfile() else None)
    return path


def entry(name: str, size: int = 5, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, "/etc/passwd"
    return info


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_the_same_content_is_read_plain_in_a_folder_and_in_archives(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "user.tsv").write_bytes(b"1\t2")
    (tmp_path / "one.ldif.gz").write_bytes(gzip.compress(b"dn: x"))
    assert content(folder) == {"a/user.tsv": b"1\t2"}
    assert content(folder / "a" / "user.tsv") == {"user.tsv": b"1\t2"}
    assert content(tmp_path / "one.ldif.gz") == {"one.ldif": b"dn: x"}
    assert content(zipped(tmp_path / "z.zip", {"a/user.tsv": b"1\t2"})) == {"a/user.tsv": b"1\t2"}
    assert content(tar(tmp_path / "t.tgz", entry("./a/user.tsv"))) == {"a/user.tsv": b"xxxxx"}


def test_lines_lose_their_ends_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"a\r\nb\n\n c \nlast")
    with opened(path) as line:
        assert list(line.lines(line.members()[0])) == [b"a", b"b", b"", b" c ", b"last"]
        with pytest.raises(ProbeError) as failure:
            list(line.lines(line.members()[0], longest=2))
        assert failure.value.reason is Reason.TOO_LARGE


def test_a_file_is_dated_by_itself_or_by_the_person(tmp_path: Path) -> None:
    path, said = tmp_path / "x", datetime(2026, 1, 2, tzinfo=UTC)
    path.write_bytes(b"x")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    with opened(path) as line:
        assert (line.made_at, line.dated) == (datetime.fromtimestamp(1_700_000_000, UTC), "file")
    with PathLine(path, keep=Kept().keep, made_at=said) as line:
        assert (line.made_at, line.dated) == (said, "person")
        assert line.digest == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


def fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda p: zipped(p, {"../../etc/cron.d/x": b"x"}), Reason.MALFORMED),
        (lambda p: zipped(p, {"/etc/cron.d/x": b"x"}), Reason.MALFORMED),
        (lambda p: zipped(p, {"a\\..\\b": b"x"}), Reason.MALFORMED),
        (lambda p: tar(p, entry("a"), entry("a")), Reason.MALFORMED),
        (lambda p: tar(p, *(entry(str(i)) for i in range(4))), Reason.TOO_LARGE),
        (lambda p: tar(p, entry("big", size=10_001)), Reason.TOO_LARGE),
        (lambda p: tar(p, *(entry(str(i), size=9_000) for i in range(3))), Reason.TOO_LARGE),
        (lambda p: zipped(p, {"bomb": b"\0" * 9_999}), Reason.TOO_LARGE),
        (lambda p: (p.write_bytes(gzip.compress(b"A" * 9_999)), p)[1], Reason.TOO_LARGE),
        (lambda p: (p.write_bytes(zipped(p, {"a": b"abc" * 999}).read_bytes()[:60]), p)[1], Reason.MALFORMED),
        (lambda p: (p.write_bytes(gzip.compress(os.urandom(900))[:500]), p)[1], Reason.MALFORMED),
        (lambda p: (p.symlink_to("/etc/passwd"), p)[1], Reason.MALFORMED),
        (fifo, Reason.MALFORMED),
        (lambda p: p, Reason.MALFORMED),
    ],
    ids=["dot-dot", "absolute", "backslash", "twice", "count", "size", "sum", "zip-bomb", "gzip-bomb", "cut-zip",
         "cut-gzip", "link", "fifo", "missing"],
)  # fmt: skip
def test_what_would_harm_is_refused_with_its_reason(
    tmp_path: Path, make: Callable[[Path], Path], reason: Reason
) -> None:
    with pytest.raises(ProbeError) as failure:
        content(make(tmp_path / "import"))
    assert failure.value.reason is reason


def test_links_and_devices_inside_are_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "passwd").symlink_to("/etc/passwd")
    (folder / "all").symlink_to("/etc")
    assert content(folder) == {}
    assert content(tar(tmp_path / "t.tgz", entry("s", 0, tarfile.SYMTYPE), entry("d", 0, tarfile.CHRTYPE))) == {}


async def test_an_import_opens_no_connection(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    with opened(tmp_path / "x") as line, pytest.raises(ProbeError) as failure:
        await line.connect(ip_address("127.0.0.1"), 80)
    assert failure.value.reason is Reason.OUT_OF_SCOPE


def test_a_stopped_read_ends(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    with opened(tmp_path / "x") as line:
        line.stop()
        with pytest.raises(ProbeError) as failure:
            line.read(line.members()[0], most=10)
    assert failure.value.reason is Reason.INTERRUPTED


def test_names_that_are_no_text_are_shown_and_still_read(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / os.fsdecode(b"caf\xe9.ldif")).write_bytes(b"dn: x")
    assert set(content(folder).values()) == {b"dn: x"}
    with opened(folder) as line:
        assert all(member.name.encode() for member in line.members())
