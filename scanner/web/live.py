"""A scan watched live: server-sent events, read from the journal, so that any scan of the store can be watched."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from aiohttp import web

from reports.visible import visible
from scanner.store.errors import StoreUnavailableError
from scanner.store.sightings import Live
from scanner.web.gate import HEADERS
from scanner.web.route import Watch
from scanner.web.shell import SHELL, Handler, asked

#: Seconds between two looks at the journal, and how long one connection lasts before the browser asks again.
_PACE, _LONGEST = 0.5, 600.0


def events(route: Watch) -> Handler:
    """Return the handler that tells how far a scan is until it ends, or the browser goes."""

    async def handler(request: web.Request) -> web.StreamResponse:
        wanted = await asked(request, route)
        shell = request.app[SHELL]
        known = await shell.apart(route.look, wanted)
        headers = {**HEADERS, "Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        loop = asyncio.get_running_loop()
        end, last = loop.time() + _LONGEST, b""
        while loop.time() < end:
            text = told(known)
            if text != last:
                await response.write(text)
                last = text
            if known.state != "running":
                break
            await asyncio.sleep(_PACE)
            # A store that is away for a moment is asked again: the scan waits for it no less than we do.
            with suppress(StoreUnavailableError):
                known = await shell.apart(route.look, wanted)
        return response

    return handler


def told(live: Live) -> bytes:
    """Return one event: plain data, in which the text of strangers was made visible."""
    data = {
        "state": live.state,
        "begun": live.begun,
        "ended": live.ended,
        "stopping": live.stopping,
        "latest": [f"{probe} · {visible(asset, 120)}" for probe, asset in live.latest],
    }
    return f"data: {json.dumps(data)}\n\n".encode()
