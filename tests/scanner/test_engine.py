"""The engine: steps through the journal, ignorance typed, nothing asked twice, the stop button."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from probes.facts.ports import PortsSwept
from probes.interface import (
    Asset,
    AssetKind,
    Fact,
    Line,
    NoSettings,
    Part,
    Probe,
    ProbeError,
    Reason,
    Shortfall,
    Sight,
    Status,
    Vantage,
    Yield,
)
from scanner.engine import Engine, EngineSettings, Run
from tests.lab.journal import MemoryJournal
from tests.lab.line import mandate, open_line

HOST = Asset(kind=AssetKind.HOST, name="www.ch.test")
OTHER = Asset(kind=AssetKind.HOST, name="mail.ch.test")
Script = Callable[[Asset], AsyncIterator[Yield]]


@dataclass
class Told:
    """What the scripted probe was asked, in order."""

    asked: list[str] = field(default_factory=list)
    #: What it was told, at each second look, of the first.
    again: list[list[Fact]] = field(default_factory=list)


class Scripted(Probe[NoSettings]):
    """A real probe whose sights a test writes."""

    name: ClassVar[str] = "scripted"
    version: ClassVar[str] = "1"
    level: ClassVar[int] = 2
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.HOST})
    Settings: ClassVar[type[NoSettings]] = NoSettings

    def __init__(self, script: Script, told: Told) -> None:
        super().__init__(NoSettings())
        self._script = script
        self._told = told

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        self._told.asked.append(asset.id)
        async for seen in self._script(asset):
            yield seen

    def look_again(self, asset: Asset, line: Line, seen: Sequence[Fact]) -> AsyncIterator[Yield]:
        self._told.again.append(list(seen))
        return self.look(asset, line)


def engine(
    script: Script,
    journal: MemoryJournal,
    told: Told | None = None,
    level: int = 2,
    deadline: float = 30.0,
    pause: float = 0.05,
    beside: Sequence[Probe[NoSettings]] = (),
) -> Engine:
    return Engine(
        [Scripted(script, told or Told()), *beside],
        open_line(domains=["ch.test"], level=level),
        journal,
        scope=mandate(domains=["ch.test"]).scope,
        vantage={Part.EXPOSURE: Vantage.INTERNET},
        clock=lambda: datetime.now(UTC),
        settings=EngineSettings(workers=4, step_deadline=deadline, second_look_delay=pause),
    )


def reasons(run: Run) -> list[tuple[str, Status, Reason]]:
    return [(a.asset, a.status, a.reason) for a in run.attempts]


async def sees(asset: Asset) -> AsyncIterator[Yield]:
    yield Sight(fact=PortsSwept(answers=()))


async def test_a_sight_is_stamped_and_committed() -> None:
    journal = MemoryJournal()
    run = await engine(sees, journal).run([HOST])
    (seen,) = run.observations
    assert (seen.asset, seen.probe, seen.vantage, seen.look) == (HOST, "scripted@1", Vantage.INTERNET, 1)
    assert len(seen.id) == 32
    assert reasons(run) == [(HOST.id, Status.COMPLETED, Reason.NONE)]
    assert len(journal.committed) == 1


async def test_what_is_met_is_looked_at_once_and_what_is_outside_never() -> None:
    async def meets(asset: Asset) -> AsyncIterator[Yield]:
        yield OTHER
        yield HOST
        yield Asset(kind=AssetKind.HOST, name="www.elsewhere.test", found_by=asset.id)

    told = Told()
    run = await engine(meets, MemoryJournal(), told).run([HOST])
    assert told.asked == [HOST.id, OTHER.id]
    assert [a.name for a in run.outside] == ["www.elsewhere.test"]


class Last(Scripted):
    """A probe that comes last."""

    name: ClassVar[str] = "last"
    comes_last: ClassVar[bool] = True

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        self._told.asked.append(f"{asset.name}: {' '.join(sorted(met.name for met in self.met))}")
        async for seen in self._script(asset):
            yield seen


async def test_a_probe_that_comes_last_knows_what_was_met_and_what_it_meets_is_looked_at() -> None:
    new = Asset(kind=AssetKind.HOST, name="neuf.ch.test")

    async def meets(asset: Asset) -> AsyncIterator[Yield]:
        if asset == HOST:
            await asyncio.sleep(0.05)
            yield OTHER
            yield Asset(kind=AssetKind.HOST, name="www.elsewhere.test")

    async def finds(asset: Asset) -> AsyncIterator[Yield]:
        yield new

    first, last, journal = Told(), Told(), MemoryJournal()
    for _ in range(2):
        running = engine(meets, journal, first, beside=(Last(finds, last),))
        await running.run([HOST])
        assert first.asked == [HOST.id, OTHER.id, new.id]
        names = ("www.ch.test", "mail.ch.test", "neuf.ch.test")
        # told before the first of its steps; taken up again, nothing is asked twice
        assert last.asked == [f"{name}: mail.ch.test www.ch.test" for name in names]


async def test_a_sight_of_something_outside_the_mandate_is_no_observation() -> None:
    elsewhere = Asset(kind=AssetKind.ADDRESS, name="192.0.2.5", found_by=HOST.id)

    async def imported(asset: Asset) -> AsyncIterator[Yield]:
        yield Sight(fact=PortsSwept(answers=()), asset=elsewhere)
        yield Sight(fact=PortsSwept(answers=()), asset=OTHER)

    run = await engine(imported, MemoryJournal()).run([HOST])
    assert {o.asset.id for o in run.observations} == {OTHER.id}
    assert [a.id for a in run.outside] == [elsewhere.id]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ProbeError(Reason.REFUSED), (Status.FAILED, Reason.REFUSED)),
        (ProbeError(Reason.OUT_OF_SCOPE), (Status.SKIPPED, Reason.OUT_OF_SCOPE)),
        (ZeroDivisionError(), (Status.FAULT, Reason.BUG)),
    ],
)
async def test_an_error_is_typed_and_what_was_seen_before_it_is_kept(
    error: Exception, expected: tuple[Status, Reason]
) -> None:
    async def breaks(asset: Asset) -> AsyncIterator[Yield]:
        yield Sight(fact=PortsSwept(answers=()))
        raise error

    run = await engine(breaks, MemoryJournal()).run([HOST, OTHER])
    assert len(run.observations) == 2
    assert [(status, reason) for _, status, reason in reasons(run)] == [expected, expected]


async def test_a_shortfall_is_a_failed_attempt_beside_a_completed_step() -> None:
    async def misses(asset: Asset) -> AsyncIterator[Yield]:
        yield Shortfall(reason=Reason.TIMED_OUT, detail="one of two")
        yield Sight(fact=PortsSwept(answers=()))

    run = await engine(misses, MemoryJournal()).run([HOST])
    assert [(s, r) for _, s, r in reasons(run)] == [
        (Status.FAILED, Reason.TIMED_OUT),
        (Status.COMPLETED, Reason.NONE),
    ]


async def test_a_step_that_takes_too_long_ends() -> None:
    async def sleeps(asset: Asset) -> AsyncIterator[Yield]:
        await asyncio.sleep(60)
        yield HOST

    run = await engine(sleeps, MemoryJournal(), deadline=0.05).run([HOST])
    assert reasons(run) == [(HOST.id, Status.FAILED, Reason.TIMED_OUT)]


async def test_a_level_too_low_skips_without_a_look() -> None:
    told = Told()
    run = await engine(sees, MemoryJournal(), told, level=1).run([HOST])
    assert told.asked == []
    assert reasons(run) == [(HOST.id, Status.SKIPPED, Reason.LEVEL)]


async def test_a_committed_step_is_never_asked_again_and_leads_to_what_it_met() -> None:
    async def meets(asset: Asset) -> AsyncIterator[Yield]:
        yield Sight(fact=PortsSwept(answers=()))
        if asset == HOST:
            yield OTHER

    journal = MemoryJournal()
    first = await engine(meets, journal).run([HOST])
    del journal.committed[f"scripted|{OTHER.id}|1"]
    told = Told()
    second = await engine(meets, journal, told).run([HOST])
    assert told.asked == [OTHER.id]
    assert [o.asset for o in second.observations] == [o.asset for o in first.observations]


async def test_a_step_that_ends_us_twice_is_given_up() -> None:
    journal, told = MemoryJournal(), Told()
    journal.begun[f"scripted|{HOST.id}|1"] = 2
    run = await engine(sees, journal, told).run([HOST])
    assert told.asked == []
    assert reasons(run) == [(HOST.id, Status.FAILED, Reason.INTERRUPTED)]


async def test_the_stop_button_ends_within_two_seconds_and_keeps_what_was_committed() -> None:
    async def hangs(asset: Asset) -> AsyncIterator[Yield]:
        yield Sight(fact=PortsSwept(answers=()))
        if asset == OTHER:
            await asyncio.sleep(3600)

    journal = MemoryJournal()
    running = engine(hangs, journal)
    task = asyncio.create_task(running.run([HOST, OTHER]))
    await asyncio.sleep(0.2)
    pressed = time.monotonic()
    running.stop()
    run = await task
    assert time.monotonic() - pressed < 2
    assert run.interrupted
    assert list(journal.committed) == [f"scripted|{HOST.id}|1"]


async def test_a_step_that_the_stop_button_cut_is_asked_again() -> None:
    cut = asyncio.Event()

    async def waits(asset: Asset) -> AsyncIterator[Yield]:
        yield Sight(fact=PortsSwept(answers=()))
        await cut.wait()
        raise ProbeError(Reason.INTERRUPTED)

    journal = MemoryJournal()
    running = engine(waits, journal)
    task = asyncio.create_task(running.run([HOST]))
    await asyncio.sleep(0.2)
    cut.set()
    running.stop()
    run = await task
    assert run.interrupted
    assert not journal.committed
    again = await engine(sees, journal).run([HOST])
    assert [a.status for a in again.attempts] == [Status.COMPLETED]


async def test_the_second_look_waits_from_the_first_look_on_and_not_longer() -> None:
    running = engine(sees, MemoryJournal(), pause=0.5)
    await running.run([HOST])
    begun = time.monotonic()
    await running.look_again([("scripted", HOST.id)])
    assert time.monotonic() - begun >= 0.4
    await running.run([OTHER])
    await asyncio.sleep(0.5)
    begun = time.monotonic()
    await running.look_again([("scripted", OTHER.id)])
    assert time.monotonic() - begun < 0.4


async def test_the_second_look_knows_what_the_first_saw_whoever_led_to_it() -> None:
    ports = PortsSwept(answers=())

    async def leads(asset: Asset) -> AsyncIterator[Yield]:
        if asset == HOST:
            yield Sight(fact=ports, asset=OTHER)
            yield OTHER

    told = Told()
    running = engine(leads, MemoryJournal(), told)
    await running.run([HOST])
    await running.look_again([("scripted", OTHER.id)])
    assert told.again == [[ports]]


async def test_the_second_look_is_a_step_of_its_own() -> None:
    journal = MemoryJournal()
    running = engine(sees, journal)
    await running.run([HOST, OTHER])
    run = await running.look_again([("scripted", HOST.id), ("scripted", "host:unknown.test"), ("none", HOST.id)])
    assert [(o.asset, o.look) for o in run.observations] == [(HOST, 1), (OTHER, 1), (HOST, 2)]
    assert len(journal.committed) == 3
