"""Services over UDP: one small harmless question each, and the size of what comes back."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar

from probes.directory.messages import Scope, search
from probes.facts.ber import BerError, element, expect, header, number
from probes.facts.services.answered import Access, DatagramAnswered, DatagramsAsked, Talk, clipped
from probes.interface import (
    Asset,
    AssetKind,
    IPAddress,
    Line,
    Part,
    Probe,
    ProbeError,
    Reason,
    Sight,
    Yield,
    service,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One protocol: where, from which level on, what is sent, and whether an answer is its own."""

    protocol: str
    port: int
    level: int
    request: bytes
    spoken: Callable[[bytes], bool]


#: SNMPv3 engine discovery (RFC 3414 4), and at level 3 sysDescr.0 with the community everybody knows (RFC 3416).
SNMP_DISCOVERY = element(
    0x30, number(3), element(0x30, number(0x4879), number(65507), element(0x04, b"\x04"), number(3)),
    element(0x04, element(0x30, element(0x04), number(0), number(0), element(0x04), element(0x04), element(0x04))),
    element(0x30, element(0x04), element(0x04), element(0xA0, number(0x4879), number(0), number(0), element(0x30))),
)  # fmt: skip
_SYS_DESCR = bytes.fromhex("2b06010201010100")
SNMP_PUBLIC = element(
    0x30, number(1), element(0x04, b"public"),
    element(0xA0, number(0x4879), number(0), number(0),
            element(0x30, element(0x30, element(0x06, _SYS_DESCR), element(0x05)))),
)  # fmt: skip
#: NTP: a client's question, and at level 3 the control question "read variables" (RFC 9327 3).
NTP_CLIENT, NTP_CONTROL = b"\x23" + bytes(47), b"\x16\x02\x00\x01" + bytes(8)
MEMCACHED_VERSION = b"\0\1\0\0\0\1\0\0version\r\n"
CLDAP_ROOT = search(1, b"", Scope.BASE, ("supportedLDAPVersion",))
#: NetBIOS node status for any name (RFC 1002 4.2.17), IPMI channel authentication capabilities (IPMI 2.0, 22.13).
NETBIOS_STATUS = b"Hy\0\0\0\1\0\0\0\0\0\0\x20CK" + b"A" * 30 + b"\0\0\x21\0\1"
IPMI_CAPABILITIES = bytes.fromhex("0600ff07000000000000000000092018c88100388e04b5")
SSDP_SEARCH = (
    b'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: upnp:rootdevice\r\n\r\n'
)
PORTMAP_NULL = struct.pack("!IIIIIIIIII", 0x48794769, 0, 2, 100000, 2, 0, 0, 0, 0, 0)
SQL_BROWSER = b"\x03"


def _numbered(version: int) -> Callable[[bytes], bool]:
    """Whether an answer is a sequence that begins with this number: SNMP's version, LDAP's message."""

    def spoken(answer: bytes) -> bool:
        try:
            start, stop = expect(answer, 0, len(answer), 0x30)
            first, last = expect(answer, start, stop, 0x02)
        except BerError:
            return False
        return answer[first:last] == bytes((version,))

    return spoken


def _starts(start: bytes) -> Callable[[bytes], bool]:
    return lambda answer: answer.startswith(start)


def _ntp(mode: int) -> Callable[[bytes], bool]:
    return lambda answer: len(answer) >= 12 and answer[0] & 7 == mode


