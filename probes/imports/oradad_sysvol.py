"""SYSVOL as ORADAD copies it: a table of every file with its descriptor, and the contents it took beside the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from probes.directory.redaction import redacted
from probes.directory.sysvol import FILE, NAMES, WANTED
from probes.facts.group_policy import PolicyError
from probes.facts.sysvol import SysvolFile, SysvolRead
from probes.interface import Asset, AssetKind, ProbeError, Reason, Sight
from probes.interface.files import FileLine, Member

#: File attribute of a folder (MS-FSCC 2.6).
FOLDER = 0x10


def sysvol_of(
    domain: str, rows: Iterable[Mapping[str, str]], contents: Mapping[str, Member], line: FileLine, cut: str
) -> Sight:
    """Return the SYSVOL of a domain out of the table's rows; ``contents`` are the files taken, by lower-case path."""
    files: list[SysvolFile] = []
    descriptors: dict[str, int] = {}
    captures: dict[str, None] = {}
    for row in rows:
        path = row.get("path", "").replace("\\", "/")
        if path.partition("/")[0].lower() not in {"policies", "scripts"}:
            continue
        if len(files) >= NAMES:
            raise ProbeError(Reason.TOO_LARGE, f"more than {NAMES} files")
        file = _file(row, path, contents, line)
        if text := row.get("securitydescriptor", "").lower():
            file = replace(file, descriptor=descriptors.setdefault(text, len(descriptors)))
        if file.content:
            captures[file.content] = None
        files.append(file)
    fact = SysvolRead(
        domain=domain.lower(),
        server="",
        address="",
        dialect="",
        signed=False,
        encrypted=False,
        files=tuple(sorted(files, key=lambda file: file.path.lower())),
        descriptors=tuple(descriptors),
        requests=0,
        bytes_read=sum(file.size for file in files),
        seconds=0.0,
        complete=not cut,
        cut=cut,
    )
    return Sight(fact=fact, asset=Asset(kind=AssetKind.AD_DOMAIN, name=domain.lower()), captures=tuple(captures))


def _file(row: Mapping[str, str], path: str, contents: Mapping[str, Member], line: FileLine) -> SysvolFile:
    folder = bool(_number(row.get("fileattributes", "")) & FOLDER)
    name = path.rpartition("/")[2].lower()
    found = SysvolFile(path=path, folder=folder, size=_number(row.get("filesize", "")), descriptor=-1)
    if folder or name not in WANTED:
        return found
    where = [row.get("guid", ""), f"{row.get('archivename', '')}_{row.get('filename', '')}"]
    member = contents.get("/".join(part for part in where if part).lower())
    if member is None:
        return replace(found, unread="not-in-the-export")
    try:
        data, secrets = redacted(name, line.read(member, most=FILE))
    except PolicyError as error:
        return replace(found, unread=f"{Reason.MALFORMED.value}: {error}"[:200])
    except ProbeError as error:
        if error.reason is Reason.INTERRUPTED:
            raise
        return replace(found, unread=error.reason.value)
    return replace(found, content=line.keep(data), secrets=secrets)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
