"""A relay in user space that keeps what the target hears, and may hold back every byte for a while: a slow line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from scanner.demo.listening import listening


@contextlib.asynccontextmanager
async def relayed(
    address: str, port: int, target: tuple[str, int], *, delay: float = 0.0
) -> AsyncIterator[list[bytes]]:
    """Listen at an address, and pass what comes on to ``target`` and back, ``delay`` seconds later each way."""
    heard: list[bytes] = []

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: list[bytes]) -> None:
        try:
            while data := await reader.read(65536):
                kept.append(data)
                await asyncio.sleep(delay)
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*target)
        await asyncio.gather(carry(reader, back, heard), carry(there, writer, []))

    async with listening(serve, address, port):
        yield heard
