"""Peers that lie, drip, flood and hang up, beside one honest site; scanned in this process, which then tells.

``python -m tests.lab.hostile FOLDER [quiet]`` prints the JSON report of the scan, its seconds and this process's peak
memory (bytes) as one JSON object; with ``quiet`` the liars are declared and nobody listens in their place. The liars
run in a process of their own (``python -m tests.lab.hostile lie``) until its input closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gzip
import json
import resource
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import dns.message
import dns.name
import dns.rcode
import dns.zone
from cryptography.hazmat.primitives.serialization import Encoding

from reports.json import plain, tree
from scanner import run
from scanner.config.load import parse
from scanner.demo import nameserver, services
from scanner.demo.certificates import authority, leaf
from scanner.demo.listening import Handler, listening
from scanner.demo.nameserver import NameServer
from scanner.demo.services import Page, Site
from scanner.judging import judge_scan
from scanner.store.store import open_store
from tests.lab.scene import DNS, configuration, zones

TLS, HTTP = 8443, 8080
RESOLVER, ROOT, OWN, HONEST = "127.79.0.1", "127.79.0.3", "127.79.0.2", "127.79.0.10"
_FOREVER = 10_000


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(_FOREVER)


async def _garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(bytes(range(256)) * 64)
    await writer.drain()


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _drip_hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A ServerHello record announced whole, sent a byte at a time."""
    await reader.read(4096)
    for byte in struct.pack("!BHH", 22, 0x0303, 512) + b"\x02" + bytes(510):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.5)


async def _endless_records(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Handshake records without end."""
    record = struct.pack("!BHH", 22, 0x0303, 16384) + b"\x0b\xff\xff\xff" + bytes(16380)
    while True:
        writer.write(record)
        await writer.drain()


def _http(head: str, body: bytes = b"") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{head}\r\n".encode() + body


async def _bomb(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """100 MiB of zeros in 100 KiB."""
    await reader.read(4096)
    body = gzip.compress(bytes(100 << 20))
    writer.write(_http(f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n", body))
    await writer.drain()


async def _endless_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(4096)
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Filler: " + b"a" * 4000 + b"\r\n")
        await writer.drain()


async def _drip_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(4096)
    writer.write(_http("Content-Length: 100000\r\n"))
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.5)


async def _endless_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(4096)
    writer.write(_http(""))
    while True:
        writer.write(b"<p>" + b"a" * 65533)
        await writer.drain()


async def _half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(4096)
    writer.write(_http("Content-Length: 5000\r\n", b"<html>"))
    await writer.drain()


async def _loop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A redirect to itself."""
    await reader.read(4096)
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


#: Each liar has a host of its own: what it does on the TLS port, or on the port in clear.
ON_TLS: dict[str, Handler] = {
    "silent": _silent,
    "garbage": _garbage,
    "reset": _reset,
    "drip": _drip_hello,
    "records": _endless_records,
}
ON_HTTP: dict[str, Handler] = {
    "bomb": _bomb,
    "headers": _endless_headers,
    "drip-body": _drip_body,
    "body": _endless_body,
    "half": _half,
    "loop": _loop,
    "silent-http": _silent,
}
#: Name servers of a zone each: what the bytes of every answer are; None is silence.
ON_DNS = ("dns-silent", "dns-servfail", "dns-garbage", "dns-loop", "dns-other-id")
_LIARS = (*ON_TLS, *ON_HTTP)


def address(host: str) -> str:
    """The loopback address of a liar."""
    return f"127.79.1.{(*_LIARS, *ON_DNS).index(host) + 1}"


class _LyingServer(asyncio.DatagramProtocol):
    def __init__(self, kind: str) -> None:
        self._kind = kind

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        if self._kind == "dns-silent":
            return
        answer = data[:2] + b"\x84\x00" + data[4:6] + b"\x00\x01\x00\x00\x00\x00" + data[12:]
        if self._kind == "dns-servfail":
            response = dns.message.make_response(dns.message.from_wire(data))
            response.set_rcode(dns.rcode.SERVFAIL)
            answer = response.to_wire()
        elif self._kind == "dns-garbage":
            answer = data[:2] + bytes(range(200))
        elif self._kind == "dns-loop":
            answer += bytes([0xC0, len(answer)]) + b"\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04\x7f\x00\x00\x01"
        elif self._kind == "dns-other-id":
            answer = bytes([data[0] ^ 0xFF]) + answer[1:]
        self._transport.sendto(answer, peer)


def _zones() -> dict[str, dns.zone.Zone]:
    root = f"@ 60 SOA a. h. 1 1 1 1 1\n@ 60 NS a.\na. 60 A {ROOT}\n"
    root += f"lab.test. 60 NS ns.lab.test.\nns.lab.test. 60 A {OWN}\n"
    root += "".join(f"{z}.test. 60 NS ns.{z}.test.\nns.{z}.test. 60 A {address(z)}\n" for z in ON_DNS)
    own = f"@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A {OWN}\nwww 60 A {HONEST}\n"
    own += "".join(f"{host} 60 A {address(host)}\n" for host in _LIARS)
    texts = {".": root, "lab.test.": own}
    return zones(texts)


def _configuration(folder: Path) -> str:
    """The configuration of the scene; steps are short, so that a liar costs seconds."""
    more = f"""
[probes.dns]
roots = ["{ROOT}"]
[probes.tls]
ports = [{TLS}]
store = "{folder / "ca.pem"}"
[probes.ports]
short = [{TLS}, {HTTP}]
patience = 0.3
[probes.web]
tls_ports = [{TLS}]
clear_ports = [{HTTP}]
pause = 0.0
"""
    return configuration(
        resolver=RESOLVER, domains=[f"{zone}.test" for zone in ("lab", *ON_DNS)], perimeter="lab",
        networks=["127.79.0.0/24", "127.79.1.0/24"], hosts=[f"{host}.lab.test" for host in ("www", *_LIARS)],
        more=more, step_seconds=15.0,
    )  # fmt: skip


async def _lie() -> None:
    async with contextlib.AsyncExitStack() as stack:
        for handlers, port in ((ON_TLS, TLS), (ON_HTTP, HTTP)):
            for host, handler in handlers.items():
                await stack.enter_async_context(listening(handler, address(host), port))
        for zone in ON_DNS:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                functools.partial(_LyingServer, zone), (address(zone), DNS)
            )
            stack.callback(transport.close)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


