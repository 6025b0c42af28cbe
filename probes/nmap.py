"""The nmap probe: version detection, at level 3, of open services that no other probe speaks to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pyexpat
import shutil
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar, NoReturn

from nmap import PortScanner, PortScannerError

from probes.facts.services.version import ServiceVersion
from probes.interface import Asset, AssetKind, Line, Part, Probe, ProbeError, Reason, Shortfall, Sight, Yield
from probes.interface.fragile import is_fragile

#: Longest report read of one port, in bytes, and longest text kept of it, in characters.
_REPORT, _TEXT = 256 << 10, 200
#: The first version that bounds how far entities may expand (CVE-2013-0340 and later).
_EXPAT = (2, 4, 1)
#: nmap's confidence in a name it takes from the port's number.
_BY_NUMBER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class NmapSettings:
    """Seconds nmap may take for one port (it gives up by itself a little earlier), nmaps at once, addresses a name."""

    patience: float = 60.0
    at_once: int = 2
    most_addresses: int = 4


class NmapProbe(Probe[NmapSettings]):
    """Names the product behind a port, with nmap's least intrusive probes and one connection at a time.

    Ports of health, building, industrial and printing devices are never handed to it.
    """

    name: ClassVar[str] = "nmap"
    version: ClassVar[str] = "1"
    level: ClassVar[int] = 3
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})
    last_resort: ClassVar[bool] = True
    #: A step waits its turn behind those of every other worker.
    deadline: ClassVar[float] = 4000.0
    Settings: ClassVar[type[NmapSettings]] = NmapSettings

    def __init__(self, settings: NmapSettings) -> None:
        super().__init__(settings)
        self._turns = asyncio.Semaphore(settings.at_once)

    def wants(self, asset: Asset) -> bool:
        """A TCP port that accepted a connection, behind which nothing is easily disturbed."""
        return asset.transport == "tcp" and bool(asset.addresses) and not is_fragile(asset.port or 0)

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield what nmap made of each address; an address that failed is missed, unless all did."""
        failures: list[ProbeError] = []
        addresses = asset.addresses[: self.settings.most_addresses]
        for text in addresses:
            try:
                yield Sight(fact=await self._address(asset, text, line))
            except ProbeError as error:
                failures.append(error)
                if len(addresses) > 1:
                    yield Shortfall(reason=error.reason, detail=f"{text}: {error.detail}")
        if failures and len(failures) == len(addresses):
            raise failures[0]

    async def _address(self, asset: Asset, text: str, line: Line) -> ServiceVersion:
        arguments = command(text, str(asset.port), self.settings.patience)
        address, port = ip_address(text), asset.port or 0
        name = "" if asset.host == text else asset.host
        line.grant(address, port, name=name, level=self.level)
        async with self._turns, line.turn(address, port, name=name, level=self.level):
            return version_of(await output(arguments, self.settings.patience), text, port)


def command(address: str, port: str, patience: float) -> list[str]:
    """Return nmap's arguments; an address without zone and a port are written anew, so neither is ever an option.

    ``-sT`` and ``--unprivileged`` connect as any client does; ``--version-intensity 2`` sends the commonest probes
    only. Raises out-of-scope for what is no address or no port, or for a fragile port.
    """
    try:
        where, number = ip_address(address), int(port)
    except ValueError as error:
        raise ProbeError(Reason.OUT_OF_SCOPE, "not a numeric address and port") from error
    if getattr(where, "scope_id", None) is not None or not 0 < number < 65536 or is_fragile(number):
        raise ProbeError(Reason.OUT_OF_SCOPE, "not an address and port for nmap")
    return [
        *("-sT", "-sV", "-n", "-Pn", "--unprivileged", "--version-intensity", "2"),
        *("--max-rate", "50", "--max-parallelism", "1", "--max-retries", "1"),
        *("--host-timeout", f"{max(1, int(patience * 0.8))}s", "--no-stylesheet", "-oX", "-"),
        *(("-6",) if where.version == 6 else ()),
        *("-p", str(number), str(where)),
    ]


async def output(arguments: list[str], patience: float) -> bytes:
    """Run nmap and return its report; whatever happens, nothing of it is left running.

    Raises missing-tool without a working nmap, timed-out, or too-large.
    """
    path = shutil.which("nmap")
    if path is None:
        raise ProbeError(Reason.MISSING_TOOL, "nmap is not installed, or not on the PATH")
    try:
        process = await asyncio.create_subprocess_exec(
            path,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        )
    except OSError as error:
        raise ProbeError(Reason.MISSING_TOOL, f"nmap: {error.strerror}") from error
    try:
        async with asyncio.timeout(patience):
            report = await _read(process)
            code = await process.wait()
    except TimeoutError as error:
        raise ProbeError(Reason.TIMED_OUT, f"nmap took more than {patience:g} s") from error
    finally:
        await _end(process)
    if code:
        raise ProbeError(Reason.MISSING_TOOL, f"nmap ended with code {code}")
    return report


async def _read(process: asyncio.subprocess.Process) -> bytes:
    report = bytearray()
    assert process.stdout is not None
    while block := await process.stdout.read(65_536):
        report += block
        if len(report) > _REPORT:
            raise ProbeError(Reason.TOO_LARGE, f"nmap wrote more than {_REPORT} bytes")
    return bytes(report)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what is left of nmap's process group, and reap it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


class _Reader(PortScanner):  # type: ignore[misc]
    """python-nmap's reader of reports, without the nmap that its constructor runs."""

    def __init__(self) -> None:
        self._nmap_last_output = ""


def version_of(report: bytes, address: str, port: int) -> ServiceVersion:
    """Return what a report (``-oX``) says of one port; raises malformed-answer, timed-out or refused."""
    _check(report)
    try:
        hosts = _Reader().analyse_nmap_xml_scan(report)["scan"]
        found = next((host["tcp"][port] for host in hosts.values() if port in host.get("tcp", {})), None)
        confidence = int(found["conf"] or 0) if found else 0
    except (PortScannerError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ProbeError(Reason.MALFORMED, "no nmap report") from error
    if found is None:
        raise ProbeError(Reason.TIMED_OUT, "nmap gave the port up")
    if found["state"] != "open":
        raise ProbeError(Reason.REFUSED if found["state"] == "closed" else Reason.TIMED_OUT, "no longer open")
    if confidence <= _BY_NUMBER:
        return ServiceVersion(address=address, confidence=confidence)
    service, product, version, extra, cpe = (
        str(found[key] or "")[:_TEXT] for key in ("name", "product", "version", "extrainfo", "cpe")
    )
    return ServiceVersion(
        address=address,
        service=service,
        product=product,
        version=version,
        extra=extra,
        cpe=cpe,
        confidence=confidence,
    )


def _check(report: bytes) -> None:
    """Refuse entities, and any document type but nmap's bare one, before anything else reads the report."""
    if pyexpat.version_info < _EXPAT:
        raise ProbeError(Reason.MISSING_TOOL, "this Python has an expat older than 2.4.1")
    parser = pyexpat.ParserCreate()
    parser.StartDoctypeDeclHandler = _doctype
    parser.EntityDeclHandler = parser.ExternalEntityRefHandler = _refused
    try:
        parser.Parse(report, True)
    except (pyexpat.ExpatError, ValueError) as error:
        raise ProbeError(Reason.MALFORMED, f"nmap's report: {str(error)[:_TEXT]}") from error


def _doctype(name: str, system: str | None, public: str | None, internal: bool) -> None:
    if name != "nmaprun" or system or public or internal:
        _refused()


def _refused(*_: object) -> NoReturn:
    raise ValueError("a document type with entities is refused")
