"""One exchange with a configured host over HTTPS: verified, without redirect, without proxy, capped and timed."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

#: Largest answer read, in bytes, and the time a whole exchange may take, in seconds.
_LARGEST, _DEADLINE = 1 << 20, 30.0


class OutboundError(Exception):
    """A configured host could not be asked, or did not answer as it should; one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: the body and its media type."""

    body: bytes
    media_type: str


def verified(ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that verifies names and certificates, against the system's anchors or those of a file."""
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise OutboundError(f"{ca_file}: this file holds no certificate authority ({error})") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def post(
    url: str, body: bytes, media_type: str, *, ca_file: Path | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send a body to a configured address and return the answer; raise ``OutboundError``."""
    host = urlsplit(url).hostname or ""
    if urlsplit(url).scheme != "https" or not host:
        raise OutboundError(f"{url}: expected an https:// address")
    connector = aiohttp.TCPConnector(ssl=verified(ca_file), limit=1, force_close=True)
    timeout = aiohttp.ClientTimeout(total=_DEADLINE)
    sent = {**(headers or {}), "Content-Type": media_type}
    try:
        async with (
            aiohttp.ClientSession(
                connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            ) as session,
            session.post(url, data=body, headers=sent, allow_redirects=False) as answer,
        ):
            data = await answer.content.read(_LARGEST + 1)
            while not answer.content.at_eof() and len(data) <= _LARGEST:
                data += await answer.content.read(_LARGEST + 1 - len(data))
            if len(data) > _LARGEST:
                raise OutboundError(f"{host}: the answer is larger than {_LARGEST} bytes")
            if answer.status != 200:
                raise OutboundError(f"{host}: answered {answer.status}, expected 200")
            return Answer(body=data, media_type=answer.content_type)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise OutboundError(f"{host}: {str(error) or 'it did not answer in time'}") from error
