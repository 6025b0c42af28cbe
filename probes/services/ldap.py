"""LDAP without a name: the root entry, and whether one object beneath it is shown (RFC 4513 5.1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from probes.directory.messages import DONE, ENTRY, Scope, read_answer, read_operation, search
from probes.facts.ber import BerError, element, expect, header
from probes.facts.services.answered import Access, Talk, clipped
from probes.facts.services.remote import LdapAnswered
from probes.services.conversation import Call, Conversation, UnspokenError
from probes.services.service import ServiceProbe, ServiceSettings

#: Attributes of the root entry asked for (RFC 4512 5.1, MS-ADTS 3.1.1.3.2); of other objects none ("1.1").
ROOT = ("namingContexts", "defaultNamingContext", "dnsHostName", "vendorName", "isGlobalCatalogReady")
_UNBIND = b"\x30\x05\x02\x01\x03\x42\x00"
_MESSAGES, _LARGEST, _SECONDS = 50, 32768, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapSettings(ServiceSettings):
    """Where LDAP is looked for; some ports lie within TLS."""

    ports: tuple[int, ...] = (389, 636, 3268, 3269)
    encrypted: tuple[int, ...] = (636, 3269)


class LdapProbe(ServiceProbe[LdapSettings]):
    """Sees what a directory shows to a caller who gives no name: no attribute of any object is asked for."""

    name: ClassVar[str] = "ldap"
    Settings: ClassVar[type[LdapSettings]] = LdapSettings

    async def converse(self, call: Call) -> LdapAnswered:
        """Read the root entry, then ask whether objects lie beneath the first naming context."""
        async with call.open(encrypted=call.port in self.settings.encrypted) as conversation:
            await conversation.say(search(1, b"", Scope.BASE, ROOT))
            entries, _ = await _found(conversation)
            root = entries[0] if entries else {}
            contexts = (*root.get("defaultnamingcontext", ()), *root.get("namingcontexts", ()))
            access = Access.UNKNOWN
            if contexts:
                await conversation.say(search(2, contexts[0].encode(), Scope.ONE, ("1.1",), limit=_SECONDS))
                access = await _shown(conversation)
            await conversation.say(_UNBIND)
        return LdapAnswered(
            address=str(call.address),
            protocol="ldap",
            talk=Talk.SPOKEN,
            access=access,
            product=next(iter(root.get("vendorname", ())), ""),
            naming_contexts=contexts[:10],
            host_name=next(iter(root.get("dnshostname", ())), ""),
            active_directory="isglobalcatalogready" in root,
            encryption=call.port in self.settings.encrypted,
        )

    def unspoken(self, call: Call, talk: Talk) -> LdapAnswered:
        """Something else, or nothing, was heard."""
        return LdapAnswered(address=str(call.address), protocol="ldap", talk=talk)


async def _message(conversation: Conversation) -> bytes:
    head = await conversation.hear(2)
    if head[0] != 0x30:
        raise UnspokenError(Talk.OTHER)
    length = head[1]
    if length >= 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4:
            raise UnspokenError(Talk.OTHER)
        length = int.from_bytes(await conversation.hear(count), "big")
    if length > _LARGEST:
        raise UnspokenError(Talk.CUT)
    return element(0x30, await conversation.hear(length))


async def _found(conversation: Conversation) -> tuple[list[Mapping[str, tuple[str, ...]]], int]:
    """The entries of one search and its result code; more messages than any root entry needs are not read."""
    entries: list[Mapping[str, tuple[str, ...]]] = []
    try:
        for _ in range(_MESSAGES):
            message = await _message(conversation)
            operation = read_operation(message)[1]
            if operation == ENTRY:
                entries.append(_entry(message))
            elif operation == DONE:
                return entries, read_answer(message).code
    except BerError:
        raise UnspokenError(Talk.OTHER) from None
    raise UnspokenError(Talk.CUT)


async def _shown(conversation: Conversation) -> Access:
    """Whether an object was shown: the first one is enough, the rest is not read."""
    try:
        operation = read_operation(await _message(conversation))[1]
    except (BerError, UnspokenError):
        return Access.UNKNOWN
    return Access.OPEN if operation == ENTRY else Access.REQUIRED


def _entry(message: bytes) -> Mapping[str, tuple[str, ...]]:
    start, stop = expect(message, 0, len(message), 0x30)
    _, past = expect(message, start, stop, 0x02)
    at, end = expect(message, past, stop, ENTRY)
    _, at = expect(message, at, end, 0x04)
    at, end = expect(message, at, end, 0x30)
    found: dict[str, tuple[str, ...]] = {}
    while at < end:
        inner, at = expect(message, at, end, 0x30)
        first, past = expect(message, inner, at, 0x04)
        values, last = expect(message, past, at, 0x31)
        texts = []
        while values < last:
            _, begin, values = header(message, values, last)
            texts.append(clipped(message[begin:values]))
        found[message[first:past].decode("ascii", "replace").lower()] = tuple(texts)
    return found
