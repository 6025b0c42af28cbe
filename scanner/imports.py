"""An import: a scan of one part, whose probe reads a file of another tool and whose Line is that file."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from probes.interface import Asset, AssetKind, Part, ProbeError, Vantage
from rules.subject import Perimeter, Scan, ScanPart
from scanner.catalogue import importers
from scanner.clock import Clock, utc_now
from scanner.config.load import ConfigError, Settings
from scanner.engine import Engine, EngineSettings, Run
from scanner.files import ImportCaps, PathLine
from scanner.heartbeat import beating
from scanner.progress import Progress, Silence
from scanner.run import begin, new_id, perimeter_of, versions
from scanner.stop import Stops, on_signals
from scanner.store.store import Store


async def import_file(
    settings: Settings,
    store: Store,
    kind: str,
    path: Path,
    *,
    perimeter: str = "",
    made_at: datetime | None = None,
    box: str = "",
    vantage: Vantage | None = None,
    progress: Progress | None = None,
    caps: ImportCaps | None = None,
    declared_whole: bool = False,
    clock: Clock = utc_now,
) -> tuple[Scan, bool]:
    """Import a file into a perimeter; return the scan as it ended, and whether it was interrupted.

    ``made_at`` is the instant the content is of, ``box`` and ``vantage`` where it was made; ``declared_whole`` that
    nothing is missing from it. An expired mandate does not refuse: nothing is sent.
    Raise ``ConfigError`` for a kind, a perimeter or a file that cannot be had.
    """
    known = importers()
    if kind not in known:
        raise ConfigError(f"no import is called {kind}; known: {', '.join(sorted(known))}")
    importer = known[kind]
    part = ScanPart(
        kind=Part.IMPORT,
        box=box or settings.file.box.name,
        vantage=vantage or importer.vantage,
        started_at=clock(),
        ended_at=None,
    )
    begun = _new_scan(settings, _perimeter(settings, perimeter), part)
    stops = Stops()
    try:
        keep = store.captures.keep
        source = PathLine(path, keep=keep, made_at=made_at, caps=caps, declared_whole=declared_whole)
        with source as line, on_signals(stops.press):
            lease = begin(settings, store, begun)
            engine = Engine(
                [importer(importer.Settings())],
                line,
                store.journal(lease),
                scope=begun.mandate.scope,
                vantage={Part.IMPORT: part.vantage},
                clock=clock,
                settings=EngineSettings(workers=1),
                progress=progress or Silence(),
            )
            stops.add(line.stop, engine.stop)
            with beating(lambda: store.scans.renew(lease), stops.press):
                run = await engine.run([Asset(kind=AssetKind.FILE, name=line.name)])
    except ProbeError as error:
        raise ConfigError(f"{path}: {error.detail or error.reason.value}; nothing was imported") from error
    state = "interrupted" if run.interrupted else "complete"
    ended = replace(begun, state=state, parts=(_dated(part, run),))
    store.scans.end(lease, ended, run.assets, run.outside)
    return ended, run.interrupted


def _dated(part: ScanPart, run: Run) -> ScanPart:
    """The part with the instants its content is of; still open when it was cut."""
    seen = [o.seen_at for o in run.observations] or [part.started_at]
    return replace(part, started_at=min(seen), ended_at=None if run.interrupted else max(seen))


def _perimeter(settings: Settings, perimeter: str) -> Perimeter:
    if not perimeter and len(settings.perimeters) == 1:
        return next(iter(settings.perimeters.values()))
    if not perimeter:
        raise ConfigError(f"say which perimeter with --perimeter; known: {', '.join(sorted(settings.perimeters))}")
    return perimeter_of(settings, perimeter)


def _new_scan(settings: Settings, perimeter: Perimeter, part: ScanPart) -> Scan:
    return Scan(
        id=new_id(part.started_at),
        perimeter=perimeter,
        mandate=settings.mandates[settings.perimeter_mandates[perimeter.id]],
        parts=(part,),
        level=0,
        state="running",
        versions=versions(),
        config_digest=settings.digest,
    )
