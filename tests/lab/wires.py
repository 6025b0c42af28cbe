"""Servers that answer with scripted bytes on loopback, and remember what they were asked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def speaking(talk: Talk, address: str, port: int) -> AsyncIterator[list[bytes]]:
    """Serve ``talk`` until the context ends; yields the list of requests' first bytes, filled as they come."""
    heard: list[bytes] = []
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        with contextlib.suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            heard.append(await reader.read(65536))
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, address, port)
    try:
        yield heard
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def says(*pieces: bytes, times: int = 1, pause: float = 0.0) -> Talk:
    """Write the first piece once and the last ``times`` times, with a pause between two."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces[:-1]:
            writer.write(piece)
        for _ in range(times):
            writer.write(pieces[-1])
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)

    return talk
