"""Scripted services that keep every byte they hear, by connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import cast

from scanner.demo.listening import listening

#: What one connection is told: first the greeting (may be empty), then one answer to each thing heard.
Script = Sequence[bytes]


@dataclass(slots=True)
class Heard:
    """What was heard: for each connection, the messages one by one."""

    connections: list[list[bytes]] = field(default_factory=list)

    @property
    def messages(self) -> list[bytes]:
        return [message for connection in self.connections for message in connection]


@contextlib.asynccontextmanager
async def responding(address: str, port: int, *scripts: Script, close: bool = False) -> AsyncIterator[Heard]:
    """Follow the scripts, one a connection, the last one again and again; with ``close``, hang up at its end."""
    heard = Heard()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own: list[bytes] = []
        heard.connections.append(own)
        greeting, *answers = scripts[min(len(heard.connections), len(scripts)) - 1] or (b"",)
        with contextlib.suppress(ConnectionError):
            writer.write(greeting)
            for answer in answers:
                message = await reader.read(65536)
                if not message:
                    break
                own.append(message)
                writer.write(answer)
                await writer.drain()
            while not close and (message := await reader.read(65536)):
                own.append(message)
        writer.close()

    async with listening(serve, address, port):
        yield heard


@contextlib.asynccontextmanager
async def answering(address: str, port: int, answer: bytes) -> AsyncIterator[list[bytes]]:
    """Answer every datagram with ``answer``, unless it is empty; keep what came."""
    heard: list[bytes] = []

    class Protocol(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.DatagramTransport, transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            heard.append(data)
            if answer:
                self.transport.sendto(answer, addr)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Protocol, (address, port))
    try:
        yield heard
    finally:
        transport.close()
        await asyncio.sleep(0)
