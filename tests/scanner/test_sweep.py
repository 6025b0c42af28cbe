"""The sweep: open, closed and silent ports told apart, on both IP versions, in flat memory, and its manners."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from ipaddress import ip_address
from typing import cast

import pytest

from probes.interface import IPAddress, PortAnswer, PortState, ProbeError, Reason
from probes.services import http
from probes.services.conversation import Call, UnspokenError
from probes.web.fetch import fetch
from scanner.demo.listening import listening as serving
from scanner.line import GuardedLine
from scanner.manners import Manners
from scanner.pace import Pace, Rates
from tests.lab.line import FAST, mandate, open_line
from tests.lab.silence import NETWORK, NETWORK6, FarSide, far_side


@contextlib.contextmanager
def listening(address: str, *ports: int) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for port in ports:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            server = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((address, port))
            server.listen(128)
        yield


async def swept(
    line: GuardedLine, *targets: tuple[str, int], patience: float = 1.0, tries: int = 2
) -> dict[tuple[str, int], PortAnswer]:
    wanted = [(ip_address(address), port) for address, port in targets]
    return {(a.address, a.port): a async for a in line.sweep(wanted, patience=patience, tries=tries)}


@pytest.mark.parametrize("address", ["127.95.0.1", "::1"])
async def test_open_and_closed_ports_are_told_apart_on_both_versions_of_ip(address: str) -> None:
    with listening(address, 18001, 18003):
        found = await swept(open_line(), *[(address, port) for port in range(18000, 18200)])
    assert len(found) == 200
    assert {port for (_, port), a in found.items() if a.state is PortState.OPEN} == {18001, 18003}
    assert {a.state for (_, port), a in found.items() if port not in {18001, 18003}} == {PortState.CLOSED}


@pytest.fixture(scope="module")
def far() -> Iterator[FarSide]:
    with far_side(4) as side:
        yield side


@contextlib.contextmanager
def server_there(far: FarSide, address: str, port: int) -> Iterator[None]:
    code = (
        "import socket,time;"
        f"s=socket.create_server(('{address}',{port}),family=socket.AF_INET{'6' if ':' in address else ''});"
        "print(flush=True);time.sleep(3600)"
    )
    child = subprocess.Popen(far.command(sys.executable, "-c", code), stdout=subprocess.PIPE)
    try:
        assert child.stdout
        assert child.stdout.readline()
        yield
    finally:
        child.kill()
        child.wait()
        assert child.stdout
        child.stdout.close()


@pytest.mark.parametrize("address", ["198.51.100.1", "2001:db8:51::1"])
async def test_silence_is_filtered_after_two_tries_and_its_patience(far: FarSide, address: str) -> None:
    far.rule("tcp dport { 8080, 8081 } accept")
    with server_there(far, address, 8080):
        line = open_line(networks=(NETWORK, NETWORK6))
        found = await swept(line, *[(address, port) for port in (8080, 8081, 8082)], patience=0.3)
    states = {port: (a.state, a.tries, a.patience) for (_, port), a in found.items()}
    assert states == {
        8080: (PortState.OPEN, 1, 0.3),
        8081: (PortState.CLOSED, 1, 0.3),
        8082: (PortState.FILTERED, 2, 0.3),
    }


async def test_an_address_that_answers_elsewhere_is_not_waited_for_in_full(
    far: FarSide,
) -> None:
    far.rule("tcp dport 8091 accept")
    begun = time.monotonic()
    found = await swept(open_line(networks=(NETWORK,)), ("198.51.100.2", 8091), ("198.51.100.3", 8092), patience=2.0)
    alone = time.monotonic() - begun
    assert [a.state for a in found.values()] == [PortState.CLOSED, PortState.FILTERED]
    targets = [("198.51.100.2", 8091), *[("198.51.100.2", port) for port in range(8100, 8400)]]
    line, begun = open_line(networks=(NETWORK,), pace=replace(FAST, address=300.0, burst=1)), time.monotonic()
    found = await swept(line, *targets, patience=2.0)
    assert {a.state for a in found.values()} == {PortState.CLOSED, PortState.FILTERED}
    # the address that answers nothing is waited for in full, twice; the other 300 took one second of pace more than
    # half a second and one and a half: the whole of both tries would be more than five
    assert alone > 4.0
    assert 2.9 < time.monotonic() - begun < 4.9


async def test_with_every_third_packet_lost_an_open_port_is_found_and_a_closed_one_is_never_open(far: FarSide) -> None:
    far.rule("tcp dport 8100-8199 accept")
    far.rule("tcp dport 8100-8199 numgen inc mod 3 0 drop")
    with server_there(far, "198.51.100.2", 8150):
        line = open_line(networks=(NETWORK,))
        found = await swept(line, *[("198.51.100.2", port) for port in range(8100, 8200)], patience=0.3, tries=5)
    assert {port for (_, port), a in found.items() if a.state is PortState.OPEN} == {8150}
    assert len(found) == 100


async def test_a_firewall_that_drops_what_comes_too_fast_is_asked_more_slowly_until_every_port_answers(
    far: FarSide,
) -> None:
    far.rule("ip daddr 198.51.100.4 tcp dport 8500-8699 accept")
    far.rule("ip daddr 198.51.100.4 tcp dport 8500-8699 limit rate over 25/second burst 5 packets drop")
    line = open_line(networks=(NETWORK,), pace=replace(FAST, address=50.0, burst=5))
    ports = [8600, 8650, 8690]
    with contextlib.ExitStack() as stack:
        for port in ports:
            stack.enter_context(server_there(far, "198.51.100.4", port))
        found = await swept(line, *[("198.51.100.4", port) for port in range(8500, 8700)], patience=2.0)
    assert {port for (_, port), a in found.items() if a.state is PortState.OPEN} == set(ports)
    assert sum(a.state is PortState.FILTERED for a in found.values()) <= 4


async def test_a_sweep_ends_at_the_first_target_out_of_the_mandate() -> None:
    line = open_line(networks=("127.95.0.0/24",))
    with pytest.raises(ProbeError, match="out-of-scope"):
        await swept(line, ("127.95.0.1", 18000), ("127.95.1.1", 18000))


async def test_the_stop_button_ends_a_sweep(far: FarSide) -> None:
    line = open_line(networks=(NETWORK,))
    asyncio.get_running_loop().call_later(0.2, line.stop)
    started = time.monotonic()
    with pytest.raises(ProbeError) as stopped:
        await swept(line, *[("198.51.100.3", port) for port in range(9000, 9200)], patience=20)
    assert stopped.value.reason is Reason.INTERRUPTED
    assert time.monotonic() - started < 2


async def test_a_reader_that_is_slow_does_not_let_answers_pile_up() -> None:
    taken = 0

    def targets() -> Iterator[tuple[IPAddress, int]]:
        nonlocal taken
        for number in range(400_000):
            taken += 1
            yield ip_address("127.95.0.2"), 20000 + number % 10000

    async for _ in open_line().sweep(targets()):
        await asyncio.sleep(0.5)
        break
    assert taken < 300_000


def test_the_pace_halves_for_an_address_that_pushes_back_and_recovers_by_the_minute() -> None:
    now = 0.0
    pace = Pace(Rates(overall=1e6, network=1e6, address=10, burst=1), lambda: now)
    address = ip_address("192.0.2.1")
    assert pace.reserve(address) == 0
    assert pace.reserve(address) == pytest.approx(0.1)
    for halvings in (1, 2, 3, 4, 5, 6, 7, 7):
        pace.slow_down(address)
        assert pace.share(address) == 2**-halvings
    now = 1000.0
    assert pace.share(address) == 1
    assert pace.share(ip_address("192.0.2.2")) == 1
    assert pace.reserve(address) == 0


def test_an_address_that_answered_and_falls_silent_is_slowed_then_left_alone() -> None:
    now = 0.0
    pace = Pace(FAST, lambda: now)
    manners = Manners(pace, lambda: now)
    known, dead = ip_address("192.0.2.1"), ip_address("192.0.2.2")
    manners.answered(known, 443)
    for _ in range(4):
        manners.failed(known, Reason.TIMED_OUT)
    manners.failed(known, Reason.REFUSED)  # a refusal is an answer
    for _ in range(20):
        manners.failed(dead, Reason.TIMED_OUT)  # it never answered: nothing to spare
    assert (pace.share(known), pace.share(dead)) == (1 / 16, 1)
    for _ in range(4):
        manners.failed(known, Reason.CONNECTION_LOST)
    with pytest.raises(ProbeError, match="blocked"):
        manners.failed(known, Reason.TIMED_OUT)
    with pytest.raises(ProbeError, match="blocked"):
        manners.check(known)
    manners.check(dead)
    now = 61.0
    manners.check(known)


async def test_a_fragile_address_hears_one_connection_at_a_time() -> None:
    open_now, most = 0, 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await reader.read()
        open_now -= 1
        writer.close()

    async def call(line: GuardedLine, port: int) -> None:
        stream = await line.connect(address, port)
        await asyncio.sleep(0.02)
        await stream.close()
        await asyncio.sleep(0)

    address = ip_address("127.95.0.3")
    line = open_line(granted=mandate())
    async with serving(serve, str(address), 11112), serving(serve, str(address), 18080):
        await asyncio.gather(*(call(line, port) for port in (11112, 18080) * 5))
        assert most == 1
        forgotten = await line.connect(address, 11112, deadline=0.2)
        await call(line, 18080)  # a stream that nobody closed gives its turn back at its deadline
        await forgotten.close()


async def test_a_fragile_address_is_asked_at_its_own_pace_by_tcp_and_udp_alike() -> None:
    address = ip_address("127.95.0.7")
    line = open_line(granted=mandate(), pace=replace(FAST, fragile=20.0, burst=1))

    async def seconds() -> float:
        begun = time.monotonic()
        for _ in range(6):
            await (await line.connect(address, 18080)).close()
        return time.monotonic() - begun

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with serving(hold, str(address), 9100), serving(hold, str(address), 18080):
        assert await seconds() < 0.2
        await (await line.connect(address, 9100)).close()
        assert await seconds() >= 0.2
        # a connection there does not keep a question by UDP waiting: that one takes none of the machine's few
        held = await line.connect(address, 18080)
        with pytest.raises(ProbeError, match="refused"):
            await asyncio.wait_for(line.exchange(b"?", address, 123), 1.0)
        await held.close()


async def test_a_library_of_its_own_takes_its_turn_at_a_fragile_address() -> None:
    heard: list[float] = []

    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        heard.append(time.monotonic())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    address, line = ip_address("127.95.0.5"), open_line(granted=mandate())
    async with serving(page, str(address), 8042), serving(page, str(address), 18080):
        talk = await line.connect(address, 8042)
        fetching = asyncio.create_task(fetch(line, str(address), f"http://{address}:18080/"))
        await asyncio.sleep(0.1)
        assert heard == []
        await talk.close()
        assert (await fetching).status == 200
        # a device that may not be spoken to is not fetched from either
        with pytest.raises(ProbeError, match="level"):
            await fetch(line, str(address), f"http://{address}:502/")


async def _page(line: GuardedLine, address: IPAddress) -> None:
    await fetch(line, str(address), f"http://{address}:18080/")


async def _service(line: GuardedLine, address: IPAddress) -> None:
    await http.ask(Call(line=line, address=address, port=18080, name="", patience=2.0), "/")


@pytest.mark.parametrize("ask", [_page, _service])
@pytest.mark.parametrize(
    ("answer", "share"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 1),
        (b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", 1 / 4),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", 1 / 4),
        (b"", 1 / 4),
    ],
    ids=["served", "missing", "too many", "overloaded", "reset"],
)
async def test_a_site_that_pushes_back_is_asked_more_slowly_by_every_probe(
    answer: bytes, share: float, ask: Callable[[GuardedLine, IPAddress], Awaitable[None]]
) -> None:
    if not answer and ask is _service:
        share = 1  # hanging up is how many a service says no

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if not answer:
            writer.transport.abort()
        writer.close()

    address = ip_address("127.95.0.6")
    rates = Rates(overall=1e6, network=1e6, address=1000.0, burst=1)
    line = open_line(granted=mandate(), pace=rates)
    async with serving(serve, str(address), 18080):
        for _ in range(2):
            with contextlib.suppress(ProbeError, UnspokenError):
                await ask(line, address)
        began, turns = time.monotonic(), 40
        for _ in range(turns):
            await line.pace(address)
        took = time.monotonic() - began
    # forty turns at a thousand a second, or at a quarter of it
    assert (took > 0.7 * turns / 1000 / share) if share < 1 else (took < 0.7 * turns / 250)


async def test_a_datagram_is_answered_refused_or_left_in_silence() -> None:
    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.DatagramTransport, transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            if data != b"?":
                self.transport.sendto(data.upper(), addr)

    address = ip_address("127.95.0.4")
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Echo, (str(address), 18161))
    line = open_line()
    try:
        assert await line.exchange(b"hello", address, 18161) == b"HELLO"
        with pytest.raises(ProbeError, match="timed-out"):
            await line.exchange(b"?", address, 18161, deadline=0.1)
        with pytest.raises(ProbeError, match="refused"):
            await line.exchange(b"hello", address, 18162, deadline=1)
        with pytest.raises(ProbeError, match="out-of-scope"):
            await line.exchange(b"hello", ip_address("192.0.2.1"), 161)
    finally:
        transport.close()
