"""Probes of a family of protocols: a table says which is spoken at which port, a function a protocol speaks it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from probes.facts.services.answered import Access, ServiceAnswered, Talk
from probes.facts.services.industrial import Endpoint
from probes.interface import Asset
from probes.services.conversation import Call
from probes.services.service import ServiceProbe, ServiceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a service that spoke its protocol said of itself."""

    access: Access = Access.UNKNOWN
    product: str = ""
    version: str = ""
    encryption: bool | None = None
    mechanisms: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()


#: Speaks one protocol; raises ``UnspokenError`` when it is not spoken, ``ProbeError`` when no connection came about.
Dialogue = Callable[[Call], Awaitable[Said]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilySettings(ServiceSettings):
    """Ports by protocol. ``at`` adds to the family's own table, or replaces a line of it."""

    at: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


S = TypeVar("S", bound=FamilySettings)


class FamilyProbe(ServiceProbe[S]):
    """Speaks, at a port, the protocol that the table gives it."""

    #: Ports by protocol, and who speaks each.
    table: ClassVar[Mapping[str, tuple[int, ...]]]
    dialogues: ClassVar[Mapping[str, Dialogue]]

    def __init__(self, settings: S) -> None:
        super().__init__(settings)
        merged = {**self.table, **settings.at}
        self._protocol_at = {port: name for name, ports in merged.items() if name in self.dialogues for port in ports}

    def wants(self, asset: Asset) -> bool:
        """A port of the table that accepted a connection."""
        return asset.transport == "tcp" and asset.port in self._protocol_at and bool(asset.addresses)

    async def converse(self, call: Call) -> ServiceAnswered:
        """Speak the port's protocol."""
        protocol = self._protocol_at[call.port]
        return self.fact(call, protocol, Talk.SPOKEN, await self.dialogues[protocol](call))

    def unspoken(self, call: Call, talk: Talk) -> ServiceAnswered:
        """Something else, or nothing, was heard."""
        return self.fact(call, self._protocol_at[call.port], talk, Said())

    @abstractmethod
    def fact(self, call: Call, protocol: str, talk: Talk, said: Said) -> ServiceAnswered:
        """Return the family's fact."""


def answered(call: Call, protocol: str, talk: Talk, said: Said) -> dict[str, Any]:
    """Return the fields that the facts of every family share."""
    return {
        "address": str(call.address),
        "protocol": protocol,
        "talk": talk,
        "access": said.access,
        "product": said.product,
        "version": said.version,
        "encryption": said.encryption,
    }
