"""Document stores, caches and search engines: what they serve to anybody, server information only."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from probes.facts.services.answered import Access, Talk, clipped
from probes.services import http
from probes.services.conversation import Call, Conversation, UnspokenError
from probes.services.family import Said

REDIS_PING = b"*1\r\n$4\r\nPING\r\n"
MEMCACHED_VERSION = b"version\r\n"
#: CQL frames of version 4: OPTIONS, and STARTUP with the one option it needs.
CQL_OPTIONS = struct.pack("!BBHBI", 4, 0, 1, 5, 0)
_CQL_START = struct.pack("!HH11sH5s", 1, 11, b"CQL_VERSION", 5, b"3.0.0")
CQL_STARTUP = struct.pack("!BBHBI", 4, 0, 2, 1, len(_CQL_START)) + _CQL_START
_LARGEST = 65536


def _bson(values: Mapping[str, int | str | bool | dict[str, str]]) -> bytes:
    """Return the few BSON types our commands need (bsonspec.org 1.1)."""
    body = b""
    for name, value in values.items():
        key = name.encode() + b"\0"
        match value:
            case bool():
                body += b"\x08" + key + bytes((value,))
            case int():
                body += b"\x10" + key + struct.pack("<i", value)
            case str():
                body += b"\x02" + key + struct.pack("<i", len(value.encode()) + 1) + value.encode() + b"\0"
            case dict():
                body += b"\x03" + key + _bson({**value})
    return struct.pack("<i", 5 + len(body)) + body + b"\0"


def _command(number: int, values: Mapping[str, int | str | bool | dict[str, str]]) -> bytes:
    """Return an OP_MSG of one body section."""
    body = struct.pack("<I", 0) + b"\0" + _bson(values)
    return struct.pack("<iiii", 16 + len(body), number, 0, 2013) + body


HELLO = _command(1, {"hello": 1, "$db": "admin"})
#: Names of databases, filtered to none: the answer is empty, and refused where a log-in is required.
LIST_NOTHING = _command(2, {"listDatabases": 1, "nameOnly": True, "filter": {"name": ""}, "$db": "admin"})


async def _clear_or_tls(call: Call, speak: Callable[[Conversation], Awaitable[Said]]) -> Said:
    """Speak in clear and, where that is not understood, within TLS: a service that wants it closes or sends an alert.

    Of two failures the first tells what stands there, unless TLS came up and a certificate was missed, or nothing said.
    """
    try:
        async with call.open() as conversation:
            return await speak(conversation)
    except UnspokenError as clear:
        if clear.talk not in {Talk.CLOSED, Talk.OTHER}:
            raise
        try:
            async with call.open(encrypted=True) as conversation:
                return replace(await _heard(speak(conversation)), encryption=True)
        except UnspokenError as secure:
            raise (secure if secure.talk in {Talk.CERTIFICATE, Talk.CUT} else clear) from None


async def _heard(said: Awaitable[Said]) -> Said:
    """What is said once TLS came up: a connection closed then is an exchange that was cut, not a door of nobody's."""
    try:
        return await said
    except UnspokenError as end:
        raise UnspokenError(Talk.CUT if end.talk is Talk.CLOSED else end.talk) from None


async def mongodb(call: Call) -> Said:
    """Say hello, then ask for an empty list that a log-in would be required for."""
    return await _clear_or_tls(call, _mongodb)


async def _mongodb(conversation: Conversation) -> Said:
    answers = []
    for command in (HELLO, LIST_NOTHING):
        await conversation.say(command)
        length, _, _, operation = struct.unpack("<iiii", await conversation.hear(16))
        if operation != 2013 or not 26 <= length <= _LARGEST:
            raise UnspokenError(Talk.OTHER)
        answers.append(await conversation.hear(length - 16))
    hello, listed = answers
    if b"maxWireVersion" not in hello:
        raise UnspokenError(Talk.OTHER)
    served = b"\x01ok\0" + struct.pack("<d", 1.0) in listed
    refused = b"\x10code\0" + struct.pack("<i", 13) in listed
    return Said(access=Access.OPEN if served else Access.REQUIRED if refused else Access.UNKNOWN, product="MongoDB")


