"""The worker: takes the scans of its queues and runs each as a child process, until stopped."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job

from reports.visible import visible
from scanner.config.load import ConfigError, Settings, extend
from scanner.exit import Exit
from scanner.schedule.calendar import opens
from scanner.schedule.launcher import KINDS, OUTCOMES, REMOVED, last_line
from scanner.schedule.orders import queue_of
from scanner.store.errors import StoreError
from scanner.store.queue import TASK, Order, order_of
from scanner.store.scans import INTERRUPTED, RUNNING
from scanner.store.store import Store

log = logging.getLogger(__name__)

#: Seconds before the database that went away is tried again, before a perimeter that is busy, and between two rounds
#: of upkeep at most.
_AWAY, _BUSY, _ROUND = 3.0, 30.0, 10.0
#: Seconds before a scan that was cut goes on: twice as long each time, at most so long, at most so often.
_CUT, _CUT_LONGEST, _CUT_AT_MOST = 3.0, 300.0, 50
#: A scan that could not begin is tried so often before that is what came of it.
_BEGUN_AT_MOST = 2


class Again(Exception):
    """The order goes back to its queue until an instant."""

    def __init__(self, seconds: float = 0.0, at: datetime | None = None) -> None:
        super().__init__()
        self.at = at or datetime.now(UTC) + timedelta(seconds=seconds)


class _Retry(BaseRetryStrategy):
    """An order that could not be carried out for now is taken again; a fault of ours is not."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Return when."""
        if isinstance(exception, Again):
            return RetryDecision(retry_at=exception.at)
        return RetryDecision(retry_in={"seconds": int(_BUSY)}) if isinstance(exception, StoreError) else None


