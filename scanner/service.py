"""The service as one process: the dashboard on one socket, and the schedules beside it, until a signal."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
from pathlib import Path

from aiohttp import web

from scanner.config.load import ConfigError, Settings, load
from scanner.schedule.clerk import Clerk
from scanner.schedule.crier import Crier
from scanner.store.store import Store, open_store
from scanner.web.shell import Shell, application


def run(config: Path, host: str = "", port: int = 0) -> None:
    """Serve until SIGINT or SIGTERM."""
    settings = load(config)
    with open_store(settings.store_location(), actor="hygie serve") as store:
        if settings.file.serve.runs == "workers":
            store.queue.require()
        asyncio.run(serve(settings, store, host=host, port=port))


async def serve(
    settings: Settings, store: Store, *, host: str = "", port: int = 0, ready: asyncio.Event | None = None
) -> None:
    """Serve over an open store; ``ready`` is set once requests are taken. Scans that run are stopped at the end."""
    section = settings.file.serve
    shell = Shell(settings, store, setup_token=_setup_token(store))
    runner = web.AppRunner(application(shell), access_log=None)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await runner.setup()
    clerk = asyncio.create_task(Clerk(shell.settings, store, shell.launcher).work())
    crier = asyncio.create_task(Crier(shell.settings, store).work())
    try:
        where = host or section.host, port or section.port
        try:
            await web.TCPSite(runner, *where, shutdown_timeout=2.0).start()
        except OSError as error:
            raise ConfigError(f"{where[0]} port {where[1]}: {error.strerror}; choose another with --port") from error
        print(_welcome(shell, *where), file=sys.stderr, flush=True)
        if ready is not None:
            ready.set()
        waiting = asyncio.create_task(stopped.wait())
        await asyncio.wait({waiting, clerk, crier}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        for task in (clerk, crier):
            if task.done():
                task.result()
    finally:
        clerk.cancel()
        crier.cancel()
        await asyncio.gather(clerk, crier, return_exceptions=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        await asyncio.to_thread(shell.launcher.stop)
        await runner.cleanup()
        shell.close()


def _setup_token(store: Store) -> str:
    """A secret for the first account, while there is none."""
    return "" if store.accounts.all() else secrets.token_urlsafe(18)


def _welcome(shell: Shell, host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    url = shell.file.file.serve.public_url or f"http://{shown}:{port}"
    if not shell.setup_token:
        return f"hygie: {url}/"
    return f"hygie: {url}/setup — first account, token {shell.setup_token}"
