"""Services over UDP: one small harmless question each, and the size of what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar

from probes.facts.services.answered import Access, DatagramAnswered, DatagramsAsked, Talk
from probes.interface import (
    Asset,
    AssetKind,
    IPAddress,
    Line,
    Part,
    Probe,
    ProbeError,
    Reason,
    Sight,
    Yield,
    service,
)  # fmt: skip
from probes.services.datagram_questions import QUESTIONS, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class DatagramSettings:
    """Seconds an answer is waited for, tries on silence, addresses of one host; ports moved, by protocol."""

    patience: float = 1.5
    tries: int = 2
    most_addresses: int = 4
    ports: tuple[str, ...] = ()


class DatagramProbe(Probe[DatagramSettings]):
    """Asks each UDP service once; only what answers exists, silence is told as silence."""

    name: ClassVar[str] = "datagram"
    version: ClassVar[str] = "1"
    level: ClassVar[int] = 2
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.HOST, AssetKind.ADDRESS})
    Settings: ClassVar[type[DatagramSettings]] = DatagramSettings

    def wants(self, asset: Asset) -> bool:
        """A host is asked once its addresses are known."""
        return asset.kind is AssetKind.ADDRESS or bool(asset.addresses)

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Ask every question at every granted address; yield the services that answered and what was asked."""
        name = asset.name if asset.kind is AssetKind.HOST else ""
        texts = asset.addresses[: self.settings.most_addresses] if name else (asset.name,)
        moved = {k: int(v) for k, _, v in (text.partition("=") for text in self.settings.ports)}
        asked: list[tuple[str, str, int, str]] = []
        refusal: ProbeError | None = None
        for address in map(ip_address, texts):
            questions = [(q, moved.get(q.protocol, q.port)) for q in QUESTIONS if _allowed(q, line)]
            results = await asyncio.gather(*(self._ask(line, address, port, q, name) for q, port in questions))
            for (question, port), (outcome, answer, error) in zip(questions, results, strict=True):
                refusal = error or refusal
                if outcome:
                    asked.append((str(address), question.protocol, port, outcome))
                if answer:
                    where = service("udp", port, asset.name, addresses=(str(address),), found_by=asset.id)
                    yield Sight(fact=_fact(address, question, answer), asset=where)
        if not asked and refusal is not None:
            raise refusal
        yield Sight(fact=DatagramsAsked(asked=tuple(sorted(asked))))

    async def _ask(
        self, line: Line, address: IPAddress, port: int, question: Question, name: str
    ) -> tuple[str, bytes, ProbeError | None]:
        """What came of one question: its outcome ("" when it was not allowed), the answer, the mandate's refusal."""
        try:
            answer = await line.exchange(
                question.request, address, port, name=name, level=question.level, deadline=self.settings.patience,
                tries=1 if question.device else self.settings.tries, any_port=question.any_port,
            )  # fmt: skip
        except ProbeError as error:
            if error.reason in {Reason.TIMED_OUT, Reason.UNREACHABLE, Reason.CONNECTION_LOST}:
                return "silent", b"", None
            if error.reason is Reason.REFUSED:
                return "refused", b"", None
            if error.reason in {Reason.INTERRUPTED, Reason.WINDOW}:
                raise
            return "", b"", error
        return ("answered", answer, None) if question.answered_by(answer) else ("other", b"", None)


def _allowed(question: Question, line: Line) -> bool:
    return question.level <= line.level and (line.identifies_devices or not question.device)


def _fact(address: IPAddress, question: Question, answer: bytes) -> DatagramAnswered:
    return DatagramAnswered(
        address=str(address),
        protocol=question.protocol,
        talk=Talk.SPOKEN,
        access=Access.OPEN if question.protocol in {"snmp-public", "memcached"} else Access.UNKNOWN,
        product=question.product(answer),
        encryption=False,
        request=len(question.request),
        answer=len(answer),
    )
