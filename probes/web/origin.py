"""One web origin, asked politely: a pause before each request, the address pinned, nothing followed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from probes.interface import MANDATED, Asset, Line, ProbeError, Reason
from probes.web.fetch import Answer, fetch

#: Requests in a row without an answer after which an origin is left alone.
_GIVEN_UP = 5


@dataclass(slots=True, kw_only=True)
class Patience:
    """How many requests in a row stayed without an answer."""

    lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Scheme, host and port at one granted address; ``pause`` is in seconds.

    An origin that answers nothing for a while is asked no more: the rest stays without an answer.
    """

    line: Line
    asset: Asset
    address: str
    scheme: str
    pause: float
    patience: Patience = field(default_factory=Patience)

    @property
    def base(self) -> str:
        """``https://www.x.fr:443``, without a path."""
        host = self.asset.host
        return f"{self.scheme}://{f'[{host}]' if ':' in host else host}:{self.asset.port}"

    async def ask(self, path: str, *, method: str = "GET", headers: tuple[tuple[str, str], ...] = ()) -> Answer:
        """Make one request of this origin; raise ``ProbeError``."""
        await asyncio.sleep(self.pause)
        return await fetch(self.line, self.address, self.base + path, method=method, headers=headers)

    async def attempt(
        self, path: str, *, method: str = "GET", headers: tuple[tuple[str, str], ...] = ()
    ) -> Answer | None:
        """Make one request; None when this path stayed without an answer. What we decided ourselves is raised."""
        if self.patience.lost >= _GIVEN_UP:
            return None
        try:
            answer = await self.ask(path, method=method, headers=headers)
        except ProbeError as error:
            if error.reason in MANDATED or error.reason is Reason.INTERRUPTED:
                raise
            self.patience.lost += 1
            return None
        self.patience.lost = 0
        return answer
