"""What an origin answers to methods other than GET, and what it lets an unknown site read (CORS)."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from probes.web.fetch import Answer
from probes.web.origin import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The methods advertised, whether TRACE is echoed, what an unknown site may read, and what stayed unanswered."""

    methods: tuple[str, ...]
    traced: bool
    cors_origin: str
    cors_credentials: bool
    unanswered: tuple[str, ...]


async def asked(origin: Origin) -> Asked:
    """Ask OPTIONS, a page as from an unknown site, and TRACE."""
    token = secrets.token_hex(8)
    stranger = f"https://{token}.example"
    unanswered = []
    options = await origin.attempt("/", method="OPTIONS", headers=(("Origin", stranger),))
    if options is None:
        unanswered.append("methods")
    given, credentials = _allowed(options, stranger)
    if given != "reflected":
        # Many applications answer OPTIONS in their own way: a plain request with an Origin decides.
        plain = await origin.attempt("/", headers=(("Origin", stranger),))
        if plain is None:
            unanswered.append("cors")
        elif _allowed(plain, stranger)[0] in {"reflected", "null"}:
            given, credentials = _allowed(plain, stranger)
    trace = await origin.attempt("/", method="TRACE", headers=(("X-Hygie", token),))
    # A filter may cut what it refuses: only an origin that answers nothing else any more leaves the question open.
    if trace is None and await origin.attempt("/") is None:
        unanswered.append("trace")
    allow = options.header("allow") if options is not None else ""
    return Asked(
        methods=tuple(
            sorted({m.strip().upper() for m in allow.split(",") if re.fullmatch(r"\s*[A-Za-z]{2,20}\s*", m)})
        ),
        traced=trace is not None and trace.status == 200 and token in trace.text,
        cors_origin=given,
        cors_credentials=credentials,
        unanswered=tuple(unanswered),
    )


def _allowed(answer: Answer | None, stranger: str) -> tuple[str, bool]:
    """The origin that an answer lets read it (``reflected`` for the stranger's), and whether with credentials."""
    if answer is None:
        return "", False
    given = answer.header("access-control-allow-origin")
    credentials = answer.header("access-control-allow-credentials").lower() == "true"
    return ("reflected" if given == stranger else given[:200]), credentials
