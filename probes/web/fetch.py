"""One HTTP request through the Line: the checked address pinned, nothing followed, the body capped while it expands."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
import zlib
from dataclasses import dataclass, replace
from functools import cache
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection
from yarl import URL

from probes.interface import IPAddress, Line, ProbeError, Reason
from probes.services.http import SLOWER

#: Body bytes read at the most, after decompression, and seconds a whole exchange may take.
BODY, DEADLINE = 65_536, 15.0
#: Longest header value kept, in characters; a content security policy, whose end counts as much, may be longer.
_HEADER_VALUE, _POLICY = 1000, 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it came: headers in order with lower-case names; ``cut`` when the body went on.

    ``certificate`` is the server's own, in DER; empty in clear. ``seconds`` is what the exchange took.
    """

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    cut: bool
    certificate: bytes = b""
    seconds: float = 0.0

    def header(self, name: str) -> str:
        """Return the first value of a header, or ""."""
        return next((value for key, value in self.headers if key == name), "")

    def every(self, name: str) -> tuple[str, ...]:
        """Return every value of a header."""
        return tuple(value for key, value in self.headers if key == name)

    @property
    def text(self) -> str:
        """The body as text; bytes that are no UTF-8 become U+FFFD."""
        return self.body.decode("utf-8", "replace")

    def without_echo(self, text: str) -> str:
        """A text of this answer without the path that was asked, which redirects and error pages repeat."""
        path = urlsplit(self.url).path
        return text.replace(path, "/").replace(quote(path, safe=""), "%2F") if len(path) > 1 else text


class _Response(aiohttp.ClientResponse):
    """A response that keeps the certificate it came under: a short one has left its connection when it is read."""

    certificate: bytes = b""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """Begin, and keep the certificate in DER."""
        session = connection.transport.get_extra_info("ssl_object") if connection.transport else None
        if isinstance(session, ssl.SSLObject):
            self.certificate = session.getpeercert(binary_form=True) or b""
        return await super().start(connection)


class _Pinned(AbstractResolver):
    """Gives the one address that the Line granted, whatever the name."""

    def __init__(self, address: IPAddress) -> None:
        self._address = address

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        """Return the pinned address."""
        return [
            ResolveResult(
                hostname=host,
                host=str(self._address),
                port=port,
                family=socket.AF_INET if self._address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Hold nothing."""


@cache
def _any_tls() -> ssl.SSLContext:
    """A context for looking only: the certificate is the TLS probe's business, and old servers are looked at too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    # Browsers always name their protocols (RFC 7301), and some servers answer nobody else.
    context.set_alpn_protocols(["http/1.1"])
    return context


async def fetch(
    line: Line,
    address: str,
    url: str,
    *,
    method: str = "GET",
    headers: tuple[tuple[str, str], ...] = (),
    cap: int = BODY,
    tls: ssl.SSLContext | None = None,
    deadline: float | None = None,
) -> Answer:
    """Make one request; raise ``ProbeError`` with why there is no answer.

    Without ``tls`` any certificate will do: the TLS probe judges those. ``deadline`` is in seconds, for all of it.
    """
    try:
        target = URL(url)
        pinned, port, name = ip_address(address), target.port or 80, target.host or ""
    except ValueError as error:
        raise ProbeError(Reason.MALFORMED, "not an address of a page") from error
    async with line.turn(pinned, port, name=name):
        try:
            begun = time.monotonic()
            async with asyncio.timeout(DEADLINE if deadline is None else deadline):
                answer = await _fetched(line, pinned, url, method=method, headers=headers, cap=cap, tls=tls)
            return replace(answer, seconds=time.monotonic() - begun)
        except TimeoutError as error:
            raise ProbeError(Reason.TIMED_OUT, url[:200]) from error
        except ProbeError as error:
            if error.reason is Reason.CONNECTION_LOST:
                line.slow_down(pinned)
            raise


async def _fetched(
    line: Line,
    pinned: IPAddress,
    url: str,
    *,
    method: str,
    headers: tuple[tuple[str, str], ...],
    cap: int,
    tls: ssl.SSLContext | None,
) -> Answer:
    connector = aiohttp.TCPConnector(
        resolver=_Pinned(pinned), ssl=tls or _any_tls(), force_close=True, use_dns_cache=False
    )
    try:
        async with (
            aiohttp.ClientSession(
                connector=connector,
                response_class=_Response,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                headers=line.identity.headers | {"Accept-Encoding": "gzip, deflate", "Accept": "text/html,*/*;q=0.5"},
            ) as session,
            session.request(method, URL(url), allow_redirects=False, headers=dict(headers)) as response,
        ):
            if response.status in SLOWER:
                line.slow_down(pinned)
            certificate = response.certificate if isinstance(response, _Response) else b""
            body, cut = await _body(response, cap)
            found = tuple((_text(key).lower(), _text(value, key)) for key, value in response.headers.items())
            return Answer(url=url, status=response.status, headers=found, body=body, cut=cut, certificate=certificate)
    except aiohttp.ClientConnectorCertificateError as error:
        raise ProbeError(Reason.CERTIFICATE, url[:200]) from error
    except aiohttp.ClientConnectorError as error:
        refused = isinstance(error.os_error, ConnectionRefusedError)
        raise ProbeError(Reason.REFUSED if refused else Reason.UNREACHABLE, url[:200]) from error
    except (aiohttp.ClientError, ssl.SSLError, ValueError) as error:
        raise ProbeError(_reason(error), f"{type(error).__name__} {url[:200]}") from error


def _text(value: str, name: str = "") -> str:
    """A header as text that can be stored: bytes that are no UTF-8 become U+FFFD."""
    longest = _POLICY if "security-policy" in name.lower() else _HEADER_VALUE
    return value[:longest].encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _reason(error: Exception) -> Reason:
    if isinstance(error, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        return Reason.CONNECTION_LOST
    if isinstance(error, aiohttp.ClientPayloadError):
        return Reason.TRUNCATED
    return Reason.MALFORMED


async def _body(response: aiohttp.ClientResponse, cap: int) -> tuple[bytes, bool]:
    """Read and expand at most ``cap`` bytes; what follows is never read."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    expand = zlib.decompressobj(wbits=47) if encoding in {"gzip", "x-gzip", "deflate"} else None
    body = b""
    async for chunk in response.content.iter_chunked(8192):
        try:
            body += expand.decompress(chunk, cap + 1 - len(body)) if expand else chunk
        except zlib.error:
            return body[:cap], True
        if len(body) > cap:
            return body[:cap], True
    return body, False
