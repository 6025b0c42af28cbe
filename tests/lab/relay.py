"""A relay in user space that holds back every byte for a while: a slow line where no queueing discipline is at hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from scanner.demo.listening import listening


@contextlib.asynccontextmanager
async def relayed(address: str, port: int, target: tuple[str, int], *, delay: float) -> AsyncIterator[None]:
    """Listen at an address, and pass what comes on to ``target`` and back, ``delay`` seconds later each way."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await asyncio.sleep(delay)
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*target)
        await asyncio.gather(carry(reader, back), carry(there, writer))

    async with listening(serve, address, port):
        yield
