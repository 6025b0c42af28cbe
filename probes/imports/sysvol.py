"""A copy of SYSVOL (a folder or an archive that holds ``<domain>/Policies``), where SMB cannot be reached.

A copy says what policies set and which passwords they spread; who may change the files it does not say, so the rules on
their rights stay undetermined. Copy with ``robocopy \\\\DOMAIN\\SYSVOL\\DOMAIN DOMAIN /E /R:0``.
"""

from __future__ import annotations

from collections.abc import Iterator

from probes.directory.redaction import redacted
from probes.directory.sysvol import FILE, NAMES, WANTED
from probes.facts.group_policy import PolicyError
from probes.facts.sysvol import SysvolFile, SysvolRead
from probes.imports import Importer
from probes.interface import Asset, AssetKind, Digest, ProbeError, Reason, Sight, Vantage, Yield
from probes.interface.files import FileLine, Member


class SysvolImport(Importer):
    """The files of the group policies of one domain or several."""

    kind = "sysvol"
    name = "import-sysvol"
    version = "1"
    vantage = Vantage.INSIDE

    def read(self, asset: Asset, line: FileLine) -> Iterator[Yield]:
        """Yield one reading for each domain inside."""
        domains: dict[str, list[tuple[str, Member]]] = {}
        for member in line.members():
            for domain, path in _place(member.name, line.name):
                domains.setdefault(domain, []).append((path, member))
        if not domains:
            raise ProbeError(Reason.NOT_SPOKEN, "no folder named Policies inside: no copy of SYSVOL")
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


def _place(name: str, given: str) -> Iterator[tuple[str, str]]:
    """Yield (domain, path under it) of a file of a SYSVOL; the domain is the folder above ``Policies``."""
    parts = [given, *name.split("/")]
    for at in range(1, len(parts) - 1):
        if parts[at].lower() in {"policies", "scripts"} and "." in parts[at - 1]:
            yield parts[at - 1].lower(), "/".join(parts[at:])
            return


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
