"""ROBOT: whether a server tells a well padded RSA key exchange from a badly padded one (Böck, Somorovsky, Young, 2018).

Every message is made of our own random bytes under the server's public key, in handshakes of our own: nobody else's
are ever sent, and nothing is deciphered.
"""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa

from probes.facts.tls_behaviour import Oracle
from probes.facts.tls_suites import Suite, known_suites
from probes.interface import ProbeError, Reason, Stream
from probes.tls import hello
from probes.tls.exchange import CERTIFICATE, Connect
from probes.tls.opening import ALERT, NotSpoken, greeted, opened, record, unknown

_CHANGE, _HANDSHAKE, _CLIENT_KEYS, _CERTIFICATE_REQUEST = 20, 22, b"\x10", 13
#: Records read of a reaction, and the longest.
_RECORDS, _LONGEST = 4, 512
_PREMASTER = 48


class Padding(StrEnum):
    """How the key exchange is padded (PKCS #1 1.5), after the five messages of the ROBOT authors."""

    GOOD = "good"
    WRONG_START = "wrong-start"
    LATE_ZERO = "late-zero"
    NO_ZERO = "no-zero"
    WRONG_VERSION = "wrong-version"


#: One reaction: the records that came (type, and alert or length), then whether the server hung up or stayed silent.
Reacted = tuple[tuple[int, int] | str, ...]
_SILENT: Reacted = ("silent",)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    connect: Connect
    name: str
    reaction: float


async def padding_oracle(connect: Connect, name: str, reaction: float) -> Oracle:
    """Return what a server gives away within ``reaction`` seconds, in twenty-one connections at the most."""
    try:
        if not await _takes_encryption(connect, name):
            return Oracle.NO_OBJECT
        question = _Question(connect=connect, name=name, reaction=reaction)
        whole = await _compared(question, whole=True)
        if isinstance(whole, Oracle):
            return whole
        # A server that waits for the rest says nothing; some tell paddings apart only then.
        short = await _compared(question, whole=False)
        if isinstance(short, Oracle):
            return short
    except ProbeError as error:
        unknown(error)
        return Oracle.UNKNOWN
    return Oracle.UNKNOWN if whole == short == _SILENT else Oracle.NONE


async def _takes_encryption(connect: Connect, name: str) -> bool:
    """Tell whether key exchange by RSA encryption is taken; a server that hangs up must take another to be believed."""
    stream = await connect()
    try:
        await _keyed(stream, name)
        return True
    except _Refused:
        pass
    finally:
        await stream.close()
    stream = await connect()
    try:
        await greeted(stream, name)
    except NotSpoken:
        raise ProbeError(Reason.NOT_SPOKEN, "TLS is spoken no more") from None
    finally:
        await stream.close()
    return False


class _Refused(ProbeError):
    """The server takes no key exchange by RSA encryption."""


async def _compared(question: _Question, *, whole: bool) -> Oracle | Reacted:
    """Return the reaction that all paddings share; otherwise what their reactions give away, seen three times."""
    paddings = list(Padding)
    first = await _reactions(question, paddings, whole=whole)
    if len(set(first.values())) == 1:
        return first[Padding.GOOD]
    # In another order, so that what depends on the turn (two servers behind one address) is not taken for an oracle.
    for order in (paddings[::-1], paddings[2:] + paddings[:2]):
        if await _reactions(question, order, whole=whole) != first:
            return Oracle.INCONSISTENT
    bad = {first[p] for p in (Padding.WRONG_START, Padding.LATE_ZERO, Padding.NO_ZERO)}
    return Oracle.WEAK if len(bad) == 1 else Oracle.STRONG


async def _reactions(question: _Question, order: Iterable[Padding], *, whole: bool) -> dict[Padding, Reacted]:
    return {padding: await _reaction(question, padding, whole=whole) for padding in order}


async def _reaction(question: _Question, padding: Padding, *, whole: bool) -> Reacted:
    stream = await question.connect()
    try:
        answer, key = await _keyed(stream, question.name)
        keys = struct.pack("!H", key.key_size + 7 >> 3) + _enciphered(key, padding)
        message = record(_HANDSHAKE, answer, _CLIENT_KEYS + len(keys).to_bytes(3, "big") + keys)
        if whole:
            message += record(_CHANGE, answer, b"\x01") + record(_HANDSHAKE, answer, os.urandom(80))
        await stream.send(message)
        return await _reacted(stream, question.reaction)
    finally:
        await stream.close()


