"""A scan from the configuration to what it saw: plan, engine, second look."""

from __future__ import annotations

import logging
import platform
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from ipaddress import ip_address

from probes.interface import Asset, AssetKind, Mandate, Part
from rules.interface import Outcome, Severity
from rules.judge import judge
from rules.registry import load
from rules.subject import Perimeter, Record, Scan, ScanPart
from scanner.catalogue import build_probes, directory_settings, probe_settings
from scanner.clock import Clock, utc_now
from scanner.config.load import ConfigError, PerimeterError, Settings
from scanner.criteria import named
from scanner.engine import Engine, EngineSettings, Run
from scanner.feeds.load import feeds
from scanner.heartbeat import beating
from scanner.line import GuardedLine
from scanner.parameters import check_parameters
from scanner.progress import Progress, Silence
from scanner.reach import line_settings
from scanner.stop import Stops, on_hangup, on_request, on_signals
from scanner.store.errors import StoreUnavailableError
from scanner.store.leases import Lease
from scanner.store.store import Store

log = logging.getLogger(__name__)


def check_mandate(mandate: Mandate, at: datetime) -> None:
    """Raise ``PerimeterError`` unless the mandate is in force that day."""
    day = at.astimezone(UTC).date()
    if day < mandate.valid_from:
        raise PerimeterError(
            f"mandate {mandate.reference} is valid from {mandate.valid_from} only; scan from that day on"
        )
    if day > mandate.valid_until:
        raise PerimeterError(
            f"mandate {mandate.reference} expired on {mandate.valid_until}; have it renewed and update valid_until. "
            "Reports and judgements of past scans still work."
        )


async def scan(
    settings: Settings,
    store: Store,
    perimeter_id: str,
    *,
    only: Part | None = None,
    level: int = 2,
    resume: str = "",
    order: str = "",
    progress: Progress | None = None,
    clock: Clock = utc_now,
) -> tuple[Scan, bool]:
    """Run or resume one scan of a perimeter; return it as it ended, and whether it was interrupted.

    ``order`` is the id that a worker was asked for; such a scan stops when its standard input ends.
    """
    perimeter = perimeter_of(settings, perimeter_id)
    mandate = settings.mandates[settings.perimeter_mandates[perimeter_id]]
    check_mandate(mandate, clock())
    # What the configuration has wrong is said before anything is begun, not after a night of scanning.
    probe_settings(settings, directories=())
    cut = store.scans.find(resume).parts if resume else ()
    _check_secrets(settings, perimeter, {p.kind for p in cut} or {only or Part.EXPOSURE, only or Part.DIRECTORY})
    check_parameters(settings)
    named(settings.file.reports.criteria, settings.folder)
    # From here on Ctrl-C ends a scan that can be resumed, even before its first step.
    stops = Stops()
    with on_signals(stops.press):
        if resume:
            begun, lease = store.scans.resume(resume)
            if not order:
                store.stops.lift(begun.id)
        else:
            begun = _new_scan(settings, perimeter, mandate, only, min(level, mandate.level), clock(), order)
            lease = begin(settings, store, begun)
        run = await _look(settings, store, begun, lease, progress or Silence(), clock, stops, tied=bool(order))
        state = "interrupted" if run.interrupted else "complete"
        ended = None if run.interrupted else clock()
        ended_scan = replace(begun, state=state, parts=tuple(replace(p, ended_at=ended) for p in begun.parts))
        store.scans.end(lease, ended_scan, run.assets, run.outside)
        return ended_scan, run.interrupted


def begin(settings: Settings, store: Store, scan: Scan) -> Lease:
    """Begin a scan with the feeds of its day, which are read before anything is begun; return its lease."""
    snapshots = feeds(settings)
    lease = store.scans.begin(scan)
    for feed in snapshots:
        store.records.keep_feed(scan.id, feed)
    return lease


def _check_secrets(settings: Settings, perimeter: Perimeter, parts: Collection[Part]) -> None:
    """Say which directories have no password here; raise ``PerimeterError`` when nothing else would be looked at."""
    if Part.DIRECTORY not in parts or not perimeter.directories:
        return
    found = directory_settings(settings, perimeter.directories)
    said = [f"directory {name}, password: {why}" for name, why in found.locked.items()]
    if not found.targets and Part.EXPOSURE not in parts:
        raise PerimeterError("; ".join(said))
    for told in said:
        log.warning("%s; this directory is not read, everything else goes on", told)


def new_id(at: datetime) -> str:
    """Return a new scan's id: its instant, and chance."""
    return f"{at:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


@cache
def versions() -> Mapping[str, str]:
    """Return the versions that a scan is made with."""
    return {"hygie": version("hygie"), "python": platform.python_version(), "catalogue": load().digest[:16]}


def perimeter_of(settings: Settings, perimeter_id: str) -> Perimeter:
    """Return the perimeter of an id; raise ``ConfigError`` when none is called so."""
    try:
        return settings.perimeters[perimeter_id]
    except KeyError:
        known = ", ".join(sorted(settings.perimeters)) or "none"
        raise ConfigError(f"{settings.path}: no perimeter is called {perimeter_id}; known: {known}") from None


