"""The crier: tells what changed, by mail and webhook, once; what stayed as it was is never told."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from reports.visible import visible
from rules.interface import Severity
from rules.registry import load as registry
from scanner.config.load import ConfigError, Settings
from scanner.config.schema import NotifySection
from scanner.config.secrets import SecretError, read
from scanner.outbound.https import OutboundError, post
from scanner.outbound.mail import MailServer, send
from scanner.schedule.confirmation import window
from scanner.store.boards import Shift
from scanner.store.errors import StoreError
from scanner.store.sightings import Filter
from scanner.store.store import Store

log = logging.getLogger(__name__)

#: Seconds between two rounds, and how far back a change is still news.
_PACE, _NEWS = 30.0, timedelta(days=3)
#: Changes listed in one message; the rest is counted.
_LISTED = 20
_TOLD = {"new": "nouveau", "worse": "aggravé", "reopened": "rouvert"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message: ``id`` says what about, so that it is sent once; ``lines`` name the findings."""

    id: str
    kind: str
    perimeter: str
    subject: str
    lines: tuple[str, ...]


class Crier:
    """One of any number: whoever claims a message sends it; one that could not be sent is given back."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        store: Store,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock

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
            if not await asyncio.to_thread(self._store.notices.claim, notice.id):
                continue
            try:
                await _sent(section, settings.folder, notice)
            except (OutboundError, SecretError):
                await asyncio.to_thread(self._store.notices.release, notice.id)
                raise

    def _news(self, settings: Settings) -> Iterator[Notice]:
        sent = self._store.notices.sent()
        least = Severity(settings.file.notify.from_severity)
        shifts = self._store.boards.shifts(None, self._clock() - _NEWS, 5000)
        for notice in (*changes(shifts, least, settings), *self._overdue(settings), *self._windows(settings, sent)):
            if notice.id not in sent:
                yield notice

    def _overdue(self, settings: Settings) -> Iterator[Notice]:
        """What has been open for longer than its severity allows, each finding once."""
        limits, today = settings.file.notify.overdue_days, self._clock().date()
        allowed = {Severity.CRITICAL: limits.critical, Severity.HIGH: limits.high}
        for perimeter, known in settings.perimeters.items():
            for severity, days in allowed.items():
                page = self._store.sightings.findings(perimeter, Filter(severity=severity.value))
                for finding in page.findings:
                    if (today - finding.first_seen.date()).days > days:
                        yield Notice(
                            id=f"overdue {perimeter} {finding.fingerprint}",
                            kind="overdue",
                            perimeter=perimeter,
                            subject=f"{known.name} : constat ouvert depuis plus de {days} jours",
                            lines=(_line("en retard", finding.rule, finding.asset),),
                        )

    def _windows(self, settings: Settings, sent: Collection[str]) -> Iterator[Notice]:
        """The windows of confirmation audits that are open; the days after one was told open no other."""
        today = self._clock().date()
        for board in self._store.boards.boards(settings.perimeters.keys()):
            found = window(board.trends.get("exposure", ()), today)
            if found is None or found.opens > today:
                continue
            perimeter, length = board.perimeter, (found.closes - found.opens).days
            if any(_window_id(perimeter, found.opens - timedelta(days=n)) in sent for n in range(1, length + 1)):
                continue
            yield Notice(
                id=_window_id(perimeter, found.opens),
                kind="window",
                perimeter=perimeter,
                subject=f"{settings.perimeters[perimeter].name} : l’audit de confirmation peut être fait",
                lines=(
                    f"Du {found.opens:%d/%m/%Y} au {found.closes:%d/%m/%Y} inclus (45e au 60e jour après le premier "
                    "audit), un second audit d’exposition au moins du même niveau confirme le premier.",
                ),
            )


def _window_id(perimeter: str, opens: date) -> str:
    return f"window {perimeter} {opens.isoformat()}"


def changes(shifts: Iterable[Shift], least: Severity, settings: Settings) -> list[Notice]:
    """Return one message a scan that brought something new, worse or reopened, at or above a severity."""
    by_scan: dict[tuple[str, str], list[Shift]] = defaultdict(list)
    for shift in shifts:
        if shift.change in _TOLD and shift.severity.rank <= least.rank:
            by_scan[shift.perimeter, shift.scan].append(shift)
    notices = []
    for (perimeter, scan), found in by_scan.items():
        found.sort(key=lambda s: (s.severity.rank, s.rule, s.asset))
        known = settings.perimeters.get(perimeter)
        more = (f"… et {len(found) - _LISTED} autres",) if len(found) > _LISTED else ()
        notices.append(
            Notice(
                id=f"scan {scan}",
                kind="changes",
                perimeter=perimeter,
                subject=f"{known.name if known else perimeter} : {len(found)} constat(s) à regarder",
                lines=(*(_line(_TOLD[s.change], s.rule, s.asset) for s in found[:_LISTED]), *more),
            )
        )
    return notices


def _line(change: str, rule: str, asset: str) -> str:
    card = registry().cards.get(rule)
    return f"[{change}] {card.fr.title if card else rule} : {visible(asset, 200)}"


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
