"""A conversation with a service: bounded in bytes and time, in clear or within TLS, ended by what the service does."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from probes.facts.services.answered import Talk
from probes.interface import IPAddress, Line, ProbeError, Reason, Stream

#: Bytes read of one service at the most: greetings, not contents.
CAP = 65536

_ENDS = {
    Reason.CONNECTION_LOST: Talk.CLOSED,
    Reason.TRUNCATED: Talk.CLOSED,
    Reason.TIMED_OUT: Talk.SILENT,
    Reason.TOO_LARGE: Talk.CUT,
}


#: What TLS stacks call the alerts that mean: no certificate, no conversation (RFC 8446 6.2, RFC 5246 7.2.2).
_CERTIFICATE_ALERTS = ("CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE")


class UnspokenError(Exception):
    """The service did not speak the protocol; ``talk`` says what it did instead."""

    def __init__(self, talk: Talk) -> None:
        super().__init__(talk.value)
        self.talk = talk


class Conversation:
    """Says and hears over a granted stream; every method but ``close`` raises ``UnspokenError``."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._tls: tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO] | None = None
        self._ahead = b""
        self._heard = False

    async def say(self, data: bytes) -> None:
        """Send all of ``data``."""
        try:
            if self._tls is None:
                await self._stream.send(data)
            else:
                tls, _, outgoing = self._tls
                tls.write(data)
                await self._stream.send(outgoing.read())
        except ProbeError as error:
            raise self._end(error) from error
        except ssl.SSLError:
            raise UnspokenError(Talk.CLOSED) from None

    async def hear(self, count: int) -> bytes:
        """Return exactly ``count`` bytes."""
        while len(self._ahead) < count:
            self._ahead += await self._more()
        data, self._ahead = self._ahead[:count], self._ahead[count:]
        return data

    async def hear_some(self, most: int = 4096) -> bytes:
        """Return what comes next, at least one byte."""
        data = self._ahead or await self._more()
        self._ahead = data[most:]
        return data[:most]

    async def hear_until(self, end: bytes, most: int = 4096) -> bytes:
        """Return what comes up to ``end``, which is included; more than ``most`` bytes is no such protocol."""
        while end not in self._ahead:
            if len(self._ahead) > most:
                raise UnspokenError(Talk.OTHER)
            self._ahead += await self._more()
        at = self._ahead.index(end) + len(end)
        data, self._ahead = self._ahead[:at], self._ahead[at:]
        return data

    async def hear_opened(self, start: bytes, end: bytes, most: int = 4096) -> bytes:
        """Return what comes from ``start`` up to ``end``; what starts otherwise may never end: it is not waited for."""
        if await self.hear(len(start)) != start:
            raise UnspokenError(Talk.OTHER)
        return start + await self.hear_until(end, most)

    async def hear_rest(self, most: int = CAP // 2, whole: Callable[[bytes], bool] | None = None) -> bytes:
        """Return what comes until the service closes or falls silent, at most ``most`` bytes, at least one.

        What is ``whole`` is not waited behind: some services never close.
        """
        while len(self._ahead) < most and not (whole and whole(self._ahead)):
            try:
                self._ahead += await self._more()
            except UnspokenError:
                if self._ahead:
                    break
                raise
        return self._ahead[:most]

    async def encrypt(self, name: str) -> None:
        """Shake hands in TLS; the certificate is the TLS probe's business, so nothing is verified here."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("ALL:@SECLEVEL=0")
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname=name or None)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self.say(outgoing.read())
                incoming.write(await self._raw())
            except ssl.SSLError as error:
                raise UnspokenError(_alerted(error, tls, Talk.OTHER if self._heard else Talk.CLOSED)) from None
        await self.say(outgoing.read())
        self._tls = tls, incoming, outgoing

    async def close(self) -> None:
        """Close; never raises."""
        await self._stream.close()

    async def _more(self) -> bytes:
        if self._tls is None:
            return await self._raw()
        tls, incoming, _ = self._tls
        while True:
            try:
                data = tls.read(16384)
            except ssl.SSLWantReadError:
                incoming.write(await self._raw())
            except ssl.SSLError as error:
                raise UnspokenError(_alerted(error, tls, Talk.CLOSED)) from None
            else:
                if not data:
                    raise UnspokenError(Talk.CUT if self._ahead else Talk.CLOSED)
                return data

    async def _raw(self) -> bytes:
        try:
            data = await self._stream.receive()
        except ProbeError as error:
            raise self._end(error) from error
        if not data:
            raise UnspokenError(Talk.CUT if self._heard else Talk.CLOSED)
        self._heard = True
        return data

    def _end(self, error: ProbeError) -> Exception:
        talk = _ENDS.get(error.reason)
        if talk is None:
            return error
        return UnspokenError(Talk.CUT if self._heard else talk)


def _alerted(error: ssl.SSLError, tls: ssl.SSLObject, otherwise: Talk) -> Talk:
    """What an alert tells; a failure after a suite was agreed on is about what the client then lacked."""
    reason = error.reason or ""
    asked = any(name in reason for name in _CERTIFICATE_ALERTS)
    lacked = "ALERT_HANDSHAKE_FAILURE" in reason and tls.cipher() is not None
    return Talk.CERTIFICATE if asked or lacked else otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One address of a service, with the name it was found by, and the seconds a conversation may last."""

    line: Line
    address: IPAddress
    port: int
    name: str
    patience: float

    @property
    def host(self) -> str:
        """The name, or the address where none is known."""
        return self.name or (f"[{self.address}]" if self.address.version == 6 else str(self.address))

    @asynccontextmanager
    async def open(self, *, encrypted: bool = False, level: int = 2) -> AsyncIterator[Conversation]:
        """Open a conversation, within TLS when told so; ``ProbeError`` when no connection came about."""
        stream = await self.line.connect(
            self.address, self.port, name=self.name, level=level, deadline=self.patience, cap=CAP
        )
        conversation = Conversation(stream)
        try:
            if encrypted:
                await conversation.encrypt(self.name)
            yield conversation
        finally:
            await conversation.close()
