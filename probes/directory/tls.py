"""TLS to a domain controller: its chain and its configured name verified by the standard library."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

import ldap3

from probes.directory.target import DirectoryTarget
from probes.directory.wire import socket_error
from probes.interface import ProbeError, Reason

T = TypeVar("T")
#: Largest content of a TLS record (RFC 8446 5.1), and bytes taken from the socket at once.
RECORD = 16 << 10
ARRIVING = 64 << 10


class VerifiedTls(ldap3.Tls):
    """Puts TLS over the socket of an ldap3 connection, and remembers why it failed."""

    def __init__(self, target: DirectoryTarget) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._target = target
        self.failure: ProbeError | None = None

    def wrap_socket(self, connection: ldap3.Connection, do_handshake: bool = False) -> None:
        """Put TLS over the connection's socket."""
        secured = TlsSocket(connection.socket, self._trusting(), self._target.host)
        # known to the connection before it waits for the server, so that an abort reaches it
        connection.socket = secured
        try:
            secured.do_handshake()
        except OSError as error:
            self.failure = socket_error(error)
            raise

    def _trusting(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._target.ca_file or None)
        except OSError as error:  # of the file: absent, not readable, no PEM
            self.failure = ProbeError(Reason.CERTIFICATE, f"ca_file {self._target.ca_file}: {error.strerror or error}")
            raise


class TlsSocket:
    """A connected socket within TLS; it blocks, and raises, as a socket does.

    Records are opened in memory, many for one system call: Samba cuts its answers into records of a KiB, and
    ``ssl.SSLSocket``, which makes two calls for each, takes three times longer to read them than Samba to send them.
    """

    def __init__(self, plain: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._plain = plain
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def do_handshake(self) -> None:
        """Agree with the server, and verify it."""
        self._step(self._tls.do_handshake)

    def sendall(self, data: bytes) -> None:
        """Send everything."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._step(partial(self._tls.write, rest)) :]

    def recv(self, size: int) -> bytes:
        """Return what has arrived, at most ``size`` bytes, or wait for it; nothing once the server has closed."""
        try:
            data = bytearray(self._step(partial(self._tls.read, min(size, RECORD))))
        except ssl.SSLEOFError:
            return b""
        with suppress(ssl.SSLWantReadError):
            while data and len(data) < size and (more := self._tls.read(min(size - len(data), RECORD))):
                data += more
        return bytes(data)

    def version(self) -> str:
        """Return the version agreed on, as in ``TLSv1.3``."""
        return self._tls.version() or ""

    def certificate(self) -> bytes | None:
        """Return the server's certificate (DER)."""
        return self._tls.getpeercert(binary_form=True)

    def shutdown(self, how: int) -> None:
        """End the connection under whoever reads or writes it."""
        self._plain.shutdown(how)

    def close(self) -> None:
        """Close the socket."""
        self._plain.close()

    def _step(self, step: Callable[[], T]) -> T:
        """Take a step of TLS, sending what it has to say and waiting for what it has to hear."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush()
                self._hear()
            except ssl.SSLError:
                # the alert that says why we leave, to a server that may be gone
                with suppress(OSError):
                    self._flush()
                raise
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._plain.sendall(self._outgoing.read())

    def _hear(self) -> None:
        if arrived := self._plain.recv(ARRIVING):
            self._incoming.write(arrived)
        else:
            self._incoming.write_eof()
