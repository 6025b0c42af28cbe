"""A copy of SYSVOL beside an export of the directory: a folder ``<domain>/Policies``, as ``robocopy`` makes it.

A copy says what policies set and which passwords they spread; who may change the files it does not say, so the rules on
their rights stay undetermined.
"""

from __future__ import annotations

from collections.abc import Iterator

from probes.directory.redaction import redacted
from probes.directory.sysvol import FILE, NAMES, WANTED
from probes.facts.group_policy import PolicyError
from probes.facts.sysvol import SysvolFile, SysvolRead
from probes.interface import Asset, AssetKind, Digest, ProbeError, Reason, Sight
from probes.interface.files import FileLine, Member


def sysvols(line: FileLine) -> Iterator[Sight]:
    """Yield one reading for each domain whose SYSVOL was copied into an import."""
    domains: dict[str, list[tuple[str, Member]]] = {}
    for member in line.members():
        domain, path = place(member.name)
        if domain:
            domains.setdefault(domain, []).append((path, member))
    for domain, found in sorted(domains.items()):
        if len(found) > NAMES:
            raise ProbeError(Reason.TOO_LARGE, f"more than {NAMES} files")
        files = tuple(_file(path, member, line) for path, member in sorted(found, key=lambda one: one[0].lower()))
        fact = SysvolRead(
            domain=domain,
            server="",
            address="",
            dialect="",
            signed=False,
            encrypted=False,
            files=files,
            descriptors=(),
            requests=0,
            bytes_read=sum(file.size for file in files),
            seconds=0.0,
            complete=True,
        )
        captures = dict.fromkeys(file.content for file in files if file.content)
        yield Sight(fact=fact, asset=Asset(kind=AssetKind.AD_DOMAIN, name=domain), captures=tuple(captures))


def place(name: str) -> tuple[str, str]:
    """Return (domain, path under it) of a file of a SYSVOL, ("", "") of another; the domain holds ``Policies``."""
    parts = name.split("/")
    for at in range(1, len(parts) - 1):
        if parts[at].lower() in {"policies", "scripts"} and "." in parts[at - 1]:
            return parts[at - 1].lower(), "/".join(parts[at:])
    return "", ""


def _file(path: str, member: Member, line: FileLine) -> SysvolFile:
    name = path.rpartition("/")[2].lower()
    content: Digest = ""
    secrets, unread = 0, ""
    if name in WANTED:
        try:
            data, secrets = redacted(name, line.read(member, most=FILE))
            content = line.keep(data)
        except ProbeError as error:
            if error.reason is Reason.INTERRUPTED:
                raise
            unread = error.reason.value
        except PolicyError as error:
            unread = f"{Reason.MALFORMED.value}: {error}"[:200]
    return SysvolFile(
        path=path, folder=False, size=member.size, descriptor=-1, content=content, secrets=secrets, unread=unread
    )
