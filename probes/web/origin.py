"""One web origin, asked politely: no more than a share of its time, the address pinned, nothing followed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from probes.interface import MANDATED, Asset, Line, ProbeError, Reason
from probes.services.http import SLOWER
from probes.web.fetch import DEADLINE, Answer, fetch

#: Requests in a row without an answer after which an origin is left alone.
_GIVEN_UP = 5
#: The share of an origin's time that is taken: after an answer it is left alone for the rest.
_SHARE = 0.2
#: An origin that answers is waited for at least so long, or so many times its slowest answer, in seconds.
_WAITED, _TIMES = 2.0, 4.0


@dataclass(slots=True, kw_only=True)
class Patience:
    """How an origin answered so far: requests in a row without an answer, the seconds of its last and its slowest
    answer (None before the first), and whether it pushed back."""

    lost: int = 0
    last: float | None = None
    slowest: float = 0.0
    pushed_back: bool = False

    def heard(self, answer: Answer) -> None:
        """Take note of an answer; one that asks for less counts as none."""
        self.last, self.slowest = answer.seconds, max(self.slowest, answer.seconds)
        asks_for_less = answer.status in SLOWER
        self.pushed_back = self.pushed_back or asks_for_less
        self.lost = self.lost + 1 if asks_for_less else 0

    def pause(self, least: float, most: float) -> float:
        """Return how long to leave the origin alone now, in seconds."""
        if self.pushed_back or self.lost > 1:
            return max(least, most)
        return max(least, min((self.last or 0.0) * (1 / _SHARE - 1), most))

    def deadline(self) -> float:
        """Return how long the next request may take, in seconds."""
        return DEADLINE if self.last is None else min(max(_WAITED, self.slowest * _TIMES), DEADLINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Scheme, host and port at one granted address; ``pause`` and ``longest_pause``, between two requests, in seconds.

    An origin that answers nothing for a while is asked no more: the rest stays without an answer.
    """

    line: Line
    asset: Asset
    address: str
    scheme: str
    pause: float
    longest_pause: float
    patience: Patience = field(default_factory=Patience)

    @property
    def base(self) -> str:
        """``https://www.x.fr:443``, without a path."""
        host = self.asset.host
        return f"{self.scheme}://{f'[{host}]' if ':' in host else host}:{self.asset.port}"

    @property
    def given_up(self) -> ProbeError | None:
        """Why the rest was left unasked, or None where the origin answers."""
        if self.patience.lost < _GIVEN_UP:
            return None
        if self.patience.pushed_back:
            return ProbeError(Reason.RATE_LIMITED, f"{self.address} answered, then asked for less; the rest is unasked")
        return ProbeError(Reason.BLOCKED, f"{self.address} answered, then no more; the rest is unasked")

    async def ask(self, path: str, *, method: str = "GET", headers: tuple[tuple[str, str], ...] = ()) -> Answer:
        """Make one request of this origin; raise ``ProbeError``."""
        await asyncio.sleep(self.patience.pause(self.pause, self.longest_pause))
        answer = await fetch(
            self.line, self.address, self.base + path, method=method, headers=headers, deadline=self.patience.deadline()
        )
        self.patience.heard(answer)
        return answer

    async def attempt(
        self, path: str, *, method: str = "GET", headers: tuple[tuple[str, str], ...] = ()
    ) -> Answer | None:
        """Make one request; None when this path stayed without an answer, or was answered by asking for less.

        What we decided ourselves is raised.
        """
        if self.patience.lost >= _GIVEN_UP:
            return None
        try:
            answer = await self.ask(path, method=method, headers=headers)
        except ProbeError as error:
            if error.reason in MANDATED or error.reason is Reason.INTERRUPTED:
                raise
            self.patience.lost += 1
            return None
        return None if answer.status in SLOWER else answer
