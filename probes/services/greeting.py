"""Services of which it is enough to know that they are there: what they say first, or to the most harmless question."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import ClassVar

from probes.facts.ber import BerError, element, expect, number
from probes.facts.services.answered import Access, Greeted, Talk, clipped
from probes.services import http
from probes.services.conversation import Call, UnspokenError
from probes.services.family import Dialogue, FamilyProbe, FamilySettings, Said, answered

#: A log-in prompt, for Telnet servers that negotiate nothing.
_PROMPT = re.compile(rb"(login|user ?name|password|identifiant|mot de passe)\s*:", re.I)
#: What other services say first: such a one is no Telnet, whatever else it says or waits for.
_ANOTHER = re.compile(rb"SSH-[12]|HTTP/1|RFB \d|220[ -]|@RSYNCD|\+OK|\* OK")
#: X11's connection set-up (protocol 11.0), little endian, without authorization.
X11_SETUP = b"l\0" + struct.pack("<HHHHH", 11, 0, 0, 0, 0)
#: DCE/RPC bind to the endpoint mapper 3.0 in NDR (C706 12.6.4.3).
_EPM = bytes.fromhex("0883afe11f5dc91191a408002b14a0fa") + struct.pack("<I", 3)
_NDR = bytes.fromhex("045d888aeb1cc9119fe808002b104860") + struct.pack("<I", 2)
RPC_BIND = (
    struct.pack("<BBBBIHHI", 5, 0, 11, 3, 0x10, 72, 0, 1)
    + struct.pack("<HHIBBHHBB", 4280, 4280, 0, 1, 0, 0, 0, 1, 0)
    + _EPM
    + _NDR
)


def rpc_null(program: int, version: int) -> bytes:
    """Return the ONC RPC call of procedure 0, which does nothing (RFC 5531 12.1), in one record."""
    call = struct.pack("!IIIIIIIIII", 0x48794769, 0, 2, program, version, 0, 0, 0, 0, 0)
    return struct.pack("!I", 0x80000000 | len(call)) + call


PORTMAP_NULL, NFS_NULL = rpc_null(100000, 2), rpc_null(100003, 3)


def as_request() -> bytes:
    """Return a Kerberos AS-REQ for a principal of a realm that cannot exist, in its TCP frame (RFC 4120 5.4.1)."""

    def text(value: str) -> bytes:
        return element(0x1B, value.encode())

    def name(kind: int, *parts: str) -> bytes:
        return element(0x30, element(0xA0, number(kind)), element(0xA1, element(0x30, *map(text, parts))))

    body = element(
        0x30,
        element(0xA0, element(0x03, b"\0" + bytes(4))),
        element(0xA1, name(1, "hygie-no-such-principal")),
        element(0xA2, text("HYGIE.INVALID")),
        element(0xA3, name(2, "krbtgt", "HYGIE.INVALID")),
        element(0xA5, element(0x18, b"20370913024805Z")),
        element(0xA7, number(0x48794769)),
        element(0xA8, element(0x30, number(18), number(17))),
    )
    message = element(0x6A, element(0x30, element(0xA1, number(5)), element(0xA2, number(10)), element(0xA4, body)))
    return struct.pack("!I", len(message)) + message


AS_REQUEST = as_request()


async def telnet(call: Call) -> Said:
    """Wait: a Telnet server negotiates, or shows a prompt. Nothing is sent."""
    async with call.open() as conversation:
        heard = b""
        while len(heard) < 4096:
            heard += await conversation.hear_some()
            if _ANOTHER.match(heard):
                break
            if re.search(rb"\xff[\xfb-\xfe].", heard, re.S) or _PROMPT.search(heard):
                return Said(encryption=False)
    raise UnspokenError(Talk.OTHER)


async def rsync(call: Call) -> Said:
    """Read the greeting; no module is listed."""
    async with call.open() as conversation:
        line = await conversation.hear_until(b"\n", 512)
    if not line.startswith(b"@RSYNCD: "):
        raise UnspokenError(Talk.OTHER)
    return Said(product="rsync", version=clipped(line[9:]), encryption=False)


async def rtsp(call: Call) -> Said:
    """Ask which methods a video server knows; no stream is described or opened."""
    async with call.open() as conversation:
        await conversation.say(b"OPTIONS rtsp://%s/ RTSP/1.0\r\nCSeq: 1\r\n\r\n" % call.host.encode("idna"))
        head = await conversation.hear_opened(b"RTSP/1.", b"\r\n\r\n", 8192)
    server = re.search(rb"^server:\s*(.+?)\r$", head, re.I | re.M)
    return Said(product=clipped(server[1]) if server else "", encryption=False)


async def sip(call: Call) -> Said:
    """Ask a telephone server for its methods (RFC 3261 11); nobody rings."""
    host = call.host
    lines = [
        f"OPTIONS sip:{host} SIP/2.0",
        "Via: SIP/2.0/TCP hygie.invalid;branch=z9hG4bK-hygie",
        "Max-Forwards: 0",
        "From: <sip:hygie@hygie.invalid>;tag=hygie",
        f"To: <sip:{host}>",
        "Call-ID: hygie@hygie.invalid",
        "CSeq: 1 OPTIONS",
        "Content-Length: 0",
    ]
    async with call.open() as conversation:
        await conversation.say("\r\n".join([*lines, "", ""]).encode("ascii", "replace"))
        head = await conversation.hear_opened(b"SIP/2.0 ", b"\r\n\r\n", 8192)
    server = re.search(rb"^(?:server|user-agent):\s*(.+?)\r$", head, re.I | re.M)
    return Said(product=clipped(server[1]) if server else "", encryption=False)


async def rpc_endpoint_mapper(call: Call) -> Said:
    """Bind to the endpoint mapper; no endpoint is asked for."""
    async with call.open() as conversation:
        await conversation.say(RPC_BIND)
        head = await conversation.hear(16)
    if head[:2] != b"\5\0" or head[2] not in {12, 13}:
        raise UnspokenError(Talk.OTHER)
    return Said(encryption=False)


async def _rpc(call: Call, request: bytes) -> Said:
    async with call.open() as conversation:
        await conversation.say(request)
        answer = await conversation.hear(12)
    if answer[4:12] != request[4:8] + struct.pack("!I", 1):
        raise UnspokenError(Talk.OTHER)
    return Said(encryption=False)


async def portmapper(call: Call) -> Said:
    """Call the procedure that does nothing; no program is listed."""
    return await _rpc(call, PORTMAP_NULL)


async def nfs(call: Call) -> Said:
    """Call the procedure that does nothing; no export is listed."""
    return await _rpc(call, NFS_NULL)


async def kerberos(call: Call) -> Said:
    """Ask a ticket for nobody of nowhere: the refusal names the realm."""
    async with call.open() as conversation:
        await conversation.say(AS_REQUEST)
        length = int.from_bytes(await conversation.hear(4), "big")
        if not 10 <= length <= 8192:
            raise UnspokenError(Talk.OTHER)
        answer = await conversation.hear(length)
    try:
        expect(answer, 0, len(answer), 0x7E)
    except BerError:
        raise UnspokenError(Talk.OTHER) from None
    return Said(encryption=False)


async def winrm(call: Call) -> Said:
    """Ask for the address of remote management; it answers that one must log in, or use another method."""
    encrypted = call.port == 5986
    answer = await http.ask(call, "/wsman", encrypted=encrypted)
    if "microsoft-httpapi" not in answer.headers.get("server", "").lower() or answer.status not in {401, 405}:
        raise UnspokenError(Talk.OTHER)
    return Said(access=Access.REQUIRED, product="WinRM", encryption=encrypted)


async def x11(call: Call) -> Said:
    """Ask for a display without authorization; when it is granted the connection is closed at once."""
    async with call.open() as conversation:
        await conversation.say(X11_SETUP)
        status, _, major = struct.unpack("<BBH", await conversation.hear(4))
    if status > 2 or (status < 2 and major != 11):
        raise UnspokenError(Talk.OTHER)
    return Said(access=Access.OPEN if status == 1 else Access.REQUIRED, product="X11", encryption=False)


class GreetingProbe(FamilyProbe[FamilySettings]):
    """Confirms which protocol stands behind a port whose mere reach from the Internet is the finding."""

    name: ClassVar[str] = "greeting"
    Settings: ClassVar[type[FamilySettings]] = FamilySettings
    table: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "telnet": (23, 2323),
        "rsync": (873,),
        "rtsp": (554, 8554),
        "sip": (5060,),
        "rpc-endpoint-mapper": (135,),
        "portmapper": (111,),
        "nfs": (2049,),
        "kerberos": (88,),
        "winrm": (5985, 5986),
        "x11": (6000, 6001),
    }
    dialogues: ClassVar[Mapping[str, Dialogue]] = {
        "telnet": telnet,
        "rsync": rsync,
        "rtsp": rtsp,
        "sip": sip,
        "rpc-endpoint-mapper": rpc_endpoint_mapper,
        "portmapper": portmapper,
        "nfs": nfs,
        "kerberos": kerberos,
        "winrm": winrm,
        "x11": x11,
    }

    def fact(self, call: Call, protocol: str, talk: Talk, said: Said) -> Greeted:
        """Return what was heard."""
        return Greeted(**answered(call, protocol, talk, said))
