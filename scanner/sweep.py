"""The connect sweep: one epoll loop in a thread over thousands of TCP connections, each only opened and closed."""

from __future__ import annotations

import errno
import heapq
import math
import select
import socket
import struct
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from probes.interface import IPAddress, PortAnswer, PortState
from scanner.streams import is_own_echo

_CLOSED = {errno.ECONNREFUSED, errno.ECONNRESET}
#: Our own limits, not the target's: wait and try again.
_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN}
#: Close with a reset: no TIME_WAIT of ours, nothing half-open at the target.
_ABORT = struct.pack("ii", 1, 0)
#: Targets taken from the iterator ahead of their turn; memory stays flat whatever the number of targets.
_AHEAD = 4096
#: Turns taken ahead, in seconds: no more, so that other probes of the same address need not queue behind a sweep.
_HORIZON = 2.0
_PAUSE = 0.05
#: An address whose round trip is known is waited for so many of them, in steps of so many seconds; the last time at
#: least until after the system has asked a second time, which it does after one second.
_ROUND_TRIPS, _STEP, _LAST = 4.0, 0.5, 1.5
#: Seconds between two slowings of an address for loss: the first must take effect before the next can be due.
_LOSS_EVERY = 2.0

_KIND = socket.SOCK_STREAM | socket.SOCK_NONBLOCK
_SETTLED = select.EPOLLOUT | select.EPOLLERR | select.EPOLLHUP
#: Addresses as text; the conversion costs as much as the connection.
_text: Callable[[IPAddress], str] = lru_cache(4096)(str)


@dataclass(slots=True)
class _Try:
    address: IPAddress
    text: str
    port: int
    number: int
    fd: int = -1
    sock: socket.socket | None = None
    begun: float = 0.0
    until: float = 0.0