async def redis(call: Call) -> Said:
    """PING: answered by those who serve anybody, refused by the others."""
    return await _clear_or_tls(call, _redis)


async def _redis(conversation: Conversation) -> Said:
    await conversation.say(REDIS_PING)
    kind = await conversation.hear(1)
    if kind not in {b"+", b"-", b"$"}:
        raise UnspokenError(Talk.OTHER)
    line = kind + await conversation.hear_until(b"\r\n", 1024)
    if line.startswith((b"+PONG", b"$4")):
        return Said(access=Access.OPEN, product="Redis", encryption=False)
    if line.startswith((b"-NOAUTH", b"-DENIED", b"-NOPERM", b"-WRONGPASS", b"-ERR operation not permitted")):
        return Said(access=Access.REQUIRED, product="Redis", encryption=False)
    raise UnspokenError(Talk.OTHER)


async def memcached(call: Call) -> Said:
    """Ask for the version: whoever gets it gets everything."""
    async with call.open() as conversation:
        await conversation.say(MEMCACHED_VERSION)
        line = await conversation.hear_opened(b"VERSION ", b"\r\n", 1024)
    return Said(access=Access.OPEN, product="memcached", version=clipped(line[8:]), encryption=False)


async def elasticsearch(call: Call) -> Said:
    """Read the root page; behind a log-in it is refused."""
    for encrypted in (False, True):
        try:
            answer = await http.ask(call, "/", encrypted=encrypted)
        except UnspokenError:
            if encrypted:
                raise
            continue
        break
    challenge = answer.headers.get("www-authenticate", "")
    if answer.status == 401 and ("security" in challenge.lower() or "opensearch" in challenge.lower()):
        return Said(access=Access.REQUIRED, product="Elasticsearch", encryption=encrypted)
    found = answer.json()
    version = found.get("version")
    if answer.status != 200 or "cluster_name" not in found or not isinstance(version, dict):
        raise UnspokenError(Talk.OTHER)
    product = "OpenSearch" if version.get("distribution") == "opensearch" else "Elasticsearch"
    number = clipped(str(version.get("number", "")))
    return Said(access=Access.OPEN, product=product, version=number, encryption=encrypted)


async def couchdb(call: Call) -> Said:
    """Read the welcome, then whom the server takes a nameless caller for."""
    welcome = (await http.ask(call, "/")).json()
    if "couchdb" not in welcome:
        raise UnspokenError(Talk.OTHER)
    user = (await http.ask(call, "/_session")).json().get("userCtx")
    roles = user.get("roles") if isinstance(user, dict) else None
    access = Access.UNKNOWN
    if isinstance(roles, list):
        access = Access.OPEN if "_admin" in roles else Access.REQUIRED
    version = clipped(str(welcome.get("version", "")))
    return Said(access=access, product="CouchDB", version=version, encryption=False)


async def cassandra(call: Call) -> Said:
    """Ask for the options, then start: the server is ready for anybody, or asks for a log-in."""
    async with call.open() as conversation:
        kinds = []
        for frame in (CQL_OPTIONS, CQL_STARTUP):
            await conversation.say(frame)
            version, _, _, kind, length = struct.unpack("!BBHBI", await conversation.hear(9))
            if version & 0x80 == 0 or length > _LARGEST:
                raise UnspokenError(Talk.OTHER)
            await conversation.hear(length)
            kinds.append(kind)
    if kinds[0] != 0x06:
        raise UnspokenError(Talk.OTHER)
    access = {0x02: Access.OPEN, 0x03: Access.REQUIRED}.get(kinds[1], Access.UNKNOWN)
    return Said(access=access, product="Cassandra")
