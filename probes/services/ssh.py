"""SSH before the key exchange: the banner and the lists of algorithms, nothing else (RFC 4253 4.2, 7.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from probes.facts.services.answered import Access, Talk, clipped
from probes.facts.services.remote import SshAnswered
from probes.services.conversation import Call, Conversation, UnspokenError
from probes.services.service import ServiceProbe, ServiceSettings

BANNER = b"SSH-2.0-Hygie\r\n"
#: Lines a server may send before its banner, and the largest packet read.
_LINES, _PACKET = 20, 35000
_KEXINIT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSettings(ServiceSettings):
    """Where SSH is looked for."""

    ports: tuple[int, ...] = (22, 222, 2222)


def read_lists(packet: bytes) -> tuple[tuple[str, ...], ...] | None:
    """Return the ten name lists of a KEXINIT payload, or None when it is none."""
    if len(packet) < 17 or packet[0] != _KEXINIT:
        return None
    lists, at = [], 17
    for _ in range(10):
        if at + 4 > len(packet):
            return None
        length = int.from_bytes(packet[at : at + 4], "big")
        at += 4
        if at + length > len(packet):
            return None
        text = packet[at : at + length].decode("ascii", "replace")
        lists.append(tuple(clipped(name) for name in text.split(",")[:100] if name))
        at += length
    return tuple(lists)


class SshProbe(ServiceProbe[SshSettings]):
    """Sees what an SSH server offers before anybody logs in."""

    name: ClassVar[str] = "ssh"
    Settings: ClassVar[type[SshSettings]] = SshSettings

    async def converse(self, call: Call) -> SshAnswered:
        """Read the banner, give ours, read the lists, leave."""
        async with call.open() as conversation:
            banner = await _banner(conversation)
            _, protocols, software = [*banner.split("-", 2), "", ""][:3]
            lists = None
            if protocols in {"2.0", "1.99"}:
                await conversation.say(BANNER)
                lists = await _lists(conversation)
        key_exchange, host_keys, *rest = lists or ((),) * 10
        return SshAnswered(
            address=str(call.address),
            protocol="ssh",
            talk=Talk.SPOKEN,
            access=Access.REQUIRED,
            product=clipped(software),
            protocols=clipped(protocols),
            key_exchange=key_exchange,
            host_keys=host_keys,
            ciphers=_union(rest[0], rest[1]),
            macs=_union(rest[2], rest[3]),
            encryption=True,
        )

    def unspoken(self, call: Call, talk: Talk) -> SshAnswered:
        """Something else, or nothing, was heard."""
        return SshAnswered(address=str(call.address), protocol="ssh", talk=talk)


async def _banner(conversation: Conversation) -> str:
    for _ in range(_LINES):
        line = await conversation.hear_until(b"\n", 1024)
        if line.startswith(b"SSH-"):
            return clipped(line)
    raise UnspokenError(Talk.OTHER)


async def _lists(conversation: Conversation) -> tuple[tuple[str, ...], ...] | None:
    length = int.from_bytes(await conversation.hear(4), "big")
    if not 2 <= length <= _PACKET:
        return None
    packet = await conversation.hear(length)
    return read_lists(packet[1 : length - packet[0]])


def _union(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """Both directions in one list, in the server's order."""
    return tuple(dict.fromkeys((*one, *other)))