class Sweep:
    """One run over targets.

    Silence is believed after ``tries`` of ``patience`` (seconds), or sooner where the same address answers elsewhere:
    it is waited for no longer than that gives reason to. An address that answers a later try loses what it is asked:
    it is asked more slowly (``slow_down``), and its silence is tried once more.

    ``reserve`` gives the wait before a connection; ``emit`` gets answers in batches, in the sweep's thread, and may
    block while its reader is behind, so memory stays flat.
    """

    def __init__(
        self,
        targets: Iterator[tuple[IPAddress, int]],
        *,
        reserve: Callable[[IPAddress], float],
        slow_down: Callable[[IPAddress], None],
        emit: Callable[[list[PortAnswer]], None],
        patience: float,
        tries: int,
        in_flight: int,
        stop: threading.Event,
    ) -> None:
        self._targets = targets
        self._reserve = reserve
        self._slow_down = slow_down
        self._emit = emit
        self._patience = patience
        self._tries = tries
        self._in_flight = in_flight
        self._stop = stop
        self._waiting: list[tuple[float, int, _Try]] = []
        self._open: dict[int, _Try] = {}
        #: Open tries by how long they are waited for, oldest first.
        self._by_age: defaultdict[float, deque[_Try]] = defaultdict(deque)
        #: The longest round trip of each address that answered, in seconds.
        self._round_trip: dict[str, float] = {}
        #: The addresses that lose questions, and when each was last slowed down for it.
        self._losing: dict[str, float] = {}
        self._count = 0
        self._exhausted = False
        self._taken_until = 0.0
        self._answers: list[PortAnswer] = []

    def run(self) -> None:
        """Run to the end, or to the stop button."""
        with select.epoll() as epoll:
            try:
                while not self._stop.is_set():
                    self._fill()
                    pause = self._start(epoll)
                    self._collect(epoll, pause)
                    self._expire(epoll)
                    self._hand_over()
                    if self._exhausted and not self._waiting and not self._open:
                        return
            finally:
                for attempt in self._open.values():
                    if attempt.sock is not None:
                        attempt.sock.close()

    def _fill(self) -> None:
        while not self._exhausted and len(self._waiting) < _AHEAD and self._taken_until < time.monotonic() + _HORIZON:
            target = next(self._targets, None)
            if target is None:
                self._exhausted = True
            else:
                address, port = target
                self._later(_Try(address, _text(address), port, 1), self._reserve(address))

    def _later(self, attempt: _Try, wait: float) -> None:
        self._count += 1
        self._taken_until = time.monotonic() + wait
        heapq.heappush(self._waiting, (self._taken_until, self._count, attempt))

    def _start(self, epoll: select.epoll) -> float:
        """Open what is due; return how long nothing new will be, in seconds."""
        now = time.monotonic()
        while self._waiting and len(self._open) < self._in_flight:
            if self._waiting[0][0] > now:
                return min(self._waiting[0][0] - now, _PAUSE)
            attempt = heapq.heappop(self._waiting)[2]
            if not self._connect(epoll, attempt, now):
                self._later(attempt, _PAUSE)
                return _PAUSE
        return _PAUSE

    def _connect(self, epoll: select.epoll, attempt: _Try, now: float) -> bool:
        family = socket.AF_INET if attempt.address.version == 4 else socket.AF_INET6
        try:
            sock = socket.socket(family, _KIND)
        except OSError as error:
            if error.errno == errno.EAFNOSUPPORT:
                self._answer(attempt, PortState.UNREACHABLE)
                return True
            return False
        code = sock.connect_ex((attempt.text, attempt.port))
        if code in _OURS:
            sock.close()
            return False
        attempt.sock = sock
        if code == errno.EINPROGRESS:
            wait = self._wait(attempt)
            attempt.fd, attempt.begun, attempt.until = sock.fileno(), now, now + wait
            self._open[attempt.fd] = attempt
            self._by_age[wait].append(attempt)
            epoll.register(attempt.fd, _SETTLED)
        else:
            self._settle(attempt, code)
        return True

    def _wait(self, attempt: _Try) -> float:
        round_trip = self._round_trip.get(attempt.text)
        if round_trip is None:
            return self._patience
        least = _STEP if attempt.number < self._tries else _LAST
        return min(self._patience, math.ceil(max(round_trip * _ROUND_TRIPS, least) / _STEP) * _STEP)

    def _collect(self, epoll: select.epoll, pause: float) -> None:
        if not self._open:
            if self._waiting:
                self._stop.wait(pause)
            return
        # Every event is read before anything expires: an answer that waited for us is no silence.
        events = epoll.poll(pause, self._in_flight)
        now = time.monotonic()
        for fd, _ in events:
            attempt = self._open.pop(fd)
            if attempt.sock is not None:
                self._heard(attempt, now)
                self._settle(attempt, attempt.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))

    def _heard(self, attempt: _Try, now: float) -> None:
        """Take note of the round trip of an answer, and of what a late one says was lost."""
        text, trip = attempt.text, now - attempt.begun
        if attempt.number == 1:
            self._round_trip[text] = max(self._round_trip.get(text, 0.0), trip)
        elif now - self._losing.get(text, 0.0) >= _LOSS_EVERY:
            self._losing[text] = now
            self._slow_down(attempt.address)

    def _expire(self, epoll: select.epoll) -> None:
        now = time.monotonic()
        for tries in self._by_age.values():
            while tries and (tries[0].sock is None or tries[0].until <= now):
                attempt = tries.popleft()
                if attempt.sock is not None:
                    del self._open[attempt.fd]
                    self._settle(attempt, errno.ETIMEDOUT)

    def _settle(self, attempt: _Try, code: int) -> None:
        if attempt.sock is not None:
            if not code and is_own_echo(attempt.sock):
                code = errno.ECONNREFUSED
            elif not code:
                attempt.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            attempt.sock.close()
            attempt.sock = None
        if code == 0:
            self._answer(attempt, PortState.OPEN)
        elif code in _CLOSED:
            self._answer(attempt, PortState.CLOSED)
        elif code != errno.ETIMEDOUT:
            self._answer(attempt, PortState.UNREACHABLE)
        elif attempt.number < self._tries + (attempt.text in self._losing):
            again = _Try(attempt.address, attempt.text, attempt.port, attempt.number + 1)
            self._later(again, self._reserve(attempt.address))
        else:
            self._answer(attempt, PortState.FILTERED)

    def _answer(self, attempt: _Try, state: PortState) -> None:
        self._answers.append(
            PortAnswer(
                address=attempt.text, port=attempt.port, state=state, tries=attempt.number, patience=self._patience
            )
        )

    def _hand_over(self) -> None:
        if self._answers:
            answers, self._answers = self._answers, []
            self._emit(answers)
