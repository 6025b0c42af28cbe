"""A scripted LDAP server that binds anyone, then lies as told."""

from __future__ import annotations

import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from probes.directory.messages import PAGED, control
from probes.facts.ber import BerError, element, expect, header, integer, number
from probes.facts.entries import encode_entry
from tests.lab.samba import certificates

HOST = "dc1.menteur.example"
BASE = "DC=menteur,DC=example"
ROOT_DSE: Mapping[str, tuple[bytes, ...]] = {
    "currentTime": (b"20261124120000.0Z",),
    "defaultNamingContext": (BASE.encode(),),
    "rootDomainNamingContext": (BASE.encode(),),
    "configurationNamingContext": (f"CN=Configuration,{BASE}".encode(),),
    "schemaNamingContext": (f"CN=Schema,CN=Configuration,{BASE}".encode(),),
    "namingContexts": (BASE.encode(),),
    "dnsHostName": (HOST.encode(),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A search received: its message id, its rank among the searches of its connection, and the raw message."""

    id: int
    rank: int
    connection: int
    raw: bytes


@dataclass(slots=True, kw_only=True)
class Script:
    """What the server says. ``search`` yields the bytes to send; it raises ConnectionError to hang up."""

    search: Callable[[Question], Iterable[bytes]] = lambda question: [done(question.id)]
    bind: tuple[int, str] = (0, "")
    start_tls: tuple[int, bytes] = (0, b"")
    root_dse: Mapping[str, tuple[bytes, ...]] = field(default_factory=lambda: ROOT_DSE)


@dataclass(slots=True, kw_only=True)
class Liar:
    """A running scripted server."""

    address: str
    port: int
    ca_file: Path
    #: Every message received, in order.
    heard: list[bytes] = field(default_factory=list)
    connections: int = 0


def result(message_id: int, tag: int, code: int, text: str = "", controls: bytes = b"") -> bytes:
    """Return an LDAPResult."""
    body = element(tag, number(code, 0x0A), element(4, b""), element(4, text.encode()))
    return element(0x30, number(message_id), body, element(0xA0, controls) if controls else b"")


def done(message_id: int, code: int = 0, *, cookie: bytes = b"", text: str = "") -> bytes:
    """Return the end of a search, with the cookie of the next page."""
    page = control(PAGED, element(0x30, number(0), element(4, cookie)), critical=False)
    return result(message_id, 0x65, code, text, page)


def people(question: Question, count: int, first: int = 0) -> bytes:
    """Return entries."""
    return b"".join(
        encode_entry(f"CN=agent {i},{BASE}", {"objectClass": (b"user",)}, message_id=question.id)
        for i in range(first, first + count)
    )


@contextmanager
def liar(script: Script, *, tls: bool = True) -> Iterator[Liar]:
    """Serve a script on a free loopback port: LDAPS, or LDAP with StartTLS."""
    with (
        tempfile.TemporaryDirectory(prefix="hygie-lab-") as temporary,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        folder = Path(temporary)
        ca_file = certificates(folder, HOST)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        running = Liar(address="127.0.0.1", port=server.getsockname()[1], ca_file=ca_file)
        thread = threading.Thread(target=_accept, args=(server, context, script, running, tls), daemon=True)
        thread.start()
        try:
            yield running
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _accept(server: socket.socket, context: ssl.SSLContext, script: Script, running: Liar, tls: bool) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        running.connections += 1
        words = (client, context, script, running, running.connections, tls)
        threading.Thread(target=_welcome, args=words, daemon=True).start()


def _welcome(
    client: socket.socket, context: ssl.SSLContext, script: Script, running: Liar, number: int, tls: bool
) -> None:
    with client, suppress(OSError, BerError):
        if tls:
            with context.wrap_socket(client, server_side=True) as wrapped:
                _serve(wrapped, context, script, running, number)
        else:
            _serve(client, context, script, running, number)


def _serve(client: socket.socket, context: ssl.SSLContext, script: Script, running: Liar, number: int) -> None:
    rank = 0
    while message := _message(client):
        running.heard.append(message)
        start, stop = expect(message, 0, len(message), 0x30)
        first, past = expect(message, start, stop, 0x02)
        message_id, (tag, at, end) = integer(message, first, past), header(message, past, stop)
        if tag == 0x60:
            client.sendall(result(message_id, 0x61, *script.bind))
        elif tag == 0x77:
            client.sendall(result(message_id, 0x78, script.start_tls[0]) + script.start_tls[1])
            if script.start_tls[0] == 0:
                with context.wrap_socket(client, server_side=True) as wrapped:
                    _serve(wrapped, context, script, running, number)
                return
        elif tag == 0x63 and expect(message, at, end, 0x04)[0] == expect(message, at, end, 0x04)[1]:
            client.sendall(encode_entry("", script.root_dse, message_id=message_id) + done(message_id))
        elif tag == 0x63:
            rank += 1
            question = Question(id=message_id, rank=rank, connection=number, raw=message)
            for answer in script.search(question):
                client.sendall(answer)


def _message(client: socket.socket) -> bytes:
    data = b""
    while True:
        with suppress(BerError):
            return data[: header(data, 0, len(data))[2]]
        more = client.recv(65536)
        if not more:
            return b""
        data += more
