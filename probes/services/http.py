"""The few HTTP exchanges that service probes make: one GET on a connection of its own, the head and a capped body."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from probes.facts.services.answered import Talk
from probes.services.conversation import Call, UnspokenError

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r?\n")
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*(?:\r\n|$)", re.IGNORECASE)
#: Statuses by which a server asks for less: too many requests, overloaded.
SLOWER = frozenset({429, 503})
#: Bytes of an answer read at the most.
_MOST = 32768


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """An answer; header names are in lower case, the last of a repeated one wins; the body may be cut."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Mapping[str, object]:
        """Return the JSON object of the body, or nothing when it is none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


async def ask(
    call: Call, path: str, *, method: str = "GET", encrypted: bool = False, accept: str = "*/*", body: bytes = b""
) -> HttpAnswer:
    """Send one request and return the answer; raise ``UnspokenError`` when no HTTP comes back."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {call.host}",
        *(f"{name}: {value}" for name, value in call.line.identity.headers.items()),
        f"Accept: {accept}",
        "Connection: close",
    ]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    async with call.open(encrypted=encrypted) as conversation:
        await conversation.say("\r\n".join([*lines, "", ""]).encode("ascii", "replace") + body)
        answer = read_answer(await conversation.hear_rest(_MOST, is_whole))
    if answer.status in SLOWER:
        call.line.slow_down(call.address)
    return answer


def is_whole(data: bytes) -> bool:
    """Tell whether an answer has come to the end that its head announces; one that ends with the connection has not."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return False
    if _CHUNKED.search(head):
        return (b"\r\n" + body).endswith(b"\r\n0\r\n\r\n")
    length = _LENGTH.search(head)
    return length is not None and len(body) >= int(length[1])


def read_answer(data: bytes) -> HttpAnswer:
    """Read an answer as it came; chunked bodies are joined."""
    status = _STATUS.match(data)
    head, _, body = data.partition(b"\r\n\r\n")
    if status is None:
        raise UnspokenError(Talk.OTHER)
    headers = {}
    for line in head.split(b"\r\n")[1:100]:
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()[:500]
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = _joined(body)
    return HttpAnswer(status=int(status[1]), headers=headers, body=body)


def _joined(body: bytes) -> bytes:
    parts = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        try:
            length = int(size.split(b";")[0], 16)
        except ValueError:
            break
        if length <= 0:
            break
        parts.append(rest[:length])
        body = rest[length + 2 :]
    return b"".join(parts)
