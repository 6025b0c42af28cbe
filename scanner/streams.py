"""Granted TCP connections: a hard deadline and a byte cap over their whole life."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Callable
from ipaddress import ip_address

from probes.interface import IPAddress, ProbeError, Reason
from scanner.stop import StopButton

#: The option by which a socket hears of ICMP errors without being connected (Linux), by version of IP.
_RECEIVE_ERRORS = {4: (socket.IPPROTO_IP, 11), 6: (socket.IPPROTO_IPV6, 25)}
_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}


#: Why nothing is said to a device.
DEVICES_KEPT = "the mandate does not let industrial and building devices be identified"


def reason_of(error: OSError) -> Reason:
    """Return the typed reason of a socket error."""
    if isinstance(error, TimeoutError):
        return Reason.TIMED_OUT
    if isinstance(error, ConnectionRefusedError):
        return Reason.REFUSED
    return Reason.UNREACHABLE if error.errno in _UNREACHABLE else Reason.CONNECTION_LOST


class SocketStream:
    """A connected, non-blocking socket that reads at most ``cap`` bytes before ``deadline`` (loop time)."""

    def __init__(
        self, sock: socket.socket, address: IPAddress, port: int, *, deadline: float, cap: int, button: StopButton
    ) -> None:
        self._socket = sock
        self._peer = (address, port)
        self._deadline = deadline
        self._left = cap
        self._button = button

    @property
    def peer(self) -> tuple[IPAddress, int]:
        """The numeric address and port reached."""
        return self._peer

    async def send(self, data: bytes) -> None:
        """Send all of ``data``."""
        try:
            async with self._button.bound(self._deadline):
                await asyncio.get_running_loop().sock_sendall(self._socket, data)
        except OSError as error:
            raise ProbeError(reason_of(error)) from error

    async def receive(self, most: int = 65536) -> bytes:
        """Return the next bytes, at most ``most``; ``b""`` at the end of the stream."""
        # At the cap one byte more is read, to tell a stream that ends there from one that goes on.
        wanted = min(most, self._left) or 1
        try:
            async with self._button.bound(self._deadline):
                data = await asyncio.get_running_loop().sock_recv(self._socket, wanted)
        except OSError as error:
            raise ProbeError(reason_of(error)) from error
        if len(data) > self._left:
            raise ProbeError(Reason.TOO_LARGE, "more bytes than the cap allows")
        self._left -= len(data)
        return data

    async def receive_exactly(self, count: int) -> bytes:
        """Return exactly ``count`` bytes; a shorter stream is ``truncated-answer``."""
        parts, missing = [], count
        while missing:
            data = await self.receive(missing)
            if not data:
                raise ProbeError(Reason.TRUNCATED, f"{count - missing} of {count} bytes")
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    async def close(self) -> None:
        """Close; never raises."""
        self._socket.close()


def is_own_echo(sock: socket.socket) -> bool:
    """Tell whether a socket connected to itself, as happens on loopback to a closed port of the ephemeral range."""
    try:
        return bool(sock.getsockname() == sock.getpeername())
    except OSError:
        return False


async def open_stream(address: IPAddress, port: int, *, deadline: float, cap: int, button: StopButton) -> SocketStream:
    """Connect within ``deadline`` seconds, which then bound the whole life of the stream."""
    loop = asyncio.get_running_loop()
    until = loop.time() + deadline
    sock = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        async with button.bound(until, f"{address} port {port}"):
            await loop.sock_connect(sock, (str(address), port))
    except OSError as error:
        sock.close()
        raise ProbeError(reason_of(error), f"{address} port {port}") from error
    except (ProbeError, asyncio.CancelledError):
        sock.close()
        raise
    if is_own_echo(sock):
        sock.close()
        raise ProbeError(Reason.REFUSED, f"{address} port {port}")
    return SocketStream(sock, address, port, deadline=until, cap=cap, button=button)


class TurnStream:
    """A stream that gives back the turn at a fragile address when it closes, or at its deadline if nobody closes it.

    Over a ``mute`` one nothing can be said.
    """

    def __init__(self, stream: SocketStream, turn: asyncio.Lock, deadline: float, *, mute: bool = False) -> None:
        self._stream = stream
        self._mute = mute
        self._turn: asyncio.Lock | None = turn
        self._timer = asyncio.get_running_loop().call_later(deadline, self._give_back)

    @property
    def peer(self) -> tuple[IPAddress, int]:
        """The numeric address and port reached."""
        return self._stream.peer

    async def send(self, data: bytes) -> None:
        """Send all of ``data``; raise ``level`` when the mandate lets this device be connected to and no more."""
        if self._mute:
            raise ProbeError(Reason.LEVEL, DEVICES_KEPT)
        await self._stream.send(data)

    async def receive(self, most: int = 65536) -> bytes:
        """Return the next bytes, at most ``most``; ``b""`` at the end of the stream."""
        return await self._stream.receive(most)

    async def receive_exactly(self, count: int) -> bytes:
        """Return exactly ``count`` bytes; a shorter stream is ``truncated-answer``."""
        return await self._stream.receive_exactly(count)

    async def close(self) -> None:
        """Close and give the turn back; never raises."""
        await self._stream.close()
        self._timer.cancel()
        self._give_back()

    def _give_back(self) -> None:
        if self._turn is not None:
            self._turn.release()
            self._turn = None


async def ask_datagram(query: bytes, server: IPAddress, port: int, *, deadline: float, button: StopButton) -> bytes:
    """Send one DNS message by UDP and return the first answer from that server with the same id."""
    return await exchange_datagram(
        query,
        server,
        port,
        deadline=deadline,
        button=button,
        ours=lambda answer: answer[:2] == query[:2] and len(answer) >= 12,
    )


async def exchange_datagram(
    request: bytes,
    server: IPAddress,
    port: int,
    *,
    deadline: float,
    button: StopButton,
    ours: Callable[[bytes], bool],
    any_port: bool = False,
) -> bytes:
    """Send one datagram and return the first one from that address and port (or ``any_port``) that is ``ours``."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET if server.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        if any_port:
            # a socket that is not connected hears of refusals only when it asks to
            sock.setsockopt(*_RECEIVE_ERRORS[server.version], 1)
        try:
            async with button.bound(loop.time() + deadline, f"{server} udp {port}"):
                if not any_port:
                    await loop.sock_connect(sock, (str(server), port))
                await loop.sock_sendto(sock, request, (str(server), port))
                while True:
                    answer, source = await loop.sock_recvfrom(sock, 65535)
                    if (not any_port or ip_address(source[0]) == server) and ours(answer):
                        return answer
        except OSError as error:
            raise ProbeError(reason_of(error), f"{server} udp {port}") from error


async def ask_stream(query: bytes, server: IPAddress, port: int, *, deadline: float, button: StopButton) -> bytes:
    """Send one DNS message by TCP and return the answer (RFC 7766)."""
    stream = await open_stream(server, port, deadline=deadline, cap=65537, button=button)
    try:
        await stream.send(struct.pack("!H", len(query)) + query)
        (length,) = struct.unpack("!H", await stream.receive_exactly(2))
        answer = await stream.receive_exactly(length)
    finally:
        await stream.close()
    if length < 12 or answer[:2] != query[:2]:
        raise ProbeError(Reason.MALFORMED, f"{server} answered another question")
    return answer
