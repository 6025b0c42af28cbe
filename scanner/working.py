"""The worker as one process: its store and its orders, until a signal."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path

from scanner.config.load import ConfigError, Settings, extend, load
from scanner.store.store import Store, open_store


def run(config: Path) -> None:
    """Work until SIGINT or SIGTERM."""
    settings = load(config)
    with open_store(settings.store_location(), actor="hygie worker") as store:
        store.queue.require()
        known = extend(settings, store.declarations.all()).perimeters
        for name in settings.file.worker.perimeters:
            if name not in known:
                raise ConfigError(
                    f"{config}, worker.perimeters: no perimeter is called {name}; correct it, or declare it"
                )
        asyncio.run(_work(settings, store))


async def _work(settings: Settings, store: Store) -> None:
    from scanner.schedule.worker import Worker

    _set_tone()
    working = asyncio.create_task(Worker(settings, store).work())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, working.cancel)
    box = settings.file.box
    print(f"hygie: worker {box.name}, {box.vantage.value}, takes orders", file=sys.stderr, flush=True)
    await asyncio.wait({working})
    if not working.cancelled():
        working.result()


def _set_tone() -> None:
    """Say what comes of each order; leave out what the library says of a database that is away: the worker says it."""
    logging.getLogger("scanner.schedule.worker").setLevel(logging.INFO)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_told)


def _is_told(record: logging.LogRecord) -> bool:
    from procrastinate.exceptions import ConnectorException

    return not (record.exc_info and isinstance(record.exc_info[1], ConnectorException))
