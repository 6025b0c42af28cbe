"""The engine: probes over assets, step by step through the journal, until nothing is left to look at."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from probes.facts import codec
from probes.interface import (
    MANDATED,
    Asset,
    AssetKind,
    Attempt,
    Fact,
    Line,
    Observation,
    Part,
    Probe,
    ProbeError,
    Reason,
    Scope,
    Shortfall,
    Sight,
    Status,
    Vantage,
    Yield,
    asset_of,
)
from scanner.journal import Journal, Step, StepResult
from scanner.nameless import named, without_names
from scanner.progress import Progress, Silence
from scanner.scope import in_scope

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Longest detail kept of an attempt, in characters.
_DETAIL = 500
#: Most leads followed of one fact.
_LEADS = 60_000
#: The level of what only the DNS is asked for; names come from there.
_NAMING = 1
#: A step that was begun this often and never committed is given up: it ends our process or hangs it.
_BEGUN_AT_MOST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How many steps run at once, how long one may take, and the pause before a second look (seconds)."""

    workers: int = 64
    step_deadline: float = 900.0
    second_look_delay: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was left: everything met, in the order met, and whether it was stopped before the end."""

    assets: tuple[Asset, ...]
    outside: tuple[Asset, ...]
    observations: tuple[Observation[Fact], ...]
    attempts: tuple[Attempt, ...]
    interrupted: bool


class Engine:
    """Runs every probe on every asset it wants, once; what is met is looked at in turn when it is in scope.

    Built for one scan and one event loop. ``clock`` returns aware UTC datetimes.
    """

    def __init__(
        self,
        probes: Sequence[Probe[Any]],
        line: Line,
        journal: Journal,
        *,
        scope: Scope,
        vantage: Mapping[Part, Vantage],
        clock: Callable[[], datetime],
        settings: EngineSettings | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._probes = {probe.name: probe for probe in probes}
        self._line = line
        self._journal = journal
        self._scope = scope
        self._vantage = vantage
        self._clock = clock
        self._settings = settings or EngineSettings()
        self._progress = progress or Silence()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._assets: dict[str, Asset] = {}
        self._outside: dict[str, Asset] = {}
        self._planned: set[str] = set()
        #: Steps that may still tell names; when there is none left, the addresses without a name are known.
        self._naming: set[str] = set()
        #: Steps of probes that come last, by their key.
        self._held: dict[str, Step] = {}
        self._declared: tuple[Asset, ...] = ()
        self._results: dict[str, StepResult] = {}
        self._queue: asyncio.Queue[Step] = asyncio.Queue()
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Stop as soon as possible; what is committed stays, what is in flight is asked again on resume."""
        self._stopped.set()

    async def run(self, assets: Iterable[Asset]) -> Run:
        """Look at the assets and at what they lead to; committed steps of an earlier run are not asked again."""
        for result in await self._write(self._journal.results):
            self._results[result.step.key] = result
        self._declared = tuple(assets)
        for asset in self._declared:
            self._meet(asset)
        for result in [r for r in self._results.values() if r.step.look == 1]:
            for asset in result.found:
                self._meet(asset)
        if not self._naming:
            self._meet_nameless()
        await self._drain()
        for probe in self._probes.values():
            probe.met = tuple(self._assets.values()) if probe.comes_last else ()
        while self._held and not self._stopped.is_set():
            held, self._held = self._held, {}
            for step in held.values():
                self._plan(step)
            await self._drain()
        return self._outcome()

    async def look_again(self, pairs: Iterable[tuple[str, str]]) -> Run:
        """Look a second time at (probe, asset id) pairs, each after the configured pause since its first look."""
        steps = [
            Step(probe=probe, asset=self._assets[asset], look=2)
            for probe, asset in sorted(set(pairs))
            if asset in self._assets and probe in self._probes
        ]
        for step in sorted(steps, key=lambda step: (self._rest(step), step.key)):
            self._plan(step)
        await self._drain()
        return self._outcome()

    def _rest(self, step: Step) -> float:
        """Seconds until what was looked at once may be looked at again."""
        first = self._results.get(replace(step, look=1).key)
        if step.look == 1 or step.key in self._results or first is None:
            return 0.0
        since = (self._clock() - first.attempts[-1].ended_at).total_seconds()
        return max(0.0, self._settings.second_look_delay - since)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except TimeoutError:
            return

    def _meet(self, asset: Asset) -> None:
        """Take note of an asset; plan its steps when it is in scope and something new is known of it."""
        if not in_scope(asset, self._scope):
            self._outside[asset.id] = min(self._outside.get(asset.id, asset), asset, key=_provenance)
            return
        known = self._assets.get(asset.id)
        if known is not None:
            addresses = tuple(dict.fromkeys((*known.addresses, *asset.addresses)))
            asset = replace(min(known, asset, key=_provenance), addresses=addresses)
        self._assets[asset.id] = asset
        self._want(asset)

    def _want(self, asset: Asset) -> None:
        """Plan the steps of the probes that want an asset."""
        wanting = [probe for probe in self._probes.values() if asset.kind in probe.looks_at and probe.wants(asset)]
        for probe in [p for p in wanting if not p.last_resort] or wanting:
            step = Step(probe=probe.name, asset=asset)
            if probe.comes_last and step.key not in self._planned:
                self._held[step.key] = step
            else:
                self._plan(step)

    def _plan(self, step: Step) -> None:
        if step.key in self._planned:
            return
        self._planned.add(step.key)
        if step.key not in self._results:
            if self._names(step):
                self._naming.add(step.key)
            self._progress.planned(step)
            self._queue.put_nowait(step)

    def _names(self, step: Step) -> bool:
        """Tell whether a step is of the DNS alone, where names come from."""
        probe = self._probes.get(step.probe)
        return probe is not None and step.look == 1 and probe.level <= _NAMING and probe.part is Part.EXPOSURE

    def _meet_nameless(self) -> None:
        """Look at each declared network with those of its addresses that no name leads to; they are swept as such."""
        told = [result for result in self._results.values() if self._names(result.step)]
        networks = [a for a in self._declared if a.kind is AssetKind.NETWORK and in_scope(a, self._scope)]
        for network in without_names(networks, named(self._declared, told)):
            self._want(network)

    async def _drain(self) -> None:
        """Run the workers until the queue is empty or the stop button is pressed."""
        if self._stopped.is_set():
            return
        workers = [asyncio.create_task(self._work()) for _ in range(self._settings.workers)]
        ended = asyncio.create_task(self._queue.join())
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait({ended, stopped, *workers}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (ended, stopped, *workers):
                task.cancel()
            results = await asyncio.gather(ended, stopped, *workers, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
                raise result

    async def _work(self) -> None:
        while True:
            step = await self._queue.get()
            if rest := self._rest(step):
                await self._pause(rest)
            result = None if self._stopped.is_set() else await self._step(step)
            if result is None:
                return
            self._results[step.key] = result
            if step.look == 1:
                for asset in result.found:
                    self._meet(asset)
            if step.key in self._naming:
                self._naming.remove(step.key)
                if not self._naming:
                    self._meet_nameless()
            self._progress.ended(step, result.attempts[-1].status)
            self._queue.task_done()

    async def _step(self, step: Step) -> StepResult | None:
        """Take a step and commit it; None when the stop button cut it: what it then told is no server's answer."""
        probe, started = self._probes[step.probe], self._clock()
        if probe.level > self._line.level:
            result = self._refused(step, probe, started, Status.SKIPPED, Reason.LEVEL)
        elif await self._write(lambda: self._journal.begin(step, started)) > _BEGUN_AT_MOST:
            result = self._refused(step, probe, started, Status.FAILED, Reason.INTERRUPTED)
        else:
            result = await self._look(step, probe, started)
            if self._stopped.is_set():
                return None
        await self._write(lambda: self._journal.commit(result))
        return result

    async def _look(self, step: Step, probe: Probe[Any], started: datetime) -> StepResult:
        observations: list[Observation[Fact]] = []
        attempts: list[Attempt] = []
        found: list[Asset] = []
        status, reason, detail = Status.COMPLETED, Reason.NONE, ""
        try:
            async with asyncio.timeout(probe.deadline or self._settings.step_deadline):
                async for seen in self._sights(step, probe):
                    match seen:
                        case Sight() if seen.asset is not None and not in_scope(seen.asset, self._scope):
                            # What lies outside the mandate is not evaluated, whoever saw it: a candidate, no more.
                            found.append(seen.asset)
                        case Sight():
                            observations.append(self._observation(step, probe, seen))
                            found += _led_to(seen, step.asset)
                        case Shortfall():
                            target = (seen.asset or step.asset).id
                            kind = Status.SKIPPED if seen.reason in MANDATED else Status.FAILED
                            attempts.append(self._attempt(step, probe, started, kind, seen.reason, seen.detail, target))
                        case _:
                            found.append(seen)
        except TimeoutError:
            status, reason, detail = Status.FAILED, Reason.TIMED_OUT, "the step took too long"
        except ProbeError as error:
            status = Status.SKIPPED if error.reason in MANDATED else Status.FAILED
            reason, detail = error.reason, error.detail
        except Exception as error:
            # The one seam where an unknown error becomes a typed result: our fault, never the target's.
            log.exception("probe %s failed on %s", probe.name, step.asset.id)
            status, reason, detail = Status.FAULT, Reason.BUG, type(error).__name__
        attempts.append(self._attempt(step, probe, started, status, reason, detail, step.asset.id))
        return StepResult(step=step, observations=tuple(observations), attempts=tuple(attempts), found=tuple(found))

    def _sights(self, step: Step, probe: Probe[Any]) -> AsyncIterator[Yield]:
        if step.look == 1:
            return probe.look(step.asset, self._line)
        every = (o for r in self._results.values() for o in r.observations)
        own = [o for o in every if o.look == 1 and o.asset.id == step.asset.id]
        seen = [o.fact for o in own if o.probe.partition("@")[0] == probe.name]
        return probe.look_again(step.asset, self._line, seen)

    def _observation(self, step: Step, probe: Probe[Any], seen: Sight) -> Observation[Fact]:
        observation = Observation(
            id="",
            asset=seen.asset or step.asset,
            fact=seen.fact,
            seen_at=seen.seen_at or self._clock(),
            probe=f"{probe.name}@{probe.version}",
            vantage=self._vantage[probe.part],
            captures=seen.captures,
            look=step.look,
        )
        return replace(observation, id=observation_id(observation))

    def _refused(self, step: Step, probe: Probe[Any], started: datetime, status: Status, reason: Reason) -> StepResult:
        attempt = self._attempt(step, probe, started, status, reason, "", step.asset.id)
        return StepResult(step=step, observations=(), attempts=(attempt,), found=())

    def _attempt(
        self,
        step: Step,
        probe: Probe[Any],
        started: datetime,
        status: Status,
        reason: Reason,
        detail: str,
        asset: str,
    ) -> Attempt:
        return Attempt(
            probe=f"{probe.name}@{probe.version}",
            asset=asset,
            status=status,
            reason=reason,
            started_at=started,
            ended_at=self._clock(),
            detail=detail[:_DETAIL],
            look=step.look,
        )

    async def _write(self, action: Callable[[], T]) -> T:
        """Run a journal call in the one writer thread; a cancelled step still waits for its commit."""
        loop = asyncio.get_running_loop()
        written = loop.run_in_executor(self._writer, action)
        # the first write that fails ends the run and is told; those behind it fail alike and are not
        written.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(written)

    def _outcome(self) -> Run:
        results = list(self._results.values())
        return Run(
            assets=tuple(self._assets.values()),
            outside=tuple(self._outside.values()),
            observations=tuple(o for r in results for o in r.observations),
            attempts=tuple(a for r in results for a in r.attempts),
            interrupted=self._stopped.is_set(),
        )


def _provenance(asset: Asset) -> tuple[str, bool, str]:
    """Of several ways to the same asset the first in order counts, so that two scans tell the same."""
    return asset.found_by, not asset.found_in, asset.found_in


def _led_to(seen: Sight, asset: Asset) -> list[Asset]:
    """The assets that a fact cites, without the one it is about."""
    about = seen.asset or asset
    led = (asset_of(lead, about.id) for lead in itertools.islice(seen.fact.leads(), _LEADS))
    return list({a.id: a for a in led if a is not None and a.name != about.host}.values())


def observation_id(observation: Observation[Fact]) -> str:
    """Return the digest of an observation's content, its own id left out."""
    content = {
        "asset": observation.asset.id,
        "fact": codec.encode(observation.fact),
        "seen_at": observation.seen_at.isoformat(),
        "probe": observation.probe,
        "vantage": observation.vantage.value,
        "captures": list(observation.captures),
        "look": observation.look,
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
