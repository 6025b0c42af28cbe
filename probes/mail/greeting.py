"""What each mail protocol offers before TLS, how it steps up, and what it offers after: greetings and nothing more."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from probes.facts.mail.exchange import StartTls, Verification
from probes.interface import ProbeError, Reason, Stream
from probes.mail.conversation import Conversation

#: Longest text kept of a banner or a capability, and most capabilities.
_TEXT, _MOST = 300, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Capabilities and authentication mechanisms of one moment of a session."""

    capabilities: tuple[str, ...] = ()
    mechanisms: tuple[str, ...] = ()
    starttls: bool = False
    #: The name by which a SMTP server answers EHLO.
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """One session: the banner, what was offered, whether TLS came up and with which chain."""

    banner: str = ""
    clear: Offer = Offer()
    secure: Offer = Offer()
    protection: StartTls = StartTls.UNKNOWN
    chain: tuple[bytes, ...] = ()
    verification: Verification = Verification.NOT_ASKED
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How one protocol is spoken: greet, list capabilities, ask for TLS, and leave."""

    greet: Callable[[Conversation], Awaitable[str]]
    offers: Callable[[Conversation], Awaitable[Offer]]
    start: Callable[[Conversation], Awaitable[bool]]
    leave: str


def manner(protocol: str, ehlo: str) -> Manner:
    """Return how a protocol is spoken; ``ehlo`` is the name given to SMTP servers."""
    return {"smtp": _smtp(ehlo), "imap": _IMAP, "pop3": _POP3}[protocol]


async def greet(stream: Stream, protocol: str, *, ehlo: str, name: str, implicit: bool, verify: bool) -> Greeting:
    """Greet a server, read what it offers, step up to TLS if it can, read again, and leave."""
    talk, speak = Conversation(stream), manner(protocol, ehlo)
    chain = await talk.secure(name) if implicit else ()
    banner = (await speak.greet(talk))[:_TEXT]
    first = await speak.offers(talk)
    if implicit:
        await talk.say(speak.leave)
        return Greeting(banner=banner, secure=first, protection=StartTls.IMPLICIT, chain=chain)
    verification = await _verification(talk) if verify and protocol == "smtp" else Verification.NOT_ASKED
    if not first.starttls:
        await talk.say(speak.leave)
        return Greeting(banner=banner, clear=first, protection=StartTls.ABSENT, verification=verification)
    try:
        if not await speak.start(talk):
            raise ProbeError(Reason.MALFORMED, "STARTTLS is offered and refused")
        chain = await talk.secure(name)
        secure = await speak.offers(talk)
        await talk.say(speak.leave)
    except ProbeError as error:
        broken = error.reason in {Reason.MALFORMED, Reason.TRUNCATED, Reason.CONNECTION_LOST}
        return Greeting(
            banner=banner,
            clear=first,
            protection=StartTls.BROKEN if broken else StartTls.UNKNOWN,
            verification=verification,
            detail=f"{error.reason.value} {error.detail}"[:_TEXT],
        )
    return Greeting(
        banner=banner,
        clear=first,
        secure=secure,
        protection=StartTls.OFFERED,
        chain=chain,
        verification=verification,
    )


async def step_up(stream: Stream, protocol: str, *, ehlo: str) -> None:
    """Bring a fresh connection to where a ClientHello is awaited; raise ``not-spoken`` when STARTTLS is not offered."""
    talk, speak = Conversation(stream), manner(protocol, ehlo)
    await speak.greet(talk)
    offer = await speak.offers(talk)
    if not offer.starttls or not await speak.start(talk):
        raise ProbeError(Reason.NOT_SPOKEN, "STARTTLS is not offered")


def _smtp(ehlo: str) -> Manner:
    async def greet(talk: Conversation) -> str:
        reply = await talk.smtp()
        if not reply.ok:
            raise ProbeError(Reason.REFUSED, f"greeted with {reply.code}")
        return " ".join(reply.lines)

    async def offers(talk: Conversation) -> Offer:
        reply = await talk.smtp(f"EHLO {ehlo}")
        if not reply.ok:
            return Offer()
        names = tuple(line.strip()[:_TEXT] for line in reply.lines[1:])[:_MOST]
        # Old clients wrote AUTH=PLAIN, and servers still say both.
        found = [line for line in names if re.match(r"AUTH[ =]", line, re.I)]
        mechanisms = {m.upper() for line in found for m in line[5:].replace("=", " ").split()}
        return Offer(
            capabilities=names,
            mechanisms=tuple(sorted(mechanisms)),
            starttls=any(n.upper() == "STARTTLS" for n in names),
            name=reply.lines[0].strip().partition(" ")[0][:_TEXT],
        )

    async def start(talk: Conversation) -> bool:
        return (await talk.smtp("STARTTLS")).code == "220"

    return Manner(greet=greet, offers=offers, start=start, leave="QUIT")


async def _imap_greet(talk: Conversation) -> str:
    return (await talk.imap()).lines[0]


async def _imap_offers(talk: Conversation) -> Offer:
    reply = await talk.imap("CAPABILITY")
    line = next((text for text in reply.lines if text.upper().startswith("* CAPABILITY")), "")
    names = tuple(word[:_TEXT] for word in line.split()[2:])[:_MOST]
    upper = {name.upper() for name in names}
    mechanisms = {name.partition("=")[2] for name in upper if name.startswith("AUTH=")}
    if names and "LOGINDISABLED" not in upper:
        mechanisms.add("LOGIN")
    return Offer(capabilities=names, mechanisms=tuple(sorted(mechanisms)), starttls="STARTTLS" in upper)


async def _imap_start(talk: Conversation) -> bool:
    return (await talk.imap("STARTTLS")).ok


async def _pop3_greet(talk: Conversation) -> str:
    return (await talk.pop3()).lines[0]


async def _pop3_offers(talk: Conversation) -> Offer:
    reply = await talk.pop3("CAPA", several=True)
    names = tuple(line.strip()[:_TEXT] for line in reply.lines[1:])[:_MOST] if reply.ok else ()
    upper = [name.upper() for name in names]
    mechanisms = {m for name in upper if name.startswith("SASL") for m in name.split()[1:]}
    if "USER" in upper:
        mechanisms.add("USER")
    return Offer(capabilities=names, mechanisms=tuple(sorted(mechanisms)), starttls="STLS" in upper)


async def _pop3_start(talk: Conversation) -> bool:
    return (await talk.pop3("STLS")).ok


_IMAP = Manner(greet=_imap_greet, offers=_imap_offers, start=_imap_start, leave="h1 LOGOUT")
_POP3 = Manner(greet=_pop3_greet, offers=_pop3_offers, start=_pop3_start, leave="QUIT")


async def _verification(talk: Conversation) -> Verification:
    """Ask for postmaster, who always exists (RFC 5321 4.5.1), and for a name that cannot; compare the answers only."""
    known = await talk.smtp("VRFY postmaster")
    unknown = await talk.smtp(f"VRFY {secrets.token_hex(12)}")
    if known.code[0] == "2" and unknown.code in {"550", "551", "553"}:
        return Verification.DISCRIMINATES
    if known.code[0] == "5" and unknown.code[0] == "5":
        return Verification.REFUSED
    return Verification.UNIFORM if known.code == unknown.code else Verification.UNKNOWN