QUESTIONS = tuple(
    Question(protocol=protocol, port=port, level=level, request=request, spoken=spoken)
    for protocol, port, level, request, spoken in (
        ("ntp", 123, 2, NTP_CLIENT, _ntp(4)),
        ("ntp-control", 123, 3, NTP_CONTROL, _ntp(6)),
        ("snmp-3", 161, 2, SNMP_DISCOVERY, _numbered(3)),
        ("snmp-public", 161, 3, SNMP_PUBLIC, _numbered(1)),
        ("memcached", 11211, 2, MEMCACHED_VERSION, _starts(b"\0\1\0\0\0\1\0\0VERSION ")),
        ("cldap", 389, 2, CLDAP_ROOT, _numbered(1)),
        ("netbios", 137, 2, NETBIOS_STATUS, _starts(b"Hy\x84")),
        ("ipmi", 623, 2, IPMI_CAPABILITIES, lambda answer: answer[:1] + answer[3:4] == b"\x06\x07"),
        ("ssdp", 1900, 2, SSDP_SEARCH, _starts(b"HTTP/1.1 200")),
        ("portmapper", 111, 2, PORTMAP_NULL, _starts(PORTMAP_NULL[:4] + b"\0\0\0\1")),
        ("sql-browser", 1434, 2, SQL_BROWSER, _starts(b"\x05")),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatagramSettings:
    """Seconds an answer is waited for, tries on silence, addresses of one host; ports moved, by protocol."""

    patience: float = 1.5
    tries: int = 2
    most_addresses: int = 4
    ports: tuple[str, ...] = ()


class DatagramProbe(Probe[DatagramSettings]):
    """Asks each UDP service once; only what answers exists, silence is told as silence."""

    name: ClassVar[str] = "datagram"
    version: ClassVar[str] = "1"
    level: ClassVar[int] = 2
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.HOST, AssetKind.ADDRESS})
    Settings: ClassVar[type[DatagramSettings]] = DatagramSettings

    def wants(self, asset: Asset) -> bool:
        """A host is asked once its addresses are known."""
        return asset.kind is AssetKind.ADDRESS or bool(asset.addresses)

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Ask every question at every granted address; yield the services that answered and what was asked."""
        name = asset.name if asset.kind is AssetKind.HOST else ""
        texts = asset.addresses[: self.settings.most_addresses] if name else (asset.name,)
        moved = {k: int(v) for k, _, v in (text.partition("=") for text in self.settings.ports)}
        asked: list[tuple[str, str, int, str]] = []
        refusal: ProbeError | None = None
        for address in map(ip_address, texts):
            questions = [(q, moved.get(q.protocol, q.port)) for q in QUESTIONS if q.level <= line.level]
            results = await asyncio.gather(*(self._ask(line, address, port, q, name) for q, port in questions))
            for (question, port), (outcome, answer, error) in zip(questions, results, strict=True):
                refusal = error or refusal
                if outcome:
                    asked.append((str(address), question.protocol, port, outcome))
                if answer:
                    where = service("udp", port, asset.name, addresses=(str(address),), found_by=asset.id)
                    yield Sight(fact=_fact(address, question, answer), asset=where)
        if not asked and refusal is not None:
            raise refusal
        yield Sight(fact=DatagramsAsked(asked=tuple(sorted(asked))))

    async def _ask(
        self, line: Line, address: IPAddress, port: int, question: Question, name: str
    ) -> tuple[str, bytes, ProbeError | None]:
        """What came of one question: its outcome ("" when it was not allowed), the answer, the mandate's refusal."""
        try:
            answer = await line.exchange(
                question.request, address, port, name=name, level=question.level,
                deadline=self.settings.patience, tries=self.settings.tries,
            )  # fmt: skip
        except ProbeError as error:
            if error.reason in {Reason.TIMED_OUT, Reason.UNREACHABLE, Reason.CONNECTION_LOST}:
                return "silent", b"", None
            if error.reason is Reason.REFUSED:
                return "refused", b"", None
            if error.reason in {Reason.INTERRUPTED, Reason.WINDOW}:
                raise
            return "", b"", error
        return "answered", answer if question.spoken(answer) else b"", None


def _fact(address: IPAddress, question: Question, answer: bytes) -> DatagramAnswered:
    public = question.protocol == "snmp-public"
    return DatagramAnswered(
        address=str(address),
        protocol=question.protocol,
        talk=Talk.SPOKEN,
        access=Access.OPEN if public or question.protocol == "memcached" else Access.UNKNOWN,
        product=_description(answer) if public else "",
        encryption=False,
        request=len(question.request),
        answer=len(answer),
    )


def _description(answer: bytes) -> str:
    """The last octet string of an SNMP answer: sysDescr.0."""
    found, at, end = b"", 0, len(answer)
    try:
        while at < end:
            tag, start, stop = header(answer, at, end)
            if tag in {0x30, 0xA2}:
                at = start
            else:
                found, at = answer[start:stop] if tag == 0x04 else b"", stop
    except BerError:
        return ""
    return clipped(found)
