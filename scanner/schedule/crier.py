"""The crier: tells what changed, by mail and webhook, once; what stayed as it was is never told."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

from reports.visible import visible
from rules.interface import Finding, Severity
from scanner.clock import Clock, utc_now
from scanner.config.load import ConfigError, Settings
from scanner.config.schema import NotifySection
from scanner.config.secrets import SecretError, read
from scanner.outbound.https import OutboundError, post
from scanner.outbound.mail import MailServer, send
from scanner.schedule.confirmation import window as opening
from scanner.schedule.notices import Notice, changes, overdue, overdue_mark, window, window_mark
from scanner.store.boards import Board
from scanner.store.errors import StoreError
from scanner.store.sightings import Filter
from scanner.store.store import Store

log = logging.getLogger(__name__)

#: Seconds between two rounds, and how far back a change is still news.
_PACE, _NEWS = 30.0, timedelta(days=3)


class Crier:
    """One of any number: whoever claims a message sends it; one that could not be sent is given back."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        store: Store,
        clock: Clock = utc_now,
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._looked: dict[str, tuple[object, ...]] = {}

    async def work(self) -> None:
        """Cry again and again, until cancelled."""
        while True:
            try:
                await self.round()
            except (StoreError, ConfigError, OutboundError, SecretError) as error:
                log.warning("notifications wait: %s", visible(str(error)))
            await asyncio.sleep(_PACE)

    async def round(self) -> None:
        """Send what is news and was not sent."""
        settings = await asyncio.to_thread(self._settings)
        section = settings.file.notify
        if not (section.webhook or (section.smtp_host and section.recipients)):
            return
        for notice in await asyncio.to_thread(lambda: list(self._news(settings))):
            if not await asyncio.to_thread(self._store.notices.claim, notice.marks):
                continue
            try:
                await _sent(section, settings.folder, notice)
            except (OutboundError, SecretError):
                self._looked.clear()
                await asyncio.to_thread(self._store.notices.release, notice.marks)
                raise

    def _news(self, settings: Settings) -> Iterator[Notice]:
        sent = self._store.notices.sent()
        least = Severity(settings.file.notify.from_severity)
        shifts = self._store.boards.shifts(None, self._clock() - _NEWS, 5000)
        boards = self._store.boards.boards(settings.perimeters.keys())
        for notice in changes(shifts, least, settings):
            if sent.isdisjoint(notice.marks):
                yield notice
        yield from self._overdue(settings, boards, sent)
        yield from self._windows(settings, boards, sent)

    def _overdue(self, settings: Settings, boards: Iterable[Board], sent: Collection[str]) -> Iterator[Notice]:
        """What has been open for longer than its severity allows, each finding once, one message a perimeter.

        A perimeter is read again only on another day, after another judgement, or under other limits.
        """
        today, notify = self._clock().date(), settings.file.notify
        for board in boards:
            about = (today, notify, *sorted(standing.judgement for standing in board.standings.values()))
            if self._looked.get(board.perimeter) == about:
                continue
            accepted = {w.fingerprint for w in self._store.waivers.granted(board.perimeter) if w.expires >= today}
            late = [
                finding
                for finding in self._late(board.perimeter, today, notify)
                if finding.fingerprint not in accepted and overdue_mark(board.perimeter, finding) not in sent
            ]
            self._looked[board.perimeter] = about
            if late:
                yield overdue(board.perimeter, late, today, settings)

    def _late(self, perimeter: str, today: date, notify: NotifySection) -> Iterator[Finding]:
        """The open findings of a perimeter that are past the limit of their severity."""
        limits, least = notify.overdue_days.model_dump(), Severity(notify.from_severity)
        for severity in Severity:
            if severity.value not in limits or severity.rank > least.rank:
                continue
            page, last = 1, 1
            while page <= last:
                found = self._store.sightings.findings(perimeter, Filter(severity=severity.value, page=page))
                page, last = page + 1, found.pages
                yield from (f for f in found.findings if (today - f.first_seen.date()).days > limits[severity.value])

    def _windows(self, settings: Settings, boards: Iterable[Board], sent: Collection[str]) -> Iterator[Notice]:
        """The windows of confirmation audits that are open; the days after one was told open no other."""
        today = self._clock().date()
        for board in boards:
            found = opening(board.trends.get("exposure", ()), today)
            if found is None or found.opens > today:
                continue
            length = (found.closes - found.opens).days
            if any(window_mark(board.perimeter, found.opens - timedelta(days=n)) in sent for n in range(length + 1)):
                continue
            yield window(board.perimeter, found, settings)


async def _sent(section: NotifySection, folder: Path, notice: Notice) -> None:
    ca_file = folder / section.ca_file if section.ca_file else None
    if section.webhook:
        about = {"id": notice.id, "kind": notice.kind, "perimeter": notice.perimeter, "subject": notice.subject}
        body = json.dumps({**about, "lines": notice.lines}, ensure_ascii=False).encode()
        headers = {}
        if section.webhook_secret:
            key = read(section.webhook_secret).reveal().encode()
            headers["X-Hygie-Signature"] = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
        await post(section.webhook, body, "application/json", ca_file=ca_file, headers=headers)
    if section.smtp_host and section.recipients:
        server = MailServer(
            host=section.smtp_host,
            port=section.smtp_port,
            starttls=section.smtp_security == "starttls",
            sender=section.sender or section.recipients[0],
            recipients=section.recipients,
            user=section.smtp_user,
            password=read(section.smtp_password) if section.smtp_password else None,
            ca_file=ca_file,
        )
        await send(server, notice.subject, "\n".join(notice.lines))
