"""TLS over a socket, records opened in memory: what arrives is what a server of the standard library sent."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from probes.directory.tls import TlsSocket
from tests.lab.samba import certificates

HOST = "dc1.chu.example"
TEXT = bytes(range(256)) * 400


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tls")
    certificates(place, HOST)
    return place


@contextmanager
def served(
    folder: Path,
    serve: Callable[[ssl.SSLSocket], None],
    *,
    host: str = HOST,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> Iterator[tuple[TlsSocket, list[OSError]]]:
    """Serve one connection in a thread; give our end of it, and what the server's TLS complained of."""
    ours, theirs = socket.socketpair()
    offered = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    offered.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    offered.maximum_version = version
    heard: list[OSError] = []

    def run() -> None:
        try:
            with offered.wrap_socket(theirs, server_side=True) as server:
                serve(server)
        except OSError as error:
            heard.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    ours.settimeout(5)
    client = TlsSocket(ours, ssl.create_default_context(cafile=folder / "ca.pem"), host)
    try:
        yield client, heard
    finally:
        client.close()
        thread.join()


def whole(client: TlsSocket) -> bytes:
    return b"".join(iter(lambda: client.recv(4096), b""))


def small_records(server: ssl.SSLSocket) -> None:
    for at in range(0, len(TEXT), 100):
        server.send(TEXT[at : at + 100])


def goodbye(server: ssl.SSLSocket) -> None:
    server.sendall(TEXT)
    with suppress(OSError):
        server.unwrap()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("serve", [small_records, goodbye, lambda server: server.sendall(TEXT)])
def test_what_was_sent_arrives_whole_then_nothing(
    folder: Path, serve: Callable[[ssl.SSLSocket], None], version: ssl.TLSVersion
) -> None:
    with served(folder, serve, version=version) as (client, _):
        client.do_handshake()
        assert client.version() == version.name.replace("_", ".")
        assert ssl.DER_cert_to_PEM_cert(client.certificate() or b"") == (folder / "cert.pem").read_text()
        assert whole(client) == TEXT
        assert client.recv(1) == b""


def test_no_more_is_given_than_was_asked(folder: Path) -> None:
    with served(folder, small_records) as (client, _):
        client.do_handshake()
        assert [client.recv(size) for size in (1, 99)] == [TEXT[:1], TEXT[1:100]]
        assert whole(client) == TEXT[100:]


def test_many_records_are_given_at_once(folder: Path) -> None:
    with served(folder, small_records) as (client, _):
        client.do_handshake()
        # how many at a time depends on how far the server is ahead: fewer calls than records, in any case
        assert len(list(iter(lambda: client.recv(65536), b""))) < len(TEXT) // 100 / 2


def test_a_long_request_is_sent_whole(folder: Path) -> None:
    def echo(server: ssl.SSLSocket) -> None:
        got = b""
        while len(got) < len(TEXT):
            got += server.recv(65536)
        server.sendall(got)

    with served(folder, echo) as (client, _):
        client.do_handshake()
        client.sendall(TEXT)
        assert whole(client) == TEXT


def test_an_altered_record_is_an_error_not_data(folder: Path) -> None:
    def altered(server: ssl.SSLSocket) -> None:
        server.send(b"vrai")
        with socket.socket(fileno=server.detach()) as bare:
            bare.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))

    with served(folder, altered) as (client, _):
        client.do_handshake()
        with pytest.raises(ssl.SSLError, match=r"(?i)bad.record.mac"):
            whole(client)


def test_a_server_of_another_name_is_refused_and_told(folder: Path) -> None:
    with served(folder, small_records, host="dc2.chu.example") as (client, heard):
        with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
            client.do_handshake()
        client.shutdown(socket.SHUT_WR)
    assert isinstance(heard[0], ssl.SSLError)
    assert "ALERT" in str(heard[0])


def test_a_server_that_leaves_in_the_handshake_is_an_error(folder: Path) -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(OSError, match=r"EOF|Broken pipe|reset"):
        TlsSocket(ours, ssl.create_default_context(cafile=folder / "ca.pem"), HOST).do_handshake()
