"""What the probes of services share: the addresses of a service, called one after the other."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar, TypeVar

from probes.facts.services.answered import ServiceAnswered, Talk
from probes.interface import Asset, AssetKind, Line, Part, Probe, ProbeError, Reason, Shortfall, Sight, Yield
from probes.services.conversation import Call, UnspokenError


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """The ports a protocol is looked for at, the seconds a conversation lasts, the addresses called of a service."""

    ports: tuple[int, ...] = ()
    patience: float = 8.0
    most_addresses: int = 4


S = TypeVar("S", bound=ServiceSettings)


class CutShortError(ProbeError):
    """A service that was left before all was asked, with what it had told by then."""

    def __init__(self, reason: Reason, detail: str, facts: Iterable[ServiceAnswered]) -> None:
        super().__init__(reason, detail)
        self.facts = tuple(facts)


class ServiceProbe(Probe[S]):
    """Speaks to the services of some ports, at each address; a subclass says what is said and what it means."""

    version: ClassVar[str] = "1"
    level: ClassVar[int] = 2
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})

    def wants(self, asset: Asset) -> bool:
        """One of the protocol's ports, that accepted a connection."""
        return asset.transport == "tcp" and asset.port in self.settings.ports and bool(asset.addresses)

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield what each address answered; an address that failed is missed, unless all did."""
        name = "" if _numeric(asset.host) else asset.host
        failures: list[ProbeError] = []
        addresses = asset.addresses[: self.settings.most_addresses]
        for text in addresses:
            call = Call(
                line=line,
                address=ip_address(text),
                port=asset.port or 0,
                name=name,
                patience=self.settings.patience,
            )
            try:
                facts = await self.answers(call)
            except CutShortError as cut:
                for fact in cut.facts:
                    yield Sight(fact=fact)
                yield Shortfall(reason=cut.reason, detail=f"{text}: {cut.detail}")
            except ProbeError as error:
                failures.append(error)
                if len(addresses) > 1:
                    yield Shortfall(reason=error.reason, detail=f"{text}: {error.detail}")
            else:
                for fact in facts:
                    yield Sight(fact=fact)
        if failures and len(failures) == len(addresses):
            raise failures[0]

    async def answers(self, call: Call) -> tuple[ServiceAnswered, ...]:
        """Return what one address answered: one fact, for most protocols; raise ``CutShortError`` when it was left."""
        try:
            fact = await self.converse(call)
        except UnspokenError as end:
            fact = self.unspoken(call, end.talk)
        return () if fact is None else (fact,)

    @abstractmethod
    async def converse(self, call: Call) -> ServiceAnswered | None:
        """Speak and return what was learnt; raise ``UnspokenError`` when the protocol was not spoken."""

    @abstractmethod
    def unspoken(self, call: Call, talk: Talk) -> ServiceAnswered | None:
        """Return the fact of a service that did not speak the protocol, or None when it tells nothing."""


def _numeric(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
