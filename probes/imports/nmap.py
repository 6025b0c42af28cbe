"""nmap's XML output (``-oX``): ports by address, as a sweep would have seen them, and the names it met."""

from __future__ import annotations

import pyexpat
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, NoReturn

from probes.facts.ports import Canary, PortsSwept
from probes.imports import Importer
from probes.interface import (
    Asset,
    AssetKind,
    FoundIn,
    PortAnswer,
    PortState,
    ProbeError,
    Reason,
    Shortfall,
    Sight,
    Vantage,
    Yield,
    host_name,
    service,
)
from probes.interface.files import FileLine, Member

#: Deepest element, hosts of a file, ports of a host, names of a host.
_DEPTH, _HOSTS, _PORTS, _NAMES = 32, 100_000, 70_000, 100
#: The first version that bounds how far entities may expand (CVE-2013-0340 and later).
_EXPAT = (2, 4, 1)
_STATES = {
    "open": PortState.OPEN,
    "closed": PortState.CLOSED,
    "filtered": PortState.FILTERED,
    "open|filtered": PortState.FILTERED,
    "unfiltered": PortState.CLOSED,
}


class NmapImport(Importer):
    """The hosts that nmap found up."""

    kind = "nmap"
    name = "import-nmap"
    version = "1"
    vantage = Vantage.INTERNET

    def read(self, asset: Asset, line: FileLine) -> Iterator[Yield]:
        """Yield ports, services and names of every file inside."""
        if pyexpat.version_info < _EXPAT:
            raise ProbeError(Reason.MISSING_TOOL, "this Python has an expat older than 2.4.1")
        hosts = 0
        for member in line.members():
            document = Document(asset)
            try:
                yield from document.read(line, member)
            except (pyexpat.ExpatError, ValueError) as error:
                yield Shortfall(reason=Reason.MALFORMED, detail=f"{member.name[:200]}: {error}")
            hosts += document.hosts
        if not hosts:
            raise ProbeError(Reason.MALFORMED, "no host of an nmap report (-oX) in it")


class Document:
    """One report, read as it comes: nothing but the host at hand is held."""

    def __init__(self, asset: Asset) -> None:
        self.hosts = 0
        self._asset = asset
        self._depth = 0
        self._ready: list[Yield] = []
        self._addresses: list[str] = []
        self._names: list[str] = []
        self._ports: list[tuple[int, PortState]] = []
        self._port: int | None = None
        self._at: datetime | None = None

    def read(self, line: FileLine, member: Member) -> Iterator[Yield]:
        """Yield what each host gives once it ends."""
        parser = pyexpat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = parser.ExternalEntityRefHandler = _refused
        for block in line.blocks(member):
            for at in range(0, len(block), 65_536):
                parser.Parse(block[at : at + 65_536], False)
                yield from self._ready
                self._ready.clear()
        parser.Parse(b"", True)

    def _doctype(self, name: str, system: str | None, public: str | None, internal: bool) -> None:
        if internal:
            _refused()

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEPTH:
            raise ValueError("elements nested too deep")
        match tag:
            case "host":
                self._addresses, self._names, self._ports = [], [], []
                self._at = _instant(attributes.get("endtime") or attributes.get("starttime"))
            case "address" if attributes.get("addrtype") in {"ipv4", "ipv6"}:
                self._addresses.append(str(ip_address(attributes.get("addr", ""))))
            case "hostname" if len(self._names) < _NAMES:
                self._names.append(host_name(attributes.get("name", "")))
            case "port" if attributes.get("protocol") == "tcp":
                self._port = int(attributes.get("portid", "")[:6])
            case "state" if self._port is not None and len(self._ports) < _PORTS:
                state = _STATES.get(attributes.get("state", ""))
                if state is not None and 0 < self._port < 65536:
                    self._ports.append((self._port, state))

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if tag == "port":
            self._port = None
        elif tag == "host":
            self.hosts += 1
            if self.hosts > _HOSTS:
                raise ValueError(f"more than {_HOSTS} hosts")
            for address in self._addresses[:4]:
                self._ready += self._host(address)

    def _host(self, address: str) -> list[Yield]:
        by = self._asset.id
        about = Asset(kind=AssetKind.ADDRESS, name=address, found_by=by, found_in=FoundIn.NMAP)
        answers = tuple(
            PortAnswer(address=address, port=port, state=state, tries=0, patience=0.0)
            for port, state in sorted(dict(self._ports).items())
        )
        found: list[Yield] = [about]
        if answers:
            # nmap does not say whether the host still answered at the end: its silence proves nothing here.
            swept = PortsSwept(answers=answers, canaries=((address, Canary.NONE),))
            found.append(Sight(fact=swept, asset=about, seen_at=self._at))
        names = dict.fromkeys(filter(None, self._names))
        found += [Asset(kind=AssetKind.HOST, name=n, found_by=by, found_in=FoundIn.NMAP) for n in names]
        found += [
            service("tcp", a.port, address, addresses=(address,), found_by=about.id)
            for a in answers
            if a.state is PortState.OPEN
        ]
        return found


def _instant(text: str | None) -> datetime | None:
    return datetime.fromtimestamp(int(text), UTC) if text and text.isdecimal() and len(text) < 12 else None


def _refused(*_: Any) -> NoReturn:  # noqa: ANN401 - expat's handlers take what they take
    raise ValueError("a document type with entities is refused")
