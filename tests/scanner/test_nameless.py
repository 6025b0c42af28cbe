"""Addresses without a name: those of declared networks, less what a name leads to and what is excluded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

from probes.facts.discovery import ReverseNames
from probes.facts.ports import Canary, PortsSwept, RangeSwept
from probes.interface import (
    Asset,
    AssetKind,
    FoundIn,
    Line,
    NoSettings,
    Part,
    Probe,
    Sight,
    Vantage,
    Yield,
    service,
)
from probes.ports import PortsProbe, PortsSettings
from scanner.demo.listening import listening
from scanner.engine import Engine, EngineSettings, Run
from scanner.nameless import without_names
from tests.lab.journal import MemoryJournal
from tests.lab.line import mandate, open_line
from tests.probes.test_ports import silent

NETWORK = Asset(kind=AssetKind.NETWORK, name="127.98.0.0/29")
DOMAIN = Asset(kind=AssetKind.DOMAIN, name="ch.test")
WWW = Asset(kind=AssetKind.HOST, name="www.ch.test", found_by=DOMAIN.id)
NAMED, NAMELESS, EXCLUDED, PORT = "127.98.0.2", "127.98.0.5", "127.98.0.6", 18098


class Names(Probe[NoSettings]):
    """A DNS that tells one host of the domain, after a while."""

    name: ClassVar[str] = "dns"
    version: ClassVar[str] = "1"
    level: ClassVar[int] = 1
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.DOMAIN, AssetKind.HOST})
    Settings: ClassVar[type[NoSettings]] = NoSettings

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        await asyncio.sleep(0.1)
        yield Sight(fact=ReverseNames(asked=0, unanswered=0, names=()))
        yield WWW if asset.kind is AssetKind.DOMAIN else replace(asset, addresses=(NAMED,))


def engine(journal: MemoryJournal) -> Engine:
    granted = mandate(domains=["ch.test"], networks=[NETWORK.name], excluded_networks=[f"{EXCLUDED}/32"])
    return Engine(
        [Names(NoSettings()), PortsProbe(PortsSettings(short=(PORT,), patience=0.3))],
        open_line(granted=granted),
        journal,
        scope=granted.scope,
        vantage={Part.EXPOSURE: Vantage.INTERNET},
        clock=lambda: datetime.now(UTC),
        settings=EngineSettings(workers=4, second_look_delay=0.0),
    )


def declared() -> list[Asset]:
    granted = mandate(networks=[NETWORK.name], excluded_networks=[f"{EXCLUDED}/32"])
    return [DOMAIN, *(Asset(kind=AssetKind.NETWORK, name=str(n)) for n in granted.scope.own_networks())]


async def scan(journal: MemoryJournal) -> tuple[Run, Run]:
    looking = engine(journal)
    async with listening(silent, NAMED, PORT), listening(silent, NAMELESS, PORT), listening(silent, EXCLUDED, PORT):
        first = await looking.run(declared())
        return first, await looking.look_again([("ports", f"address:{NAMELESS}")])


async def test_what_listens_without_a_name_is_found_under_its_address_and_looked_at_again() -> None:
    first, both = await scan(MemoryJournal())
    assert {a.id for a in first.assets if a.kind is AssetKind.SERVICE} == {
        service("tcp", PORT, NAMELESS).id,
        service("tcp", PORT, WWW.name).id,
    }
    met = next(a for a in first.assets if a.kind is AssetKind.ADDRESS)
    assert (met.name, met.found_in, met.found_by) == (NAMELESS, FoundIn.RANGE, "network:127.98.0.4/31")
    sweeps = [o for o in both.observations if isinstance(o.fact, PortsSwept) and o.asset.id == met.id]
    assert [o.look for o in sweeps] == [1, 2]


async def test_every_address_but_the_named_and_the_excluded_is_accounted_for() -> None:
    first, _ = await scan(MemoryJournal())
    swept = [a for o in first.observations if isinstance(o.fact, RangeSwept) for a in o.fact.addresses]
    assert sorted(a.address for a in swept) == [f"127.98.0.{n}" for n in (0, 1, 3, 4, 5, 7)]
    assert {a.address: (a.open, a.closed, a.canary) for a in swept}[NAMELESS] == ((PORT,), 0, Canary.ANSWERED)
    assert all(a.closed == 1 for a in swept if a.address != NAMELESS)


async def test_a_resumed_scan_asks_no_range_again() -> None:
    journal = MemoryJournal()
    await scan(journal)
    await scan(journal)
    assert set(journal.begun.values()) == {1}


def test_a_large_ipv6_network_is_not_gone_through_and_no_address_twice() -> None:
    small = Asset(kind=AssetKind.NETWORK, name="192.0.2.0/30")
    vast = Asset(kind=AssetKind.NETWORK, name="2001:db8::/64")
    overlapping = Asset(kind=AssetKind.NETWORK, name="192.0.2.0/29")
    told = [a.addresses for a in without_names([small, vast, overlapping], {"192.0.2.1"})]
    assert told == [
        ("192.0.2.0", "192.0.2.2", "192.0.2.3"),
        (),
        ("192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7"),
    ]
