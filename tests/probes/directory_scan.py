"""What the tests of the directory share: looking as the engine does, and reading what was kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from probes.directory.probe import Directory, DirectoryTree
from probes.directory.target import DirectorySettings, DirectoryTarget
from probes.facts.directory import NamingContextRead, RootDse
from probes.facts.entries import Entry, decode_entries
from probes.interface import Asset, AssetKind, Probe, Reason, Shortfall, Sight
from tests.lab.line import Kept, open_line


@dataclass(slots=True, kw_only=True)
class Seen:
    """What a scan of one directory gave."""

    root: RootDse | None = None
    assets: list[Asset] = field(default_factory=list)
    reads: dict[str, NamingContextRead] = field(default_factory=dict)
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    missed: list[Reason] = field(default_factory=list)
    captures: Kept = field(default_factory=Kept)

    @property
    def contexts(self) -> list[Asset]:
        return [asset for asset in self.assets if asset.kind is AssetKind.NAMING_CONTEXT]


async def scan(target: DirectoryTarget, *, only: str = "") -> Seen:
    """Look at a directory, then at the naming contexts met (or ``only`` one)."""
    seen = Seen()
    settings = DirectorySettings(targets={"chu": target})
    await look(Directory(settings), Asset(kind=AssetKind.DIRECTORY, name="chu"), seen)
    for asset in seen.contexts:
        if not only or asset.name == only:
            await look(DirectoryTree(settings), asset, seen)
    return seen


async def look(probe: Probe[DirectorySettings], asset: Asset, seen: Seen) -> None:
    """Add what one probe sees of one asset."""
    assert probe.wants(asset)
    async for found in probe.look(asset, open_line(captures=seen.captures)):
        match found:
            case Asset():
                seen.assets.append(found)
            case Shortfall():
                seen.missed.append(found.reason)
            case Sight(fact=RootDse() as root):
                seen.root = root
            case Sight(fact=NamingContextRead() as read):
                seen.reads[read.dn] = read
                chunks = [seen.captures[digest] for digest in found.captures]
                assert all(len(chunk) <= 4 << 20 for chunk in chunks)
                seen.entries[read.dn] = [entry for chunk in chunks for entry in decode_entries(chunk)]
