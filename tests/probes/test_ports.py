"""The ports probe: what is open, an address that accepts everything, and one that falls silent in mid-scan."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

from probes.facts.ports import Canary, OpenToAll, PortsSwept
from probes.interface import Asset, AssetKind, PortState, Sight, Yield
from probes.ports import PortsProbe, PortsSettings
from scanner.demo.listening import Handler, listening
from tests.lab.line import open_line

ADDRESS = "127.97.0.1"
PORTS = (22, 25, 80, *range(18000, 18030))


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def speaking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    await reader.read()


async def seen(*served: tuple[int, Handler]) -> tuple[PortsSwept, list[str], list[Yield]]:
    probe = PortsProbe(PortsSettings(short=PORTS, patience=0.3))
    async with contextlib.AsyncExitStack() as stack:
        for port, handler in served:
            await stack.enter_async_context(listening(handler, ADDRESS, port))
        asset = Asset(kind=AssetKind.ADDRESS, name=ADDRESS)
        yields = [y async for y in probe.look(asset, open_line())]
    (fact,) = [y.fact for y in yields if isinstance(y, Sight)]
    assert isinstance(fact, PortsSwept)
    return fact, [y.name.partition("@")[0] for y in yields if isinstance(y, Asset)], yields


async def test_open_ports_are_services_and_the_canary_sings() -> None:
    fact, services, _ = await seen((22, speaking), (18003, silent))
    assert services == ["tcp/22", "tcp/18003"]
    assert fact.canaries == ((ADDRESS, Canary.ANSWERED),)
    assert fact.open_to_all == ()


async def test_an_address_that_accepts_everything_is_not_a_hundred_services() -> None:
    fact, services, _ = await seen((22, speaking), *((port, silent) for port in PORTS[1:]))
    (proxy,) = fact.open_to_all
    assert (proxy.open, proxy.asked, proxy.spoke) == (len(PORTS), len(PORTS), (22,))
    assert services == ["tcp/22", "tcp/80"]


async def test_two_names_of_one_address_are_one_sweep_and_a_second_look_asks_anew() -> None:
    probe, line = PortsProbe(PortsSettings(short=PORTS, patience=0.3)), open_line(domains=["ch.test"])
    names = [Asset(kind=AssetKind.HOST, name=f"{n}.ch.test", addresses=(ADDRESS,)) for n in ("www", "rdv")]

    async def look(asset: Asset) -> tuple[PortsSwept, set[str]]:
        yields = [y async for y in probe.look(asset, line)]
        (fact,) = [y.fact for y in yields if isinstance(y, Sight)]
        assert isinstance(fact, PortsSwept)
        return fact, {y.name for y in yields if isinstance(y, Asset)}

    async with listening(silent, ADDRESS, 18003):
        first, services = await look(names[0])
    shared, others = await look(names[1])
    assert (shared.answers, services | others) == (first.answers, {f"tcp/18003@{asset.name}" for asset in names})
    again, _ = await look(names[1])
    assert again.answers != first.answers
    assert (await look(names[0]))[0].answers == again.answers


async def test_a_second_look_asks_the_open_ports_alone_and_keeps_the_state_of_the_others() -> None:
    probe, line = PortsProbe(PortsSettings(short=PORTS, patience=0.3)), open_line()
    asset, heard = Asset(kind=AssetKind.ADDRESS, name=ADDRESS), list[int]()

    def counting(port: int) -> Handler:
        async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(port)

        return count

    async def fact(yields: AsyncIterator[Yield]) -> PortsSwept:
        (swept,) = [y.fact async for y in yields if isinstance(y, Sight) and isinstance(y.fact, PortsSwept)]
        return swept

    async with listening(counting(18003), ADDRESS, 18003):
        first = await fact(probe.look(asset, line))
        async with listening(counting(18004), ADDRESS, 18004):
            heard.clear()
            again = await fact(probe.look_again(asset, line, [first]))
    assert again == first
    assert 18004 not in heard
    gone = await fact(probe.look_again(asset, line, [first]))
    assert [a.port for a in gone.answers if a.state is not PortState.CLOSED] == []
    assert gone.answers != first.answers
    # one that seemed to accept everything is asked everything again
    proxy = replace(first, open_to_all=(OpenToAll(address=ADDRESS, open=33, asked=33),))
    assert (await fact(probe.look_again(asset, line, [proxy]))).answers == gone.answers
