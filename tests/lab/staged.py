"""The demonstration's stage, scanned at chosen days by the observations' own clock, for tests of what comes after."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from scanner import run
from scanner.config.load import Settings, load
from scanner.demo import establishment, nameserver, services
from scanner.demo.play import configuration
from scanner.judging import judge_scan
from scanner.store.store import open_store

#: The day of the first scan: the demonstration's certificates are made around today.
TODAY = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One scan to make: how many days before today, and the addresses whose services are down then."""

    ago: int
    down: tuple[str, ...] = ()


def staged(folder: Path, perimeter: str, looks: Collection[Look], *, unit: str = "ej", document: str = "") -> list[str]:
    """Stage, write ``config.toml`` in the folder, scan a perimeter once a look, and return the scans' ids.

    ``document`` is the file of the signed mandates, in the folder.
    """
    return asyncio.run(_staged(folder, perimeter, looks, unit, document))


async def _staged(folder: Path, perimeter: str, looks: Collection[Look], unit: str, document: str) -> list[str]:
    stage = establishment.stage(datetime.now(UTC))
    anchor = folder / "demo-ca.pem"
    anchor.write_bytes(stage.authority.chain[0].public_bytes(Encoding.PEM))
    config = folder / "config.toml"
    text = _text(anchor, perimeter, unit)
    if document:
        text = text.replace("signatory =", f'document = "{document}"\nsignatory =')
    config.write_text(text)
    settings = load(config)
    ids = []
    async with contextlib.AsyncExitStack() as names:
        for address, server in stage.nameservers:
            await names.enter_async_context(nameserver.serving(server, address, establishment.DNS_PORT))
        for look in looks:
            async with contextlib.AsyncExitStack() as up:
                for service in stage.services:
                    if service.address not in look.down:
                        await up.enter_async_context(services.serving(service))
                ids.append(await _look(settings, perimeter, look))
    return ids


async def _look(settings: Settings, perimeter: str, look: Look) -> str:
    offset = TODAY - timedelta(days=look.ago) - datetime.now(UTC)

    def clock() -> datetime:
        return datetime.now(UTC) + offset

    with open_store(settings.store_location(), clock=clock, actor="auditrice") as store:
        ended, _ = await run.scan(settings, store, perimeter, clock=clock)
        judge_scan(settings, store, ended.id, clock=clock)
    return ended.id


def _text(anchor: Path, perimeter: str, unit: str) -> str:
    """The demonstration's configuration, in force for a year around today, with the unit of the perimeter."""
    text = configuration(anchor.resolve()).replace("second_look_seconds = 1.0", "second_look_seconds = 0.1")
    today = datetime.now(UTC).date()
    text = text.replace(f"valid_from = {today - timedelta(days=1)}", f"valid_from = {today - timedelta(days=200)}")
    text = text.replace(f"valid_until = {today + timedelta(days=1)}", f"valid_until = {today + timedelta(days=165)}")
    return text.replace(f'id = "{perimeter}"\n', f'id = "{perimeter}"\nunit = "{unit}"\n')
