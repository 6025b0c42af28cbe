"""The services of the demonstration: small HTTP sites over TLS or in clear, and a speaker of an obsolete TLS."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
import struct
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scanner.demo.certificates import Identity
from scanner.demo.listening import Handler, listening

#: The longest request read, in bytes, and the longest wait for it, in seconds.
_REQUEST, _PATIENCE = 16384, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a path answers."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A web site on one port; without ``identity`` it speaks in clear. ``old_tls`` also takes TLS 1.0 and 1.1."""

    name: str
    address: str
    port: int
    identity: Identity | None = None
    old_tls: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    pages: Mapping[str, Page] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relic:
    """A device that answers every ClientHello with SSL 3.0 and RC4, as appliances of the 2000s do."""

    name: str
    address: str
    port: int


@contextlib.asynccontextmanager
async def serving(service: Site | Relic) -> AsyncIterator[None]:
    """Serve one service until the context ends."""
    if isinstance(service, Relic):
        handler: Handler = _relic
        context = None
    else:
        handler = functools.partial(_site, service)
        context = _context(service.identity, old=service.old_tls) if service.identity else None
    async with listening(handler, service.address, service.port, tls=context):
        yield


def _context(identity: Identity, *, old: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if old:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("ALL:@SECLEVEL=0")
    else:
        context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    chain, key = identity.pem()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "chain.pem").write_bytes(chain)
        (Path(folder) / "key.pem").write_bytes(key)
        context.load_cert_chain(Path(folder) / "chain.pem", Path(folder) / "key.pem")
    return context


async def _site(site: Site, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            request = (await reader.readuntil(b"\r\n\r\n"))[:_REQUEST].decode("latin-1")
        method, _, rest = request.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        page = site.pages.get(path) or Page(status=404, body=b"<!doctype html><title>404</title>")
        if method not in {"GET", "HEAD"}:
            page = Page(status=405, headers={"Allow": "GET, HEAD"})
        headers = {"Content-Type": "text/html; charset=utf-8", **site.headers, **page.headers}
        lines = [f"HTTP/1.1 {page.status} -", f"Content-Length: {len(page.body)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + (b"" if method == "HEAD" else page.body))
        await writer.drain()


#: SSL_RSA_WITH_RC4_128_SHA (RFC 6101 appendix C).
_RC4 = 0x0005


async def _relic(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            kind, _, length = struct.unpack("!BHH", await reader.readexactly(5))
            hello = await reader.readexactly(length)
        if kind == 22 and _offers(hello, _RC4):
            body = struct.pack("!H", 0x0300) + bytes(32) + b"\x00" + struct.pack("!HB", _RC4, 0)
            handshake = b"\x02" + len(body).to_bytes(3, "big") + body
            writer.write(struct.pack("!BHH", 22, 0x0300, len(handshake)) + handshake)
        else:
            writer.write(struct.pack("!BHHBB", 21, 0x0300, 2, 2, 40))
        await writer.drain()


def _offers(hello: bytes, suite: int) -> bool:
    """Tell whether a ClientHello (handshake message) offers a suite."""
    start = 4 + 2 + 32
    if len(hello) < start + 1:
        return False
    start += 1 + hello[start]
    (length,) = struct.unpack_from("!H", hello.ljust(start + 2, b"\0"), start)
    suites = hello[start + 2 : start + 2 + length]
    return any(struct.unpack_from("!H", suites, at)[0] == suite for at in range(0, len(suites) - 1, 2))
