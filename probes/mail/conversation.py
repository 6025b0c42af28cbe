"""Line by line with SMTP, IMAP and POP3 servers: bounded lines, bounded replies, and the step up to TLS."""

from __future__ import annotations

import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from probes.interface import ProbeError, Reason, Stream

#: Longest line read, in bytes (RFC 5321 4.5.3.1.5 says 512, servers say more), and most lines of one reply.
_LINE, _LINES = 4096, 100

Receive = Callable[[], Awaitable[bytes]]
Send = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply: whether the server agreed, its code (SMTP), and its lines as text."""

    ok: bool
    code: str
    lines: tuple[str, ...]


class Conversation:
    """Talks over a stream, in clear or, after ``secure``, over TLS. Errors are those of the stream, or typed here."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._pending = b""
        self._tls: _Tls | None = None

    async def line(self) -> str:
        """Return the next line, without its end; bytes that are no UTF-8 become U+FFFD."""
        while b"\n" not in self._pending:
            if len(self._pending) > _LINE:
                raise ProbeError(Reason.MALFORMED, "a line without end")
            data = await (self._tls.receive() if self._tls else self._stream.receive(_LINE))
            if not data:
                raise ProbeError(Reason.TRUNCATED, "the server hung up")
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line.rstrip(b"\r").decode("utf-8", "replace")

    async def say(self, text: str) -> None:
        """Send one line."""
        data = text.encode() + b"\r\n"
        await (self._tls.send(data) if self._tls else self._stream.send(data))

    async def secure(self, name: str) -> tuple[bytes, ...]:
        """Shake hands and return the chain shown, unverified; what was sent in clear before TLS is dropped."""
        if self._tls is None:
            self._pending = b""
            self._tls = _Tls(self._stream, name)
        return await self._tls.shake()

    async def smtp(self, text: str = "") -> Reply:
        """Send a command, or none for the greeting, and return the whole reply (RFC 5321 4.2)."""
        if text:
            await self.say(text)
        lines: list[str] = []
        while len(lines) < _LINES:
            line = await self.line()
            match = re.match(r"(\d{3})([ -]?)(.*)", line)
            if match is None:
                raise ProbeError(Reason.NOT_SPOKEN, "not a SMTP reply")
            lines.append(match[3])
            if match[2] != "-":
                return Reply(ok=match[1][0] in "23", code=match[1], lines=tuple(lines))
        raise ProbeError(Reason.TOO_LARGE, "an endless reply")

    async def imap(self, text: str = "") -> Reply:
        """Send a tagged command, or none for the greeting, and return the reply (RFC 9051 2.2)."""
        if text:
            await self.say(f"h1 {text}")
        lines: list[str] = []
        while len(lines) < _LINES:
            line = await self.line()
            lines.append(line)
            if not text:
                if not line.startswith("* "):
                    raise ProbeError(Reason.NOT_SPOKEN, "not an IMAP greeting")
                return Reply(ok=line.upper().startswith(("* OK", "* PREAUTH")), code="", lines=tuple(lines))
            if line.startswith("h1 "):
                return Reply(ok=line.upper().startswith("H1 OK"), code="", lines=tuple(lines))
        raise ProbeError(Reason.TOO_LARGE, "an endless reply")

    async def pop3(self, text: str = "", *, several: bool = False) -> Reply:
        """Send a command, or none for the greeting; ``several`` reads on to the final dot (RFC 1939 3)."""
        if text:
            await self.say(text)
        first = await self.line()
        if not first.startswith(("+OK", "-ERR")):
            raise ProbeError(Reason.NOT_SPOKEN, "not a POP3 reply")
        lines, ok = [first], first.startswith("+OK")
        while ok and several:
            line = await self.line()
            if line == ".":
                break
            lines.append(line)
            if len(lines) > _LINES:
                raise ProbeError(Reason.TOO_LARGE, "an endless reply")
        return Reply(ok=ok, code="", lines=tuple(lines))


class _Tls:
    """TLS over a granted stream, for looking only: the certificate is read, never trusted."""

    def __init__(self, stream: Stream, name: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("ALL:@SECLEVEL=0")
        self._stream = stream
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name or None)

    async def shake(self) -> tuple[bytes, ...]:
        """Shake hands; return the certificates shown, the server's first."""
        await self._until(self._object.do_handshake)
        chain = self._object._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
        return tuple(c.public_bytes(ssl._ssl.ENCODING_DER) for c in chain or ())  # type: ignore[attr-defined]

    async def send(self, data: bytes) -> None:
        """Send all of ``data``."""
        await self._until(lambda: self._object.write(data))

    async def receive(self) -> bytes:
        """Return the next bytes; b"" at the end."""
        try:
            return await self._until(lambda: self._object.read(_LINE))
        except ssl.SSLZeroReturnError:
            return b""

    async def _until(self, action: Callable[[], object]) -> bytes:
        """Try an action until it needs no more bytes, carrying bytes both ways."""
        while True:
            try:
                result = action()
                await self._flush()
                return result if isinstance(result, bytes) else b""
            except ssl.SSLWantReadError:
                await self._flush()
                data = await self._stream.receive()
                if not data:
                    raise ProbeError(Reason.TRUNCATED, "TLS was cut") from None
                self._incoming.write(data)
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLError as error:
                raise ProbeError(Reason.MALFORMED, f"TLS: {error.reason or type(error).__name__}") from error

    async def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            await self._stream.send(data)