def _new_scan(
    settings: Settings,
    perimeter: Perimeter,
    mandate: Mandate,
    only: Part | None,
    level: int,
    at: datetime,
    order: str,
) -> Scan:
    kinds = [kind for kind in (Part.EXPOSURE, Part.DIRECTORY) if only in {None, kind}]
    if not perimeter.directories:
        kinds = [kind for kind in kinds if kind is not Part.DIRECTORY]
    if not kinds:
        raise PerimeterError(f"perimeter {perimeter.id} has no directory to look at; add one under [[directories]]")
    box = settings.file.box
    return Scan(
        id=order or new_id(at),
        perimeter=perimeter,
        mandate=mandate,
        parts=tuple(
            ScanPart(kind=kind, box=box.name, vantage=box.vantage, started_at=at, ended_at=None) for kind in kinds
        ),
        level=level,
        state="running",
        versions=versions(),
        config_digest=settings.digest,
    )


async def _look(
    settings: Settings,
    store: Store,
    scan: Scan,
    lease: Lease,
    progress: Progress,
    clock: Clock,
    stops: Stops,
    *,
    tied: bool,
) -> Run:
    """Run the engine over what the perimeter declares, then look again at what is high or critical."""
    journal = store.journal(lease)
    line = GuardedLine(scan.mandate, scan.level, line_settings(settings), keep=journal.keep, clock=clock)
    kinds = {part.kind for part in scan.parts}
    imported = store.records.imported(scan.perimeter.id)
    names = tuple((a.name, a.found_in) for a in imported if a.kind is AssetKind.HOST)
    holds = scan.mandate.scope.holds_name
    sites = tuple(sorted({name for name in (*scan.perimeter.hosts, *dict(names)) if holds(name)}))
    own = probe_settings(
        settings,
        _directory_names(store, scan),
        imported=names,
        sites=sites,
        scope=scan.mandate.scope,
        directories=scan.perimeter.directories if Part.DIRECTORY in kinds else (),
    )
    probes = [p for p in build_probes(own) if p.part in kinds]
    engine = Engine(
        probes,
        line,
        journal,
        scope=scan.mandate.scope,
        vantage={part.kind: part.vantage for part in scan.parts},
        clock=clock,
        settings=EngineSettings(
            workers=settings.file.run.workers,
            step_deadline=settings.file.run.step_seconds,
            second_look_delay=settings.file.run.second_look_seconds,
        ),
        progress=progress,
    )
    stops.add(line.stop, engine.stop)
    with (
        on_request(lambda: _pressed(store, scan), stops.press),
        _held(stops.press, tied=tied),
        beating(lambda: store.scans.renew(lease), stops.press),
    ):
        run = await engine.run(_declared(scan, kinds, imported))
        if run.interrupted:
            return run
        return await engine.look_again(_doubtful(scan, run, store))


def _pressed(store: Store, scan: Scan) -> bool:
    """Whether the scan was asked to stop; a store that is away for a while has not said so."""
    try:
        return store.stops.pressed(scan.id)
    except StoreUnavailableError:
        return False


def _held(stop: Callable[[], None], *, tied: bool) -> AbstractContextManager[None]:
    return on_hangup(stop) if tied else nullcontext()


def _declared(scan: Scan, kinds: Iterable[Part], imported: Iterable[Asset]) -> list[Asset]:
    """The assets a person declared: domains, networks and hosts, directories; and the mandate's imported addresses.

    Imported names are not here: discovery asks whether they exist before anything looks at them.
    """
    scope, found = scan.mandate.scope, []
    if Part.EXPOSURE in kinds:
        names = (*scan.perimeter.hosts, *(h.name for h in scope.hosted))
        found += [Asset(kind=AssetKind.DOMAIN, name=name) for name in scope.domains]
        found += [Asset(kind=AssetKind.NETWORK, name=str(network)) for network in scope.own_networks()]
        found += [Asset(kind=AssetKind.HOST, name=name) for name in dict.fromkeys(names)]
        known = (a for a in imported if a.kind is AssetKind.ADDRESS)
        found += [a for a in known if any(ip_address(a.name) in network for network in scope.networks)]
    if Part.DIRECTORY in kinds:
        found += [Asset(kind=AssetKind.DIRECTORY, name=name) for name in scan.perimeter.directories]
    return found


def _directory_names(store: Store, scan: Scan) -> set[str]:
    """The DNS names of the perimeter's forests and domains, as its newest directory reading told them."""
    earlier = store.scans.joined(scan).get(Part.DIRECTORY)
    known = store.records.of(earlier.id).assets if earlier else ()
    return {asset.name for asset in known if asset.kind in {AssetKind.FOREST, AssetKind.AD_DOMAIN}}


def _doubtful(scan: Scan, run: Run, store: Store) -> set[tuple[str, str]]:
    """The (probe, asset) pairs behind exposure findings that are high or critical."""
    record = _bare_record(scan, run, store)
    seen = {o.id: (o.probe.partition("@")[0], o.asset.id) for o in run.observations if o.look == 1}
    grave = [
        f
        for f in judge(record, load())
        if f.part is Part.EXPOSURE and f.outcome is Outcome.NOT_MET and f.severity.rank <= Severity.HIGH.rank
    ]
    return {seen[id] for finding in grave for id in finding.evidence if id in seen}


def _bare_record(scan: Scan, run: Run, store: Store) -> Record:
    known = store.record(scan.id)
    first = [o for o in run.observations if o.look == 1]
    tried = [a for a in run.attempts if a.look == 1]
    return replace(known, assets=run.assets, observations=tuple(first), attempts=tuple(tried))
