"""The questions asked by UDP: for each protocol one small harmless datagram, and what its own answer looks like."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from probes.directory.messages import Scope, search
from probes.facts.ber import BerError, element, expect, header, number
from probes.facts.services.answered import clipped
from probes.services import ike, industrial


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One protocol: where, from which level on, what is sent, and whether an answer is its own."""

    protocol: str
    port: int
    level: int
    request: bytes
    spoken: Callable[[bytes], bool]
    #: Whether the answer comes from a port of its own.
    any_port: bool = False
    #: Whether it is asked only where the mandate lets devices be identified: once, never again on silence.
    device: bool = False
    #: What the answer calls the product.
    product: Callable[[bytes], str] = field(default=lambda answer: "")

    def answered_by(self, answer: bytes) -> bool:
        """Tell whether an answer is the protocol's own: the question itself, sent back, is nobody's but echo's."""
        return self.spoken(answer) and (answer != self.request or self.protocol == "echo")


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
#: The small servers of old: what is said comes back (RFC 862), characters (RFC 864), a saying (RFC 865).
ECHO, CHARGEN, QUOTE = b"hygie-echo", b"hygie-chargen", b"hygie-quote"
#: TFTP: a read request for a file that cannot exist, which is refused (RFC 1350 5, opcodes 1 and 5).
TFTP_READ = b"\0\1hygie/no-such-file-7e1d5c0f\0octet\0"


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


def _printable(least: int) -> Callable[[bytes], bool]:
    """Whether an answer is a text: what chargen and the quote of the day send."""

    def spoken(answer: bytes) -> bool:
        text = all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in answer)
        return text and len(answer) >= least

    return spoken


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


_PLAIN = tuple(
    Question(protocol=protocol, port=port, level=level, request=request, spoken=spoken)
    for protocol, port, level, request, spoken in (
        ("ntp", 123, 2, NTP_CLIENT, _ntp(4)),
        ("ntp-control", 123, 3, NTP_CONTROL, _ntp(6)),
        ("snmp-3", 161, 2, SNMP_DISCOVERY, _numbered(3)),
        ("memcached", 11211, 2, MEMCACHED_VERSION, _starts(b"\0\1\0\0\0\1\0\0VERSION ")),
        ("cldap", 389, 2, CLDAP_ROOT, _numbered(1)),
        ("netbios", 137, 2, NETBIOS_STATUS, _starts(b"Hy\x84")),
        ("ipmi", 623, 2, IPMI_CAPABILITIES, lambda answer: answer[:1] + answer[3:4] == b"\x06\x07"),
        ("ssdp", 1900, 2, SSDP_SEARCH, _starts(b"HTTP/1.1 200")),
        ("portmapper", 111, 2, PORTMAP_NULL, _starts(PORTMAP_NULL[:4] + b"\0\0\0\1")),
        ("sql-browser", 1434, 2, SQL_BROWSER, _starts(b"\x05")),
        ("ike", 500, 2, ike.INIT, ike.answers_init),
        ("ike-1", 500, 2, ike.MAIN_MODE, ike.answers_main_mode),
        ("ike-aggressive", 500, 3, ike.AGGRESSIVE_MODE, ike.answers_aggressive_mode),
        ("echo", 7, 2, ECHO, ECHO.__eq__),
        ("chargen", 19, 2, CHARGEN, _printable(64)),
        ("quote", 17, 2, QUOTE, _printable(1)),
    )
)
#: Every question there is.
QUESTIONS = (
    *_PLAIN,
    Question(
        protocol="snmp-public", port=161, level=3, request=SNMP_PUBLIC, spoken=_numbered(1), product=_description
    ),
    Question(protocol="tftp", port=69, level=3, request=TFTP_READ, spoken=_starts(b"\0\5"), any_port=True),
    Question(
        protocol="bacnet", port=47808, level=3, request=industrial.BACNET_NAME, spoken=industrial.is_bacnet,
        device=True, product=industrial.bacnet_name,
    ),
    Question(
        protocol="knx", port=3671, level=3, request=industrial.KNX_DESCRIPTION, spoken=industrial.is_knx,
        device=True, product=industrial.knx_name,
    ),
)  # fmt: skip
