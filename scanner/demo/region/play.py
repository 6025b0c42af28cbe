"""Plays the region: for each month and establishment, a scan is begun, journaled, ended and judged as any other."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from probes.interface import Asset, AssetKind, Attempt, Digest, Fact, Observation, Part, Reason, Status, Vantage
from rules.subject import Feed, Scan, ScanPart
from scanner import run
from scanner.config.load import Settings, load
from scanner.demo.region import exposure, forest
from scanner.demo.region.towns import MONTHS, Town, towns
from scanner.engine import observation_id
from scanner.feeds.load import feeds
from scanner.journal import Step, StepResult
from scanner.judging import judge_scan
from scanner.store.accounts import Account, Role
from scanner.store.store import Store, open_store

#: Days between two scans of an establishment.
_MONTH = timedelta(days=30)


class Clock:
    """The instant of the play, which jumps from scan to scan."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the instant."""
        return self.now


def play(
    folder: Path, told: Callable[[str], None], *, known: tuple[Town, ...] = (), months: int = MONTHS
) -> tuple[Path, str]:
    """Write the region into a folder; return its configuration, and the password of the account ``demo``.

    ``known`` are the establishments, all by default; ``months`` is how many of the last months are played.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("region*"):
        if old.is_file():
            old.unlink()
    config = folder / "region.toml"
    today = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    known = known or towns()
    config.write_text(configuration(known, today))
    settings, clock, password = load(config), Clock(today), secrets.token_urlsafe(12)
    with open_store(settings.store_location(), clock=clock, actor="demonstration") as store:
        # what no month changes of a forest is kept once
        stage = _Stage(settings, store, clock, cache(store.captures.keep), feeds(settings))
        store.accounts.add(Account(login="demo", name="Démonstration", role=Role.ADMIN), password)
        for month in range(MONTHS - months, MONTHS):
            for number, town in enumerate(known):
                clock.now = today - _MONTH * (MONTHS - 1 - month) - timedelta(minutes=7 * number)
                _scan(stage, town, month)
            told(f"{month + 1} / {MONTHS}")
    return config, password


@dataclass(frozen=True, slots=True)
class _Stage:
    """What every scan of the play shares; ``keep`` keeps a capture and returns its digest."""

    settings: Settings
    store: Store
    clock: Clock
    keep: Callable[[bytes], Digest]
    feeds: Iterable[Feed]


def _scan(stage: _Stage, town: Town, month: int) -> None:
    settings, store, clock = stage.settings, stage.store, stage.clock
    at, faults = clock.now, town.faults(month)
    parts = tuple(
        ScanPart(kind=kind, box="démonstration", vantage=vantage, started_at=at, ended_at=None)
        for kind, vantage in ((Part.EXPOSURE, Vantage.INTERNET), (Part.DIRECTORY, Vantage.INSIDE))
    )
    scan = Scan(
        id=f"{at:%Y%m%dT%H%M%S}-{town.id}",
        perimeter=settings.perimeters[town.id],
        mandate=settings.mandates[f"M-{town.id}"],
        parts=parts,
        level=2,
        state="running",
        versions=run.versions(),
        config_digest=settings.digest,
    )
    lease = store.scans.begin(scan)
    journal = store.journal(lease)
    for feed in stage.feeds:
        store.records.keep_feed(scan.id, feed)
    seen = [_observed(asset, fact, Vantage.INTERNET, at, ()) for asset, fact in exposure.sights(town, faults, at)]
    for read, capture in forest.read(town, faults, at):
        context = Asset(kind=AssetKind.NAMING_CONTEXT, name=read.dn, found_by="directory:ad")
        seen.append(_observed(context, read, Vantage.INSIDE, at, (stage.keep(capture),)))
    root = Asset(kind=AssetKind.FOREST, name=town.forest, found_by="directory:ad")
    domain = Asset(kind=AssetKind.AD_DOMAIN, name=town.forest, found_by=root.id)
    assets = tuple({o.asset.id: o.asset for o in seen}.values())
    start = Asset(kind=AssetKind.DOMAIN, name=town.domain)
    tried = Attempt(
        probe="dns@1", asset=start.id, status=Status.COMPLETED, reason=Reason.NONE, started_at=at, ended_at=at
    )
    step = Step(probe="dns", asset=start)
    journal.commit(StepResult(step=step, observations=tuple(seen), attempts=(tried,), found=(*assets, root, domain)))
    clock.now = at + timedelta(minutes=5)
    ended = tuple(replace(part, ended_at=clock.now) for part in parts)
    met = Asset(kind=AssetKind.HOST, name=f"ancien.{town.id}.example", found_by=start.id)
    store.scans.end(lease, replace(scan, state="complete", parts=ended), (*assets, root, domain), (met,))
    judge_scan(settings, store, scan.id, clock=clock)


def _observed(asset: Asset, fact: Fact, vantage: Vantage, at: datetime, captures: tuple[str, ...]) -> Observation[Fact]:
    made = Observation(
        id="", asset=asset, fact=fact, seen_at=at, probe=f"{fact.seen_by}@1", vantage=vantage, captures=captures
    )
    return replace(made, id=observation_id(made))


def configuration(known: tuple[Town, ...], today: datetime) -> str:
    """Return the configuration of the region."""
    start, end = today.date() - timedelta(days=400), today.date() + timedelta(days=200)
    head = """
[box]
name = "démonstration"
vantage = "internet"
[store]
url = "region.sqlite"
"""
    return head + "".join(
        f"""
[[mandates]]
reference = "M-{town.id}"
signatory = "Établissement fictif"
valid_from = {start}
valid_until = {end if number % 9 else today.date() + timedelta(days=number)}
domains = ["{town.domain}"]
[[perimeters]]
id = "{town.id}"
name = "{town.name}"
unit = "ej"
region = "84"
ght = "{town.ght}"
mandate = "M-{town.id}"
hosts = ["www.{town.domain}"]
members = [{{ finess = "{town.finess}", name = "{town.name}", category = "{town.category}", region = "84" }}]
"""
        for number, town in enumerate(known)
    )
