"""A Niagara station asked who it is by the hello that opens every conversation with it; no log-in follows.

Source: the Fox protocol as its stations and workbenches speak it, in clear (1911) or within TLS (4911).
"""

from __future__ import annotations

from probes.facts.services.answered import clipped
from probes.services.conversation import Call
from probes.services.family import Said

HELLO = b"fox a 1 -1 fox hello\n{\nfox.version=s:1.0\nid=i:1\n};;\n"
TLS_PORT = 4911
_ANSWER, _END, _LARGEST = b"fox a 0 -1 fox ", b";;\n", 8192


async def fox(call: Call) -> Said:
    """Say hello and read the station's brand, name and version."""
    encrypted = call.port == TLS_PORT
    async with call.open(encrypted=encrypted, level=3) as conversation:
        await conversation.say(HELLO)
        told = told_by(await conversation.hear_opened(_ANSWER, _END, _LARGEST))
    words = ("Niagara", told.get("brandId"), told.get("station.name") or told.get("app.name"))
    return Said(
        product=clipped(" ".join(word for word in words if word)),
        version=clipped(told.get("app.version", "")),
        encryption=encrypted,
    )


def told_by(body: bytes) -> dict[str, str]:
    """Return the lines ``key=type:value`` of an answer."""
    found = {}
    for line in body.decode("utf-8", "replace").splitlines():
        key, equals, value = line.partition("=")
        if equals and value[1:2] == ":":
            found[key] = value[2:]
    return found
