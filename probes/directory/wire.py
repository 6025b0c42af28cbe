"""LDAP messages on a socket: framed, capped, sealed when the bind agreed on it."""

from __future__ import annotations

import socket
import ssl
from typing import Protocol

from ldap3.core.results import RESULT_CODES

from probes.directory.messages import RESULTS, Answer, plain, read_answer, read_operation
from probes.facts.ber import BerError
from probes.interface import ProbeError, Reason

#: Largest LDAP message, and largest sealed buffer (Samba and Windows stop at 16 MiB).
MESSAGE_CAP = 4 << 20
SEALED_CAP = 16 << 20


class Sealer(Protocol):
    """A security context that seals what is sent and opens what is received (RFC 4422 3.7)."""

    def seal(self, data: bytes) -> bytes:
        """Return the sealed form."""
        ...

    def open(self, data: bytes) -> bytes:
        """Return the clear form; raise ``ProbeError`` when it was altered."""
        ...


class SocketHolder(Protocol):
    """What owns the socket, over which TLS is put on the way (ldap3's Connection)."""

    socket: socket.socket


class Wire:
    """The messages of one connection. Every method blocks, and raises ``ProbeError``.

    ``allowance`` is the number of bytes that may still be read; whoever reads sets it.
    """

    def __init__(self, holder: SocketHolder, allowance: int) -> None:
        self._holder = holder
        self.allowance = allowance
        self.received = 0
        self.sealer: Sealer | None = None
        self.answer: Answer | None = None
        self._buffer = bytearray()
        self._at = 0
        self._sealed = bytearray()

    def send(self, message: bytes) -> None:
        """Send one message."""
        if self.sealer:
            sealed = self.sealer.seal(message)
            message = len(sealed).to_bytes(4, "big") + sealed
        try:
            self._holder.socket.sendall(message)
        except OSError as error:
            raise socket_error(error) from None

    def message(self) -> bytes:
        """Return the next whole message."""
        while True:
            size = self._framed()
            if size and len(self._buffer) - self._at >= size:
                start = self._at
                self._at += size
                found = bytes(memoryview(self._buffer)[start : self._at])
                if self._at == len(self._buffer) or self._at > MESSAGE_CAP:
                    del self._buffer[: self._at]
                    self._at = 0
                return found
            self._fill()

    def answers(self) -> list[bytes]:
        """Return the next answer alone, rewritten so that ldap3 decodes nothing we have not checked; keep it."""
        message = self.message()
        try:
            self.answer = read_answer(message)
        except BerError as error:
            raise ProbeError(Reason.MALFORMED, str(error)) from None
        if self.answer.message_id == 0:
            raise ProbeError(Reason.CONNECTION_LOST, self.answer.text)
        if self.answer.code not in RESULT_CODES:
            raise ProbeError(Reason.MALFORMED, f"result code {self.answer.code}")
        return [plain(self.answer)]

    def is_drained(self) -> bool:
        """Tell whether nothing was received beyond the last message."""
        return not self._buffer

    def _framed(self) -> int:
        """Return the size of the next message, or 0 when too little of it is here."""
        have = len(self._buffer) - self._at
        if have and self._buffer[self._at] != 0x30:
            raise ProbeError(Reason.NOT_SPOKEN, "not an LDAP message")
        if have < 2:
            return 0
        length = self._buffer[self._at + 1]
        if length < 0x80:
            return 2 + length
        count = length & 0x7F
        if not 1 <= count <= 4:
            raise ProbeError(Reason.MALFORMED, "length of an LDAP message")
        if have < 2 + count:
            return 0
        size = 2 + count + int.from_bytes(self._buffer[self._at + 2 : self._at + 2 + count], "big")
        if size > MESSAGE_CAP:
            raise ProbeError(Reason.TOO_LARGE, f"an LDAP message of {size} bytes")
        return size

    def _fill(self) -> None:
        data = self._receive()
        if not self.sealer:
            self._buffer += data
            return
        self._sealed += data
        while len(self._sealed) >= 4:
            size = int.from_bytes(self._sealed[:4], "big")
            if size > SEALED_CAP:
                raise ProbeError(Reason.TOO_LARGE, f"a sealed buffer of {size} bytes")
            if len(self._sealed) < 4 + size:
                return
            self._buffer += self.sealer.open(bytes(self._sealed[4 : 4 + size]))
            del self._sealed[: 4 + size]

    def _receive(self) -> bytes:
        try:
            data = self._holder.socket.recv(65536)
        except OSError as error:
            raise socket_error(error) from None
        if not data:
            half = self._buffer[self._at :] or self._sealed
            raise ProbeError(Reason.TRUNCATED if half else Reason.CONNECTION_LOST, "the server closed the connection")
        self.received += len(data)
        self.allowance -= len(data)
        if self.allowance < 0:
            raise ProbeError(Reason.TOO_LARGE, "more bytes than allowed")
        return data


def socket_error(error: OSError) -> ProbeError:
    """Return the typed reason of an error of a socket or of TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return ProbeError(Reason.CERTIFICATE, error.verify_message or str(error.reason))
    if isinstance(error, TimeoutError):
        return ProbeError(Reason.TIMED_OUT)
    if isinstance(error, ConnectionRefusedError):
        return ProbeError(Reason.REFUSED)
    if isinstance(error, (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return ProbeError(Reason.CONNECTION_LOST)
    if isinstance(error, ssl.SSLError):
        return ProbeError(Reason.NOT_SPOKEN, f"TLS: {error.reason or error}")
    return ProbeError(Reason.UNREACHABLE, error.strerror or str(error))


def is_result(message: bytes) -> bool:
    """Tell whether a message ends an operation; raise ``BerError``."""
    return read_operation(message)[1] in RESULTS
