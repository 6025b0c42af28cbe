"""FTP before the log-in: its greeting and AUTH TLS (RFC 4217); at level 3, whether a nameless caller is let in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from probes.facts.services.answered import Access, Talk, clipped
from probes.facts.services.remote import FtpAnswered
from probes.services.conversation import Call, Conversation, UnspokenError
from probes.services.service import ServiceProbe, ServiceSettings

#: The level at which the log-in that FTP sets aside for everybody is asked for (RFC 1635); nothing is listed.
ANONYMOUS_LEVEL = 3
_LINES = 50
_REPLY = re.compile(rb"(\d{3})([ -])(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class FtpSettings(ServiceSettings):
    """Where FTP is looked for; on 990 it lies within TLS."""

    ports: tuple[int, ...] = (21, 2121, 990)
    encrypted: tuple[int, ...] = (990,)
    address: str = "hygie@example.invalid"


class FtpProbe(ServiceProbe[FtpSettings]):
    """Sees whether a file transfer server can encrypt, and at level 3 whether it serves anybody."""

    name: ClassVar[str] = "ftp"
    Settings: ClassVar[type[FtpSettings]] = FtpSettings

    async def converse(self, call: Call) -> FtpAnswered:
        """Read the greeting, ask for TLS without taking it, leave; on level 3 ask to be let in without a name."""
        within = call.port in self.settings.encrypted
        async with call.open(encrypted=within) as conversation:
            code, greeting = await _reply(conversation)
            # Mail servers greet with the same number.
            if code not in {"220", "120", "421"} or "SMTP" in greeting.upper():
                raise UnspokenError(Talk.OTHER)
            encryption: bool | None = True
            if not within:
                encryption = None if code == "421" else await _asked(conversation, b"AUTH TLS\r\n", "234")
        anonymous, asked = Access.UNKNOWN, call.line.level >= ANONYMOUS_LEVEL and code == "220"
        if asked:
            anonymous = await self._anonymous(call, within, upgrade=encryption is True and not within)
        return FtpAnswered(
            address=str(call.address),
            protocol="ftp",
            talk=Talk.SPOKEN,
            access=anonymous,
            product=greeting,
            encryption=encryption,
            anonymous=anonymous,
            anonymous_asked=asked,
        )

    def unspoken(self, call: Call, talk: Talk) -> FtpAnswered:
        """Something else, or nothing, was heard."""
        return FtpAnswered(address=str(call.address), protocol="ftp", talk=talk)

    async def _anonymous(self, call: Call, within: bool, upgrade: bool) -> Access:
        """Ask in clear; when that is refused and TLS was offered, ask within it: some want TLS from everybody."""
        answers = [await self._let_in(call, within, upgrade=False)]
        if upgrade and answers[0] is not Access.OPEN:
            answers.append(await self._let_in(call, within, upgrade=True))
        return next((a for a in (Access.OPEN, Access.UNKNOWN) if a in answers), Access.REQUIRED)

    async def _let_in(self, call: Call, within: bool, *, upgrade: bool) -> Access:
        try:
            async with call.open(encrypted=within, level=ANONYMOUS_LEVEL) as conversation:
                await _reply(conversation)
                if upgrade:
                    await conversation.say(b"AUTH TLS\r\n")
                    await _reply(conversation)
                    await conversation.encrypt(call.name)
                await conversation.say(b"USER anonymous\r\n")
                code, _ = await _reply(conversation)
                if code == "331":
                    await conversation.say(b"PASS %s\r\n" % self.settings.address.encode("ascii", "replace"))
                    code, _ = await _reply(conversation)
                await conversation.say(b"QUIT\r\n")
        except UnspokenError:
            return Access.UNKNOWN
        return Access.OPEN if code == "230" else Access.REQUIRED if code in {"530", "331", "332"} else Access.UNKNOWN


async def _asked(conversation: Conversation, request: bytes, yes: str) -> bool | None:
    try:
        await conversation.say(request)
        return (await _reply(conversation))[0] == yes
    except UnspokenError:
        return None


async def _reply(conversation: Conversation) -> tuple[str, str]:
    """One reply, of one line or many (RFC 959 4.2): its code and the text of its first line."""
    first = ""
    for number in range(_LINES):
        line = _REPLY.match(await conversation.hear_until(b"\n", 2048))
        if number == 0:
            if line is None:
                raise UnspokenError(Talk.OTHER)
            first = clipped(line[3])
        if line is not None and line[2] == b" ":
            return line[1].decode(), first
    raise UnspokenError(Talk.CUT)
