"""A list of names and addresses: CSV of any tool (inventory, certificate authority, provider), or one a line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import ClassVar
from urllib.parse import urlsplit

from probes.facts.imported import ListedName, NamesListed
from probes.imports import Importer
from probes.interface import Asset, FoundIn, Lead, ProbeError, Reason, Shortfall, Sight, Vantage, Yield, asset_of
from probes.interface.files import FileLine

#: Longest line (bytes), most lines of a file, most names kept.
_LINE, _LINES, _NAMES = 65_536, 2_000_000, 50_000
#: Titles of columns that hold names or addresses; with none of them, every cell is read.
_TITLES = {
    "name", "names", "nom", "noms", "nom_dns", "dns", "dnsname", "dns_name", "host", "hosts", "hostname", "hote",
    "hôte", "fqdn", "domain", "domain-name", "domaine", "domaines", "url", "urls", "uri", "site", "ip", "ips",
    "adresse", "adresses", "address", "addresses", "adresse_ip", "adresse ip", "ip_address", "ipv4", "ipv6",
    "réseau", "reseau", "network", "cidr", "san", "subject_alt_name", "common_name", "cn",
}  # fmt: skip


class NamesImport(Importer):
    """Names, addresses, networks and the hosts of URLs."""

    kind = "names"
    name = "import-names"
    version = "1"
    vantage = Vantage.INTERNET
    found_in: ClassVar[FoundIn] = FoundIn.LIST

    def read(self, asset: Asset, line: FileLine) -> Iterator[Yield]:
        """Yield the names of every file inside."""
        found: set[str] = set()
        refused = 0
        for member in line.members():
            try:
                for cell in _cells(line.lines(member, longest=_LINE)):
                    name = _name(cell, self.found_in)
                    found |= {name} if name else set()
                    refused += not name
            except csv.Error as error:
                yield Shortfall(reason=Reason.MALFORMED, detail=f"{member.name[:200]}: {error}")
        if not found:
            raise ProbeError(Reason.MALFORMED, "no name and no address in it")
        if len(found) > _NAMES:
            yield Shortfall(reason=Reason.SIZE_LIMIT, detail=f"{_NAMES} of {len(found)} names kept")
        names = tuple(ListedName(text=text) for text in sorted(found)[:_NAMES])
        yield Sight(fact=NamesListed(found_in=self.found_in, names=names, refused=refused))


def _cells(lines: Iterable[bytes]) -> Iterator[str]:
    """The cells that hold names, of a CSV with or without titles, its delimiter guessed from the first line."""
    texts = (line.decode("utf-8-sig" if at == 0 else "utf-8", "replace") for at, line in enumerate(_some(lines)))
    first = next(texts, "")
    delimiter = max(";,\t|", key=first.count)
    titles = [title.strip().strip('"').lower() for title in first.split(delimiter)]
    wanted = [at for at, title in enumerate(titles) if title in _TITLES]
    rows = csv.reader([] if wanted else [first], delimiter=delimiter)
    for row in (*rows,):
        yield from _said(row, wanted)
    for row in csv.reader(texts, delimiter=delimiter):
        yield from _said(row, wanted)


def _some(lines: Iterable[bytes]) -> Iterator[bytes]:
    for at, line in enumerate(lines):
        if at >= _LINES:
            raise ProbeError(Reason.SIZE_LIMIT, f"more than {_LINES} lines")
        yield line.replace(b"\0", b"")


def _said(row: list[str], wanted: list[int]) -> Iterator[str]:
    """The words of the wanted cells; a cell may hold several."""
    cells = [row[at] for at in wanted if at < len(row)] if wanted else row
    for cell in cells:
        if not cell.lstrip().startswith("#"):
            yield from cell.replace(",", " ").replace(";", " ").split()


def _name(text: str, found_in: FoundIn) -> str:
    if "://" in text:
        try:
            text = urlsplit(text).hostname or ""
        except ValueError:
            return ""
    led = asset_of(Lead(text=text, found_in=found_in), "")
    return led.name if led else ""