class Worker:
    """One of any number, each with its own vantage. Built for one event loop.

    It takes the queues of the perimeters it knows, looks for new ones and for the orders of dead workers as it goes,
    and comes back after the database did.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self._own = settings
        self._store = store
        #: Read anew by procrastinate at each fetch.
        self._queues: list[str] = []
        self._children: set[asyncio.subprocess.Process] = set()
        self._stopping = False
        self._said = ""

    async def work(self) -> None:
        """Work until cancelled; then the scans that run stop, and go back to their queues."""
        while True:
            try:
                await self._serve()
            except (ConnectorException, psycopg.Error, StoreError, ConfigError) as error:
                self._complain(str(error) or "the database does not answer")
            await asyncio.sleep(_AWAY)

    async def _serve(self) -> None:
        """Take orders until cancelled, or until the database goes away."""
        section = self._own.file.worker
        await asyncio.to_thread(self._look_round)
        connector = PsycopgConnector(conninfo=self._store.queue.address, min_size=1, max_size=section.scans + 3)
        app = App(connector=connector)
        app.task(name=TASK, retry=_Retry(), pass_context=True)(self._carry_out)
        async with app.open_async():
            self._said = ""
            upkeep = asyncio.create_task(self._upkeep())
            taking = asyncio.create_task(
                app.run_worker_async(
                    queues=self._queues,
                    concurrency=section.scans,
                    install_signal_handlers=False,
                    update_heartbeat_interval=section.silence_seconds / 6,
                    stalled_worker_timeout=section.silence_seconds,
                )
            )
            try:
                await asyncio.wait({taking})
            finally:
                self._stopping = not taking.done()
                for child in self._children:
                    child.terminate()
                taking.cancel()
                upkeep.cancel()
                await asyncio.gather(taking, upkeep, return_exceptions=True)
            taking.result()

    async def _upkeep(self) -> None:
        """Again and again: the queues of perimeters declared since, and the orders of dead workers."""
        silence = self._own.file.worker.silence_seconds
        while True:
            try:
                await asyncio.to_thread(self._look_round)
                await asyncio.to_thread(self._store.queue.rescue, silence)
            except (StoreError, ConfigError) as error:
                self._complain(str(error))
            await asyncio.sleep(min(_ROUND, silence / 3))

    def _look_round(self) -> None:
        settings, own = self._settings(), self._own.file.worker.perimeters
        wanted = [name for name in settings.perimeters if not own or name in own]
        self._queues[:] = sorted(queue_of(self._own.file.box.vantage, name) for name in wanted)

    def _settings(self) -> Settings:
        return extend(self._own, self._store.declarations.all())

    async def _carry_out(self, context: JobContext, /, **words: str) -> None:
        """Run the scan of an order, go on with it, or judge it, and record what came of it."""
        order, attempts = order_of(words), context.job.attempts
        state = await asyncio.to_thread(self._store.scans.state, order.scan)
        if state in {"", RUNNING, INTERRUPTED}:
            outcome = await self._scan(order, state, attempts)
        else:
            outcome = await self._judge(order, attempts)
        outcome = visible(outcome, 300)
        await asyncio.to_thread(self._store.occasions.conclude, order.schedule, order.due_at, outcome)
        log.info("%s of %s: %s", order.kind, visible(order.perimeter), outcome)

    async def _scan(self, order: Order, state: str, attempts: int) -> str:
        """Scan, or go on scanning; return what came of it, or raise ``Again``."""
        if not state and not await asyncio.to_thread(self._in_time, order):
            return REMOVED
        if await asyncio.to_thread(self._store.stops.pressed, order.scan):
            return OUTCOMES[Exit.INTERRUPTED]
        if order.perimeter in await asyncio.to_thread(self._store.sightings.running):
            raise Again(_BUSY)
        words = ("scan", order.perimeter, "--order", order.scan, "--by", order.by, *KINDS[order.kind])
        code, said = await self._child(words)
        state = await asyncio.to_thread(self._store.scans.state, order.scan)
        if state not in {"", RUNNING, INTERRUPTED} and code in OUTCOMES:
            return OUTCOMES[code]
        if await asyncio.to_thread(self._store.stops.pressed, order.scan):
            return OUTCOMES[Exit.INTERRUPTED]
        if self._stopping:
            raise Again
        return self._cut(said or f"ended with {code}", attempts, _CUT_AT_MOST if state else _BEGUN_AT_MOST)

    async def _judge(self, order: Order, attempts: int) -> str:
        """Judge a scan that was ended by a worker who died before it judged."""
        code, said = await self._child(("judge", order.scan))
        if code not in OUTCOMES:
            return self._cut(said or f"ended with {code}", attempts, _BEGUN_AT_MOST)
        return OUTCOMES[Exit.CLEAN]

    def _cut(self, said: str, attempts: int, at_most: int) -> str:
        """What came of an order that failed that often; raise ``Again`` while it is worth another try."""
        if attempts >= at_most:
            return said
        raise Again(min(_CUT * 2 ** min(attempts, 10), _CUT_LONGEST))

    def _in_time(self, order: Order) -> bool:
        """Whether a scheduled scan may begin: its schedule is still there, and it is its hour (or ``Again`` then)."""
        settings = self._settings()
        section = next((s for s in settings.file.schedules if s.id == order.schedule), None)
        if section is None or not section.enabled:
            return order.by != f"schedule {order.schedule}"
        now = datetime.now(UTC)
        start = opens(section, now, settings.file.serve.timezone)
        if start > now:
            raise Again(at=start)
        return True

    async def _child(self, words: Sequence[str | Path]) -> tuple[int, str]:
        """Run one of our commands, tied to us by its standard input; return its code and its last words."""
        said = tempfile.TemporaryFile()  # noqa: SIM115 - closed when its last line is read
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "scanner", *words, "-c", self._own.path),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=said,
        )
        self._children.add(child)
        try:
            code = await child.wait()
        finally:
            self._children.discard(child)
        return code, last_line(said)

    def _complain(self, sentence: str) -> None:
        """Say what is wrong once, not at every try."""
        if sentence != self._said:
            log.warning("orders wait: %s", visible(sentence))
            self._said = sentence