@contextlib.contextmanager
def _liars() -> Iterator[None]:
    command = [sys.executable, "-m", "tests.lab.hostile", "lie"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            running.stdin.close()


async def scene(folder: Path, *, quiet: bool) -> dict[str, object]:
    """Stage, scan, and return the report's plain data with what the scan cost."""
    now = datetime.now(UTC)
    signer = authority("AC", now)
    (folder / "ca.pem").write_bytes(signer.chain[0].public_bytes(Encoding.PEM))
    honest = Site(
        name="www.lab.test",
        address=HONEST,
        port=TLS,
        identity=leaf(signer, ("www.lab.test",), now, days_before=400, days_after=-12),
        pages={"/": Page(body=b"<!doctype html><title>x</title>")},
    )
    settings = parse(folder / "config.toml", _configuration(folder))
    staged = _zones()
    asked = NameServer(zones=tuple(staged.values()), resolver=True)
    own = NameServer(zones=(staged["lab.test."],))
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(nameserver.serving(asked, RESOLVER, DNS))
        await stack.enter_async_context(nameserver.serving(NameServer(zones=(staged["."],)), ROOT, DNS))
        await stack.enter_async_context(nameserver.serving(own, OWN, DNS))
        await stack.enter_async_context(services.serving(honest))
        if not quiet:
            stack.enter_context(_liars())
        with open_store(folder / "hygie.sqlite") as store:
            start = time.monotonic()
            ended, _ = await run.scan(settings, store, "lab")
            seconds = time.monotonic() - start
            report = plain(tree(judge_scan(settings, store, ended.id)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"report": report, "seconds": seconds, "peak": peak}


if __name__ == "__main__":
    if sys.argv[1] == "lie":
        asyncio.run(_lie())
    else:
        print(json.dumps(asyncio.run(scene(Path(sys.argv[1]), quiet="quiet" in sys.argv[2:]))))
