"""A share that lies, stops or drips: a typed reason, in bounded time, and nothing left behind."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from probes.directory.smb import PORT
from probes.directory.sysvol import DirectorySysvol
from probes.directory.target import DirectorySettings, DirectoryTarget
from probes.interface import Asset, AssetKind, ProbeError, Reason
from probes.interface.secret import Secret
from tests.lab.line import open_line

ADDRESS = "127.61.61.61"


@contextmanager
def server(script: Callable[[socket.socket], None]) -> Iterator[None]:
    """Serve a script on the port of SMB, one connection after the other."""
    with socket.create_server((ADDRESS, PORT)) as listening:

        def serve() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                with client, suppress(OSError):
                    script(client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(5)


async def refused() -> ProbeError:
    target = DirectoryTarget(
        url="ldaps://dc1.menteur.example",
        address=ADDRESS,
        user="lecteur@menteur.example",
        password=Secret("Mot-de-passe-1"),
        connect_seconds=2,
        page_seconds=2,
    )
    probe = DirectorySysvol(DirectorySettings(targets={"ad": target}))
    with pytest.raises(ProbeError) as failure:
        async for _ in probe.look(Asset(kind=AssetKind.CONTROLLER, name="dc1", found_by="directory:ad"), open_line()):
            pass
    assert "Mot-de-passe-1" not in str(failure.value)
    return failure.value


def garbage(client: socket.socket) -> None:
    client.recv(4096)
    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def hang_up(client: socket.socket) -> None:
    client.recv(4096)


def silence(client: socket.socket) -> None:
    client.settimeout(6)
    while client.recv(4096):
        pass


def announced(client: socket.socket) -> None:
    client.recv(4096)
    client.sendall(b"\0\xff\xff\xff")
    client.settimeout(6)
    while client.recv(4096):
        pass


def smb1(client: socket.socket) -> None:
    client.recv(4096)
    answer = b"\xffSMB\x72\0\0\0\0\x98\x01\x28" + bytes(20) + b"\x01\x05\0\0\0"
    client.sendall(len(answer).to_bytes(4, "big") + answer)
    silence(client)


def random_bytes(client: socket.socket) -> None:
    client.recv(4096)
    body = b"\xfeSMB" + bytes(range(200))
    client.sendall(len(body).to_bytes(4, "big") + body)
    silence(client)


@pytest.mark.parametrize(
    ("script", "reasons"),
    [
        (garbage, {Reason.CONNECTION_LOST, Reason.MALFORMED, Reason.TIMED_OUT}),
        (hang_up, {Reason.CONNECTION_LOST}),
        (silence, {Reason.TIMED_OUT}),
        (announced, {Reason.TIMED_OUT}),
        (smb1, {Reason.MALFORMED, Reason.CONNECTION_LOST, Reason.TIMED_OUT, Reason.NOT_SPOKEN}),
        (random_bytes, {Reason.MALFORMED, Reason.CONNECTION_LOST, Reason.TIMED_OUT}),
    ],
)
async def test_a_share_that_lies_has_its_reason_in_bounded_time(
    script: Callable[[socket.socket], None], reasons: set[Reason]
) -> None:
    began = time.monotonic()
    with server(script):
        failure = await refused()
    assert failure.reason in reasons
    assert time.monotonic() - began < 10
