"""What is said in clear before TLS on ports where it starts on request; one entry a port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from probes.interface import Identity, Stream
from probes.mail.greeting import step_up

#: Brings a fresh connection to where a ClientHello is awaited; raises ``protocol-not-spoken`` when TLS is not offered.
Preamble = Callable[[Stream, Identity], Awaitable[None]]


def _mail(protocol: str) -> Preamble:
    async def step(stream: Stream, identity: Identity) -> None:
        await step_up(stream, protocol, ehlo=identity.ehlo)

    return step


PREAMBLES: Mapping[int, Preamble] = MappingProxyType(
    {
        25: _mail("smtp"),
        587: _mail("smtp"),
        143: _mail("imap"),
        110: _mail("pop3"),
    }
)
