"""The Line: the only road to the network, where scope, pace, deadlines and caps are held."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import TypeVar

from probes.interface import (
    Digest,
    DnsQuestion,
    Identity,
    IPAddress,
    Mandate,
    NameAnswer,
    PortAnswer,
    PortState,
    ProbeError,
    Reason,
    Stream,
)
from probes.interface.fragile import is_device, is_fragile
from scanner.manners import Manners
from scanner.pace import Pace, Rates
from scanner.resolver import addresses_of
from scanner.scope import Grants
from scanner.stop import StopButton
from scanner.streams import (
    DEVICES_KEPT,
    SocketStream,
    TurnStream,
    ask_datagram,
    ask_stream,
    exchange_datagram,
    open_stream,
)
from scanner.sweep import Sweep
from scanner.volley import Volley
from scanner.whole import Whole

T = TypeVar("T")

#: Largest capture kept as one (design, section 4), in bytes.
LARGEST_CAPTURE = 4 << 20
#: Batches of answers a sweep may be ahead of its reader.
_BATCHES_AHEAD = 64
#: Sweeps at once; each mostly waits for its turn in the buckets.
_SWEEPERS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    """How the Line reaches the world. ``dns_port`` is where name servers answer: 53 but in a lab.

    ``connections`` and ``questions`` are the paces of TCP connections and of DNS exchanges; ``in_flight`` bounds the
    connections a sweep holds open.
    """

    resolver: IPAddress | None = None
    resolver_port: int = 53
    dns_port: int = 53
    dns_authoritative: bool = False
    connections: Rates = field(default_factory=Rates)
    questions: Rates = field(default_factory=lambda: Rates(overall=3000.0, network=1500.0, address=750.0, burst=50))
    in_flight: int = 1000
    identity: Identity = field(default_factory=Identity)


class GuardedLine:
    """The Line of one scan: every exchange passes the grants, waits its turn, and ends in bounded time.

    ``keep`` stores a capture and returns its digest; ``clock`` returns the aware instant for the mandate's windows.
    """

    def __init__(
        self,
        mandate: Mandate,
        level: int,
        settings: LineSettings,
        *,
        keep: Callable[[bytes], Digest],
        clock: Callable[[], datetime],
    ) -> None:
        resolver = (settings.resolver, settings.resolver_port) if settings.resolver is not None else None
        self._grants = Grants(mandate, level, resolver=resolver, authoritative=settings.dns_authoritative)
        self._windows = mandate.windows
        self._settings = settings
        self._connections = Pace(settings.connections)
        self._questions = Pace(settings.questions)
        self._manners = Manners(self._connections)
        self._sweeps: set[threading.Event] = set()
        self._sweepers = ThreadPoolExecutor(max_workers=_SWEEPERS, thread_name_prefix="sweep")
        self._keep = keep
        self._clock = clock
        self._button = StopButton()

    @property
    def level(self) -> int:
        """The lower of the mandate's level and the asked one."""
        return self._grants.level

    @property
    def identifies_devices(self) -> bool:
        """Whether the mandate lets industrial and building devices be asked for their name, at this level."""
        return self._grants.identifies_devices

    @property
    def identity(self) -> Identity:
        """What servers are told of us."""
        return self._settings.identity

    def stop(self) -> None:
        """End every exchange, refuse later ones, and end the running sweeps."""
        self._button.press()
        for sweep in self._sweeps:
            sweep.set()

    def grant(self, address: IPAddress, port: int, *, name: str = "", level: int = 2) -> None:
        """Raise unless this connection may be opened now."""
        self._open_for_business()
        self._grants.connection(address, port, name=name, level=level)

    async def resolve(self, name: str) -> tuple[IPAddress, ...]:
        """Return the addresses of a name by the configured resolver; empty when it surely has none."""
        addresses = await addresses_of(name, self._ask_resolver)
        self._grants.learn(name, addresses)
        return addresses

    async def connect(
        self,
        address: IPAddress,
        port: int,
        *,
        name: str = "",
        level: int = 2,
        deadline: float = 10.0,
        cap: int = 1 << 20,
    ) -> Stream:
        """Open a paced TCP connection, bounded over its whole life."""
        self.grant(address, port, name=name, level=level)
        turn = self._manners.turn(address, port)
        if turn is not None:
            await turn.acquire()
        stream = None
        try:
            stream = await self._connected(address, port, name=name, level=level, deadline=deadline, cap=cap)
        finally:
            if turn is not None and stream is None:
                turn.release()
        mute = is_device(port) and not self.identifies_devices
        return stream if turn is None else TurnStream(stream, turn, deadline, mute=mute)

    async def _connected(
        self, address: IPAddress, port: int, *, name: str, level: int, deadline: float, cap: int
    ) -> SocketStream:
        await self.pace(address)
        self.grant(address, port, name=name, level=level)
        self._manners.check(address)
        try:
            stream = await open_stream(address, port, deadline=deadline, cap=cap, button=self._button)
        except ProbeError as error:
            self._manners.failed(address, error.reason)
            raise
        self._manners.answered(address, port)
        return stream

    async def exchange(
        self,
        request: bytes,
        address: IPAddress,
        port: int,
        *,
        name: str = "",
        level: int = 2,
        deadline: float = 2.0,
        tries: int = 2,
        any_port: bool = False,
    ) -> bytes:
        """Send one datagram and return the first answer from that address and port; silence is ``timed-out``."""
        if is_device(port, "udp") and not self.identifies_devices:
            raise ProbeError(Reason.LEVEL, DEVICES_KEPT)
        for attempt in range(1, tries + 1):
            self.grant(address, port, name=name, level=level)
            await self.pace(address)
            self.grant(address, port, name=name, level=level)
            try:
                # A datagram takes none of the few connections that a fragile machine has, but for ports of its own.
                fragile = self._manners.turn(address, port) if is_fragile(port, "udp") else None
                async with fragile or contextlib.nullcontext():
                    return await exchange_datagram(
                        request, address, port, deadline=deadline, button=self._button, ours=bool, any_port=any_port
                    )
            except ProbeError as error:
                if error.reason is not Reason.TIMED_OUT or attempt == tries:
                    raise
        raise ProbeError(Reason.TIMED_OUT, f"{address} udp {port}")

    async def ask(
        self,
        query: bytes,
        server: IPAddress,
        *,
        question: DnsQuestion,
        walking: str = "",
        tcp: bool = False,
        deadline: float = 5.0,
        port: int | None = None,
    ) -> bytes:
        """Send one DNS message and return the answer with the same id."""
        if port is None:
            port = self._settings.resolver_port if question is DnsQuestion.RESOLVER else self._settings.dns_port
        self._open_for_business()
        self._grants.question(server, port, question, walking)
        await asyncio.sleep(self._questions.reserve(server))
        self._open_for_business()
        exchange = ask_stream if tcp else ask_datagram
        return await exchange(query, server, port, deadline=deadline, button=self._button)

    async def ask_names(
        self,
        names: Iterable[str],
        servers: Sequence[IPAddress],
        *,
        rdtype: int,
        question: DnsQuestion,
        walking: str = "",
        patience: float = 1.0,
        tries: int = 5,
    ) -> AsyncIterator[NameAnswer]:
        """Ask about thousands of names; every server is granted before the first datagram."""
        self._open_for_business()
        port = self._settings.resolver_port if question is DnsQuestion.RESOLVER else self._settings.dns_port
        for server in servers:
            self._grants.question(server, port, question, walking)
        stop = threading.Event()
        authoritative = question is not DnsQuestion.RESOLVER

        def over_tcp(query: bytes, server: IPAddress) -> Awaitable[bytes]:
            return self.ask(query, server, question=question, walking=walking, tcp=True)

        whole = Whole(over_tcp, servers, rdtype=rdtype, authoritative=authoritative)
        batches: asyncio.Queue[list[NameAnswer] | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def emit(batch: list[NameAnswer]) -> None:
            loop.call_soon_threadsafe(batches.put_nowait, batch)

        volley = Volley(
            self._while_running(iter(names), stop),
            servers,
            port=port,
            rdtype=rdtype,
            authoritative=authoritative,
            reserve=self._questions.reserve,
            slow_down=self._questions.slow_down,
            emit=emit,
            patience=patience,
            tries=tries,
            stop=stop,
        )
        running = asyncio.create_task(asyncio.to_thread(volley.run))
        running.add_done_callback(lambda _: batches.put_nowait(None))
        try:
            while (batch := await batches.get()) is not None:
                for answer in await whole.answers(batch):
                    yield answer
                volley.taken()
                self._open_for_business()
            await running
        finally:
            stop.set()
        self._open_for_business()

    async def sweep(
        self, targets: Iterable[tuple[IPAddress, int]], *, name: str = "", patience: float = 2.0, tries: int = 2
    ) -> AsyncIterator[PortAnswer]:
        """Connect to each target and yield its state; each is granted as its turn is taken, and a refusal ends it."""
        loop = asyncio.get_running_loop()
        answers: deque[list[PortAnswer]] = deque()
        news, stop = asyncio.Event(), threading.Event()

        def emit(batch: list[PortAnswer]) -> None:
            answers.append(batch)
            loop.call_soon_threadsafe(news.set)
            while len(answers) > _BATCHES_AHEAD and not stop.wait(0.005):
                pass

        sweep = Sweep(
            self._while_running(self._granted(targets, name), stop),
            reserve=self._connections.reserve,
            slow_down=self._connections.slow_down,
            emit=emit,
            patience=patience,
            tries=tries,
            in_flight=self._settings.in_flight,
            stop=stop,
        )
        running = loop.run_in_executor(self._sweepers, sweep.run)
        running.add_done_callback(lambda _: news.set())
        self._sweeps.add(stop)
        try:
            while not running.done() or answers:
                await news.wait()
                news.clear()
                while answers:
                    for answer in answers.popleft():
                        if answer.state is PortState.OPEN:
                            self._manners.answered(ip_address(answer.address), answer.port)
                        yield answer
            await running
        finally:
            stop.set()
            self._sweeps.discard(stop)
        self._open_for_business()

    @contextlib.asynccontextmanager
    async def turn(self, address: IPAddress, port: int, *, name: str = "", level: int = 2) -> AsyncIterator[None]:
        """Hold a turn for a library's own connection; devices that may not be spoken to, and the blocked, get none."""
        self.grant(address, port, name=name, level=level)
        if is_device(port) and not self.identifies_devices:
            raise ProbeError(Reason.LEVEL, DEVICES_KEPT)
        async with self._manners.turn(address, port) or contextlib.nullcontext():
            await self.pace(address)
            self.grant(address, port, name=name, level=level)
            self._manners.check(address)
            yield

    def slow_down(self, address: IPAddress) -> None:
        """Ask an address more slowly: a probe was told so (429, a lost canary)."""
        self._connections.slow_down(address)

    async def pace(self, address: IPAddress) -> None:
        """Wait for a turn."""
        await asyncio.sleep(self._connections.reserve(address))

    def keep(self, data: bytes) -> Digest:
        """Keep a capture and return its digest."""
        if len(data) > LARGEST_CAPTURE:
            raise ValueError("a capture is at most 4 MiB")
        return self._keep(data)

    def _granted(self, targets: Iterable[tuple[IPAddress, int]], name: str) -> Iterator[tuple[IPAddress, int]]:
        for address, port in targets:
            self.grant(address, port, name=name)
            yield address, port

    def _while_running(self, targets: Iterator[T], stop: threading.Event) -> Iterator[T]:
        for target in targets:
            if self._button.pressed or stop.is_set():
                return
            yield target

    async def _ask_resolver(self, query: bytes, tcp: bool) -> bytes:
        if self._settings.resolver is None:
            raise ProbeError(Reason.UNREACHABLE, "no resolver is configured")
        return await self.ask(
            query, self._settings.resolver, question=DnsQuestion.RESOLVER, tcp=tcp, port=self._settings.resolver_port
        )

    def _open_for_business(self) -> None:
        self._button.check()
        if self._windows:
            local = self._clock().astimezone()
            if not any(window.holds(local) for window in self._windows):
                raise ProbeError(Reason.WINDOW, "outside the mandate's windows")
