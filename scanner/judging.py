"""The judgement of a stored scan, with the rules of today or as it was last judged, and the dossier it makes."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from probes.interface import DIRECTORY_KINDS, Asset, AssetKind, Part
from reports.dossier import Dossier, Judgement, SeenAsset
from reports.json import canonical
from rules.case import Case
from rules.criteria import CriteriaSet
from rules.history import courses, seen_absent, summary, trends
from rules.interface import Finding
from rules.judge import judge
from rules.levels import DirectoryLevel, directory_level, exposure_level
from rules.registry import Registry, load
from rules.subject import Record, Scan, Waiver
from scanner.clock import Clock, utc_now
from scanner.config.load import Settings
from scanner.criteria import named, weigh
from scanner.feeds.load import feeds
from scanner.parameters import check_parameters
from scanner.store.errors import CaptureMissingError, UnknownEntryError
from scanner.store.judgements import KeptJudgement
from scanner.store.store import Store

log = logging.getLogger(__name__)


def judge_scan(
    settings: Settings,
    store: Store,
    scan_id: str,
    *,
    criteria: Sequence[str] = (),
    newest_feeds: bool = False,
    clock: Clock = utc_now,
) -> Dossier:
    """Judge a stored scan with the rules of today, keep the judgement, and return the dossier.

    ``criteria`` names the sets to weigh it by, those of the configuration by default. The feeds are those kept with
    the scan; with ``newest_feeds`` those of the configuration are kept beside them first. Where captures that the
    rules read are no longer in the store, or never came with a bundle, the dossier is told as it was last judged.
    """
    registry, sets = load(), named(criteria or settings.file.reports.criteria, settings.folder)
    check_parameters(settings)
    if newest_feeds:
        for feed in feeds(settings):
            store.records.keep_feed(scan_id, feed)
    record = store.record(scan_id)
    waivers = store.waivers.granted(record.scan.perimeter.id)
    try:
        findings = judge(record, registry, parameters=settings.file.rules, waivers=waivers)
    except CaptureMissingError as missing:
        if store.judgements.newest(scan_id) is not None:
            log.warning("scan %s is told as it was last judged: %s", scan_id, missing)
            return kept_dossier(settings, store, scan_id, criteria=criteria)
        if not any(part.scan for part in record.scan.parts):
            raise
        log.warning("scan %s is judged without the earlier one it would be joined with: %s", scan_id, missing)
        record = store.records.of(scan_id, alone=True)
        findings = judge(record, registry, parameters=settings.file.rules, waivers=waivers)
    directory = _directory_levels(record, findings)
    exposure = exposure_level(findings)
    judgement = _judgement(record, registry, settings.file.rules, sets, clock())
    levels = {level.asset: level.level for level in directory} | ({"exposure": exposure} if exposure else {})
    kept = store.judgements.keep(record.scan, judgement, findings, levels, seen_absent(record))
    return _told(store, record, kept, findings, sets, waivers)


def kept_dossier(settings: Settings, store: Store, scan_id: str, *, criteria: Sequence[str] = ()) -> Dossier:
    """Return the dossier of a scan as it was last judged: nothing is judged anew, nothing is written."""
    record, kept = store.record(scan_id), store.judgements.newest(scan_id)
    if kept is None:
        raise UnknownEntryError(f"scan {scan_id} has not been judged yet")
    waivers = store.waivers.granted(record.scan.perimeter.id)
    accepted = {w.fingerprint: w for w in waivers}
    findings = tuple(
        replace(f, waiver=w.id) if (w := accepted.get(f.fingerprint)) and w.expires >= f.seen_at.date() else f
        for f in kept.findings
    )
    return _told(
        store, record, kept, findings, named(criteria or settings.file.reports.criteria, settings.folder), waivers
    )


def _told(
    store: Store,
    record: Record,
    kept: KeptJudgement,
    findings: tuple[Finding, ...],
    sets: Sequence[CriteriaSet],
    waivers: Sequence[Waiver],
) -> Dossier:
    directory, exposure, levels = _directory_levels(record, findings), exposure_level(findings), kept.levels
    absent, outside = seen_absent(record), store.records.outside(record.scan.id)
    attestations = store.attestations.of(record.scan.perimeter.id)
    kinds = sorted({part.kind for part in record.scan.parts} | {f.part for f in findings})
    now = tuple(summary(record.scan, kind, findings, levels, absent) for kind in kinds)
    case = Case(
        scan=record.scan,
        findings=findings,
        directory=directory,
        exposure=exposure,
        timeline=record.timeline,
        attestations=attestations,
    )
    indicators, objectives = weigh(sets, case)
    history = courses(record.timeline, record.scan, now, findings)
    known = {f.fingerprint for f in findings} | {h.fingerprint for h in history}
    return Dossier(
        scan=record.scan,
        judgement=kept.judgement,
        assets=tuple(_seen(a, record.scan, in_scope=True) for a in sorted(record.assets, key=lambda a: a.id))
        + tuple(_seen(a, record.scan, in_scope=False) for a in sorted(outside, key=lambda a: a.id)),
        attempts=record.attempts,
        findings=findings,
        directory=directory,
        exposure=exposure,
        criteria=indicators,
        objectives=objectives,
        timeline=record.timeline,
        history=history,
        trends=trends(record.timeline, record.scan, now),
        attestations=attestations,
        waivers=tuple(w for w in waivers if w.fingerprint in known),
        feeds=tuple(record.feeds.values()),
    )


def _seen(asset: Asset, scan: Scan, *, in_scope: bool) -> SeenAsset:
    kind = Part.DIRECTORY if asset.kind in DIRECTORY_KINDS else Part.EXPOSURE
    vantage = next((p.vantage.value for p in scan.parts if p.kind in {kind, Part.IMPORT}), "")
    return SeenAsset(asset=asset, in_scope=in_scope, vantage=vantage)


def _directory_levels(record: Record, findings: tuple[Finding, ...]) -> tuple[DirectoryLevel, ...]:
    """The level of each forest, its domains' points included, then of each domain."""
    domains = {a.id: a.found_by for a in record.assets if a.kind is AssetKind.AD_DOMAIN}
    forests = sorted(a.id for a in record.assets if a.kind is AssetKind.FOREST)
    levels = []
    for forest in forests:
        members = {forest, *(domain for domain, of in domains.items() if of == forest)}
        levels.append(directory_level(forest, [f for f in findings if f.asset in members]))
    for domain, forest in sorted(domains.items()):
        # what is set once for the forest weighs on each of its domains
        levels.append(directory_level(domain, [f for f in findings if f.asset in {domain, forest}]))
    return tuple(level for level in levels if level.evaluated)


def _judgement(
    record: Record, registry: Registry, parameters: Mapping[str, Any], sets: Iterable[CriteriaSet], at: datetime
) -> Judgement:
    """The identity of a judgement: the same scan, rules, parameters, feeds, sets and past give the same id."""
    timeline = hashlib.sha256(canonical(record.timeline)).hexdigest()
    snapshots = {name: (feed.dated, feed.digest) for name, feed in sorted(record.feeds.items())}
    made_of = [
        record.scan.id,
        registry.digest,
        sorted((name, digest) for name, (_, digest) in snapshots.items()),
        json.dumps({k: dict(v) for k, v in parameters.items()}, sort_keys=True),
        sorted(s.scan for s in record.timeline.scans),
        sorted(o.id for o in record.observations),
        sorted(of.digest for of in sets),
    ]
    return Judgement(
        id=hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:32],
        made_at=at,
        catalogue_digest=registry.digest,
        feeds=snapshots,
        sets={of.name: of.digest for of in sets},
        timeline_digest=timeline,
    )
