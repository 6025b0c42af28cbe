"""Reading a naming context: pages fetched while the last is kept, then the further ranges of long attributes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

from probes.directory.blocking import blocking
from probes.directory.connection import Page, Session, refusal
from probes.directory.messages import SHOW_DELETED, Scope, control, descriptor_parts, paged, read_cookie
from probes.facts.ber import BerError
from probes.facts.entries import EntryError, decode_entries
from probes.interface import ProbeError, Reason

#: Owner, group and DACL: what an ordinary account may read. With the SACL it would be given nothing at all.
OWNER_GROUP_DACL = 7
#: A server that refuses a page is asked for half of it, down to this.
SMALLEST_PAGE = 50
#: Pages without an entry that a server may send in a row.
EMPTY_PAGES = 100
#: Result codes by which a server refuses the size of a page: size limit, administrative limit, unwilling.
TOO_BIG = frozenset({4, 11, 53})
NO_SUCH_OBJECT = 32


class TreeReader:
    """The reading of one naming context on one session, with what it cost."""

    def __init__(self, session: Session, pace: Callable[[], Awaitable[None]]) -> None:
        self._session = session
        self._pace = pace
        self._ends = time.monotonic() + session.target.budget_seconds
        self._size = session.target.page_size
        self._long: list[tuple[str, str, int]] = []
        self.queries = 0
        self.objects = 0

    async def entries(self, base: str, attributes: Sequence[str]) -> AsyncIterator[list[bytes]]:
        """Yield the entries under ``base``, message by message as received, then those of further ranges."""
        asked = self._limited(attributes)
        fetching = asyncio.create_task(self._first(base, asked))
        empty = 0
        try:
            while True:
                page = await fetching
                cookie = _cookie(page)
                if page.answer.code == 0 and cookie:
                    fetching = asyncio.create_task(self._page(base, asked, cookie))
                self.objects += len(page.entries)
                yield page.entries
                # searched once the next page is asked for: it takes milliseconds, and the server would wait
                self._long += _unfinished(page.entries)
                if page.answer.code:
                    raise refusal(page.answer)
                if not cookie:
                    break
                empty = 0 if page.entries else empty + 1
                if empty > EMPTY_PAGES:
                    raise ProbeError(Reason.MALFORMED, "pages without end and without entry")
        finally:
            fetching.cancel()
            with suppress(asyncio.CancelledError, ProbeError):
                await fetching
        async for more in self._ranges():
            yield more

    def _limited(self, attributes: Sequence[str]) -> list[str]:
        most = self._session.target.members_at_once
        return [f"member;range=0-{most - 1}" if most and name == "member" else name for name in attributes]

    async def _first(self, base: str, attributes: Sequence[str]) -> Page:
        while True:
            page = await self._page(base, attributes, b"")
            if page.answer.code not in TOO_BIG or page.entries or self._size <= SMALLEST_PAGE:
                return page
            self._size = max(SMALLEST_PAGE, self._size // 2)

    async def _page(self, base: str, attributes: Sequence[str], cookie: bytes) -> Page:
        controls = [paged(self._size, cookie), descriptor_parts(OWNER_GROUP_DACL)]
        if self._session.target.deleted_objects:
            controls.append(control(SHOW_DELETED, critical=False))
        return await self._ask(base, Scope.SUBTREE, attributes, controls)

    async def _ask(self, base: str, scope: Scope, attributes: Sequence[str], controls: Sequence[bytes]) -> Page:
        await self._pace()
        await asyncio.sleep(self._session.target.throttle)
        left = self._ends - time.monotonic()
        if left <= 0:
            raise ProbeError(Reason.BUDGET, "the time for this naming context is spent")
        self.queries += 1
        return await blocking(
            self._session,
            min(left, self._session.target.page_seconds),
            lambda: self._session.read(base.encode(), scope, attributes, controls),
        )

    async def _ranges(self) -> AsyncIterator[list[bytes]]:
        """Yield an entry for each further range, until the server gives the last (MS-ADTS 3.1.1.3.1.3.3)."""
        most = self._session.target.members_at_once
        while self._long:
            dn, name, first = self._long.pop(0)
            last = str(first + most - 1) if most else "*"
            page = await self._ask(dn, Scope.BASE, [f"{name};range={first}-{last}"], [])
            if page.answer.code == NO_SUCH_OBJECT:
                continue
            if page.answer.code:
                raise refusal(page.answer)
            following = [one for one in _unfinished(page.entries) if one[0] == dn and one[2] > first]
            self._long[:0] = following
            yield page.entries


def _cookie(page: Page) -> bytes:
    try:
        return read_cookie(page.answer)
    except BerError as error:
        raise ProbeError(Reason.MALFORMED, f"page control: {error}") from None


def _unfinished(entries: Sequence[bytes]) -> list[tuple[str, str, int]]:
    """Return (name of the object, attribute, first value missing) of every range that is not the last."""
    found = []
    try:
        for message in entries:
            if b";range=" not in message and b";Range=" not in message:
                continue
            for entry in decode_entries(message):
                for description in entry.attributes:
                    name, _, bounds = description.partition(";range=")
                    last = bounds.partition("-")[2]
                    if last.isascii() and last.isdigit() and len(last) < 10:
                        found.append((entry.dn, name, int(last) + 1))
    except EntryError as error:
        raise ProbeError(Reason.MALFORMED, str(error)) from None
    return found
