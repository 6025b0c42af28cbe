"""The volley: thousands of DNS questions over UDP from one poll loop in a thread; a lost answer is never an absence."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from probes.interface import Existence, IPAddress, NameAnswer, Reason

#: Questions open at once: the start, the least under loss, the most. Five hundred in flight lose answers on loopback.
_START, _LEAST, _MOST = 32, 8, 160
#: Answers handed over at once, and how many such batches may wait for the reader.
_BATCH, _BATCHES = 256, 8
#: Tries in a row without a useful answer after which other servers are preferred, the pace slows, it is given up.
_SUSPECT, _SLOWED, _GIVEN_UP = 15, 30, 120
_TICK = 0.02
_BUFFER = 1 << 22
_QR, _AA, _TC = 0x8000, 0x0400, 0x0200
_NOERROR, _FORMERR, _NXDOMAIN = 0, 1, 3


@dataclass(slots=True)
class _Question:
    name: str
    wire: bytes
    number: int = 0
    until: float = 0.0
    failure: Reason = Reason.TIMED_OUT


@dataclass(slots=True)
class _Server:
    address: IPAddress
    sock: socket.socket
    #: The instant its next turn is due, already taken in the buckets.
    due: float
    open: dict[int, _Question] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=lambda: _identifiers())
    #: Tries in a row that brought nothing.
    vain: int = 0
    heard: bool = False

    def refused(self, reason: Reason) -> None:
        """What is open there has waited long enough."""
        for question in self.open.values():
            question.failure, question.until = reason, 0.0


class Volley:
    """One run over names. ``reserve`` gives the wait before a question, ``slow_down`` is told of loss.

    ``emit`` gets lists of answers in the thread, at most ``_BATCHES`` of them until ``taken`` is called for one.
    ``authoritative`` servers are believed only with the AA bit; truncated answers come out unknown (``truncated``).
    """

    def __init__(
        self,
        names: Iterator[str],
        servers: Sequence[IPAddress],
        *,
        port: int,
        rdtype: int,
        authoritative: bool,
        reserve: Callable[[IPAddress], float],
        slow_down: Callable[[IPAddress], None],
        emit: Callable[[list[NameAnswer]], object],
        patience: float,
        tries: int,
        stop: threading.Event,
    ) -> None:
        self._names = names
        self._addresses = tuple(servers)
        self._port = port
        self._rdtype = rdtype
        self._authoritative = authoritative
        self._reserve = reserve
        self._slow_down = slow_down
        self._emit = emit
        self._patience = patience
        self._tries = tries
        self._stop = stop
        self._slots = threading.Semaphore(_BATCHES)
        self._servers: list[_Server] = []
        self._again: deque[_Question] = deque()
        self._exhausted = False
        self._in_flight = 0
        self._window = float(_START)
        self._checked = 0.0
        #: Why the last server was given up.
        self._why = Reason.UNREACHABLE
        self._out: list[NameAnswer] = []

    def taken(self) -> None:
        """One batch was read: another may come."""
        self._slots.release()

    def run(self) -> None:
        """Run to the end, or to the stop button."""
        poll = select.poll()
        by_fd = {}
        try:
            for address in self._addresses:
                server = self._opened(address)
                if server is not None:
                    by_fd[server.sock.fileno()] = server
                    poll.register(server.sock.fileno(), select.POLLIN)
                    self._servers.append(server)
            while not self._stop.is_set():
                self._send()
                if self._exhausted and not self._again and not self._in_flight:
                    break
                for fd, _ in poll.poll(self._pause()):
                    self._receive(by_fd[fd])
                self._expire()
            self._hand_over()
        finally:
            for server in by_fd.values():
                server.sock.close()

    def _opened(self, address: IPAddress) -> _Server | None:
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        try:
            sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            sock.connect((str(address), self._port))
        except OSError:
            return None
        return _Server(address, sock, time.monotonic() + self._reserve(address))

    def _pause(self) -> int:
        """Milliseconds until something may be due."""
        due = min((server.due for server in self._servers), default=0.0)
        wait = min(_TICK, due - time.monotonic()) if self._in_flight < self._window else _TICK
        return max(0, round(wait * 1000))

    def _send(self) -> None:
        while self._in_flight < self._window:
            now = time.monotonic()
            server = min(self._servers, key=lambda s: (s.vain >= _SUSPECT, s.due), default=None)
            if server is not None and server.due > now:
                return
            question = self._next()
            if question is None:
                return
            if server is None:
                self._answer(question, Existence.UNKNOWN, reason=self._why)
            elif self._sent(server, question, now):
                server.due = now + self._reserve(server.address)
            else:
                return

    def _next(self) -> _Question | None:
        if self._again:
            return self._again.popleft()
        while not self._exhausted:
            name = next(self._names, None)
            if name is None:
                self._exhausted = True
                return None
            wire = question_section(name, self._rdtype)
            if wire is not None:
                return _Question(name, wire)
            self._out.append(NameAnswer(name=name, existence=Existence.UNKNOWN, reason=Reason.MALFORMED))
        return None

    def _sent(self, server: _Server, question: _Question, now: float) -> bool:
        number = next(server.ids)
        while number in server.open:
            number = next(server.ids)
        flags = 0 if self._authoritative else 0x0100
        try:
            server.sock.send(struct.pack("!6H", number, flags, 1, 0, 0, 0) + question.wire)
        except BlockingIOError:
            self._again.appendleft(question)
            return False
        except OSError as error:
            # An earlier datagram was refused (ICMP): the error is told by the next call on the socket.
            server.refused(_reason(error))
            question.failure, now = _reason(error), 0.0
        question.number += 1
        question.until = now + self._patience * min(question.number, 4)
        server.open[number] = question
        self._in_flight += 1
        return True

    def _receive(self, server: _Server) -> None:
        sock, opened = server.sock, server.open
        while True:
            try:
                wire = sock.recv(4096)
            except BlockingIOError:
                return
            except OSError as error:
                server.refused(_reason(error))
                return
            if len(wire) < 12:
                continue
            number, flags = struct.unpack_from("!2H", wire)
            asked = opened.get(number)
            # Another question than the one asked under this id is somebody else's answer: the wait goes on.
            if asked is None or not flags & _QR or not _same(wire, asked.wire):
                continue
            del opened[number]
            self._in_flight -= 1
            self._judge(server, asked, wire, flags)

    def _judge(self, server: _Server, question: _Question, wire: bytes, flags: int) -> None:
        if flags & 15 in {_NOERROR, _NXDOMAIN}:
            server.vain, server.heard = 0, True
            self._window = min(_MOST, self._window + 1 / self._window)
        existence, reason = existence_of(wire, question.wire, authoritative=self._authoritative)
        if reason in {Reason.SERVER_FAILURE, Reason.MALFORMED}:
            self._in_vain(server, [question], reason)
        else:
            self._answer(question, existence, b"" if existence is Existence.ABSENT else wire, reason)

    def _expire(self) -> None:
        now = time.monotonic()
        if now < self._checked + _TICK:
            return
        self._checked = now
        for server in tuple(self._servers):
            late = [number for number, question in server.open.items() if question.until <= now]
            if late:
                questions = [server.open.pop(number) for number in late]
                self._in_flight -= len(late)
                self._in_vain(server, questions, None)

    def _in_vain(self, server: _Server, questions: list[_Question], reason: Reason | None) -> None:
        """Ask again what brought nothing, more slowly, and elsewhere once the server is given up."""
        before, server.vain = server.vain, server.vain + len(questions)
        self._window = max(_LEAST, self._window / 2)
        for question in questions:
            self._retry(question, reason or question.failure)
        if before // _SLOWED < server.vain // _SLOWED:
            self._slow_down(server.address)
        if server.vain >= _GIVEN_UP and server in self._servers:
            self._servers.remove(server)
            self._why = Reason.BLOCKED if server.heard else questions[-1].failure
            self._in_flight -= len(server.open)
            for question in server.open.values():
                self._retry(question, self._why)
            server.open.clear()

    def _retry(self, question: _Question, reason: Reason) -> None:
        question.failure = reason
        if question.number < self._tries:
            self._again.append(question)
        else:
            self._answer(question, Existence.UNKNOWN, reason=reason)

    def _answer(
        self, question: _Question, existence: Existence, wire: bytes = b"", reason: Reason = Reason.NONE
    ) -> None:
        self._out.append(NameAnswer(name=question.name, existence=existence, wire=wire, reason=reason))
        if len(self._out) >= _BATCH:
            self._hand_over()

    def _hand_over(self) -> None:
        while not self._slots.acquire(timeout=0.1):
            if self._stop.is_set():
                return
        self._emit(self._out)
        self._out = []


def _reason(error: OSError) -> Reason:
    return Reason.REFUSED if isinstance(error, ConnectionRefusedError) else Reason.UNREACHABLE


def _identifiers() -> Iterator[int]:
    """Unpredictable 16-bit numbers, without end."""
    while True:
        yield from struct.unpack("!1024H", os.urandom(2048))


def question_section(name: str, rdtype: int) -> bytes | None:
    """Return the question section of a DNS message, or None when the name cannot be one."""
    try:
        labels = name.rstrip(".").encode("ascii").split(b".")
    except UnicodeEncodeError:
        return None
    wire = b"".join([bytes([len(label)]) + label for label in labels if len(label) <= 63])
    if len(wire) > 254 or not all(labels) or any(len(label) > 63 for label in labels):
        return None
    return wire + b"\0" + struct.pack("!2H", rdtype, 1)


def existence_of(wire: bytes, question: bytes, *, authoritative: bool) -> tuple[Existence, Reason]:
    """Return what an answer to a question section says of the name, by its header alone.

    Of an authoritative server only answers with the AA bit say something; one without is a referral.
    """
    flags = struct.unpack_from("!H", wire, 2)[0] if len(wire) >= 12 else 0
    if not flags & _QR or not _same(wire, question):
        return Existence.UNKNOWN, Reason.MALFORMED
    if flags & _TC:
        return Existence.UNKNOWN, Reason.TRUNCATED
    rcode, sure = flags & 15, bool(flags & _AA) or not authoritative
    if rcode == _NOERROR:
        return (Existence.EXISTS, Reason.NONE) if sure else (Existence.UNKNOWN, Reason.REFERRAL)
    if rcode == _NXDOMAIN and sure:
        return Existence.ABSENT, Reason.NONE
    return Existence.UNKNOWN, Reason.MALFORMED if rcode == _FORMERR else Reason.SERVER_FAILURE


def _same(answer: bytes, question: bytes) -> bool:
    """Tell whether an answer repeats the question asked; some servers change the case."""
    end = 12 + len(question)
    return answer[4:6] == b"\0\1" and (
        answer[12:end] == question or (len(answer) >= end and answer[12:end].lower() == question.lower())
    )