async def _keyed(stream: Stream, name: str) -> tuple[hello.ServerHello, rsa.RSAPublicKey]:
    """Open a handshake with key exchange by RSA encryption only."""
    suites = [n for n, suite in known_suites().items() if _by_encryption(suite)]
    try:
        answer, messages = await opened(stream, name, suites)
    except NotSpoken:
        raise _Refused(Reason.NOT_SPOKEN, "no key exchange by encryption") from None
    except ProbeError as error:
        if error.reason in {Reason.TRUNCATED, Reason.CONNECTION_LOST}:
            raise _Refused(error.reason, error.detail) from error
        raise
    if answer.suite not in suites:
        raise _Refused(Reason.MALFORMED, "a suite that was not offered")
    if _CERTIFICATE_REQUEST in messages or answer.version < 0x0301:
        # Without a certificate of ours the keys may not even be looked at; SSL 3.0 has faults enough of its own.
        raise ProbeError(Reason.NOT_SPOKEN, "no key exchange without a client certificate")
    try:
        key = x509.load_der_x509_certificate(hello.certificates(messages[CERTIFICATE])[0]).public_key()
    except (KeyError, IndexError, ValueError, UnsupportedAlgorithm) as error:
        raise ProbeError(Reason.MALFORMED, "no certificate for a key exchange by encryption") from error
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 1024:
        raise ProbeError(Reason.MALFORMED, "no RSA key for a key exchange by encryption")
    return answer, key


def _by_encryption(suite: Suite) -> bool:
    return suite.name.startswith("TLS_RSA_WITH_") and not suite.null


def _enciphered(key: rsa.RSAPublicKey, padding: Padding) -> bytes:
    """Return a premaster secret of random bytes, padded in one of five ways, under the server's key."""
    size = key.key_size + 7 >> 3
    fill, secret = _filled(size - _PREMASTER - 3), _filled(_PREMASTER - 2)
    # The version is the one that our hello offered (RFC 5246 7.4.7.1).
    plain = {
        Padding.GOOD: b"\x00\x02" + fill + b"\x00\x03\x03" + secret,
        Padding.WRONG_START: b"\x41\x17" + fill + b"\x00\x03\x03" + secret,
        Padding.LATE_ZERO: b"\x00\x02" + fill + b"\x11" + secret + b"\x00\x11",
        Padding.NO_ZERO: b"\x00\x02" + fill + b"\x11\x11\x11" + secret,
        Padding.WRONG_VERSION: b"\x00\x02" + fill + b"\x00\x02\x02" + secret,
    }[padding]
    numbers = key.public_numbers()
    return pow(int.from_bytes(plain, "big"), numbers.e, numbers.n).to_bytes(size, "big")


def _filled(count: int) -> bytes:
    """Random bytes, none of them zero."""
    return bytes(1 + value % 255 for value in os.urandom(count))


async def _reacted(stream: Stream, reaction: float) -> Reacted:
    """Read what comes in time: alerts by what they say, other records by their length alone."""
    records: list[tuple[int, int]] = []
    try:
        async with asyncio.timeout(reaction):
            while len(records) < _RECORDS:
                first = await stream.receive(1)
                if not first:
                    return *records, "closed"
                kind, _, length = struct.unpack("!BHH", first + await stream.receive_exactly(4))
                if length > _LONGEST:
                    return *records, (kind, length)
                body = await stream.receive_exactly(length)
                records.append((kind, body[1] if kind == ALERT and length == 2 else length))
            return tuple(records)
    except TimeoutError:
        return *records, "silent"
    except ProbeError as error:
        # Whether a connection ends by FIN or by RST depends on what was left unread, not on the padding.
        if error.reason in {Reason.CONNECTION_LOST, Reason.TRUNCATED}:
            return *records, "closed"
        if error.reason is Reason.TIMED_OUT:
            return *records, "silent"
        raise
