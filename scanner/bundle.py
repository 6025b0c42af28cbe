"""A bundle: a scan, the ones it is joined with, and their last judgements, in one file for another store.

A ZIP archive of ``bundle.json`` (``hygie/bundle/1``), ``SHA256SUMS`` and, when asked for, ``captures/<SHA-256>``.
Attestations, waivers and accounts stay where they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime

from probes.facts.codec import UnknownFactError
from probes.interface import Asset, Attempt, Digest
from reports.evidence import pack
from reports.words import load
from rules.history import seen_absent
from rules.registry import load as registry
from rules.subject import Feed, Scan
from scanner.config.load import ConfigError, Settings
from scanner.engine import observation_id
from scanner.evidence.opening import UnreadablePackError, open_pack
from scanner.journal import Step, StepResult
from scanner.run import perimeter_of
from scanner.store import observations, plain
from scanner.store.bundles import CarriedScan
from scanner.store.judgements import KeptJudgement
from scanner.store.store import Store

SCHEMA = "hygie/bundle/1"
_CONTENT, _CAPTURES = "bundle.json", "captures/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A scan that a bundle brought; ``new`` is False when the same one was there already."""

    scan: str
    perimeter: str
    new: bool


def bundle(store: Store, scan_id: str, *, with_captures: bool = False) -> bytes:
    """Return the bundle of a scan, and note it in the audit log; raise ``StoreError``."""
    scan = store.scans.find(scan_id)
    wanted = sorted({scan.id, *(other.id for other in store.scans.joined(scan).values())})
    carried = [store.bundles.carry(id) for id in wanted]
    tree = {"schema": SCHEMA, "scans": [_written(one, store.judgements.newest(one.scan.id)) for one in carried]}
    files = {_CONTENT: plain.canonical(tree).encode()}
    if with_captures:
        files |= {f"{_CAPTURES}{digest}": store.captures.read(digest) for digest in _cited(carried)}
    files[pack.SUMS] = pack.sums(files)
    data = pack.archive(files)
    store.audit.note("bundle-made", scan=scan.id, bundle=pack.digest(data), captures=len(files) - 2, size=len(data))
    return data


def take(settings: Settings, store: Store, path: Path, *, expected: Digest = "") -> tuple[Taken, ...]:
    """Keep what a bundle brings, each scan under its own id and box, for perimeters that the configuration has.

    ``expected`` is the SHA-256 of the file, as told by whoever made it. Raise ``ConfigError`` or ``StoreError``.
    """
    files = _opened(path, expected)
    try:
        scans = [_read(one) for one in _tree(files[_CONTENT])]
    except (ValueError, LookupError, TypeError, UnknownFactError, RecursionError) as error:
        raise ConfigError(
            f"{path}: {_CONTENT} is not what a bundle holds ({type(error).__name__}); nothing taken"
        ) from error
    captures = {name.removeprefix(_CAPTURES): data for name, data in files.items() if name.startswith(_CAPTURES)}
    _refuse(settings, path, scans, captures)
    for carried, _ in scans:
        store.bundles.known(carried)
    mark = pack.digest(files[_CONTENT])
    return tuple(_kept(store, carried, judged, captures, mark) for carried, judged in scans)


def _kept(
    store: Store, carried: CarriedScan, judged: KeptJudgement | None, captures: Mapping[Digest, bytes], mark: Digest
) -> Taken:
    own = {digest: captures[digest] for digest in _cited([carried]) if digest in captures}
    new = store.bundles.take(carried, own, mark)
    if judged is not None:
        absent = seen_absent(store.records.of(carried.scan.id, alone=True))
        scan = carried.scan
        store.judgements.keep(scan, judged.judgement, judged.findings, judged.levels, absent)
    return Taken(scan=carried.scan.id, perimeter=carried.scan.perimeter.id, new=new)


def _opened(path: Path, expected: Digest) -> Mapping[str, bytes]:
    """The files of a bundle, each held against its digest."""
    try:
        files, found = open_pack(path)
        differences = [text.in_(load("en", "scanner")) for text in found]
        if expected and (path.is_dir() or pack.digest(path.read_bytes()) != expected.strip().lower()):
            differences = ["its SHA-256 is not the one expected"]
    except UnreadablePackError as error:
        raise ConfigError(str(error)) from error
    summed = {name: data for name, data in files.items() if name != pack.SUMS}
    if not differences and (_CONTENT not in files or files.get(pack.SUMS) != pack.sums(summed)):
        differences = ["it is no bundle, or a file of it is not the one that was packed"]
    if differences:
        raise ConfigError(f"{path}: {differences[0]}; nothing was taken, have it sent again")
    return files


def _refuse(
    settings: Settings,
    path: Path,
    scans: Iterable[tuple[CarriedScan, KeptJudgement | None]],
    captures: Mapping[Digest, bytes],
) -> None:
    """Refuse whole what could be taken only in part: strange perimeters, rules, observations or captures."""
    rules, cited = registry().rules, set()
    for carried, judged in scans:
        perimeter_of(settings, carried.scan.perimeter.id)
        cited |= set(_cited([carried]))
        seen = [o for step in carried.steps for o in step.observations]
        if any(observation_id(o) != o.id for o in seen):
            raise ConfigError(
                f"{path}: an observation of scan {carried.scan.id} is not what its id says; nothing taken"
            )
        if unknown := sorted({f.rule for f in judged.findings} - set(rules)) if judged else []:
            raise ConfigError(f"{path}: rule {unknown[0]} is not known here; install the Hygie that made the bundle")
        if judged and judged.scan != carried.scan.id:
            raise ConfigError(f"{path}: a judgement of scan {judged.scan} stands under {carried.scan.id}")
    if strange := sorted(d for d, data in captures.items() if d not in cited or pack.digest(data) != d):
        raise ConfigError(f"{path}: {_CAPTURES}{strange[0]} belongs to no observation, or is not what its name says")


def _cited(carried: Iterable[CarriedScan]) -> list[Digest]:
    return sorted({d for one in carried for step in one.steps for o in step.observations for d in o.captures})


def _written(carried: CarriedScan, judged: KeptJudgement | None) -> dict[str, object]:
    return {
        "scan": plain.data_of(carried.scan),
        "instants": [carried.started_at.isoformat(), carried.ended_at.isoformat()],
        "steps": [
            {
                "step": plain.data_of(result.step),
                "found": [plain.data_of(asset) for asset in result.found],
                "attempts": [plain.data_of(attempt) for attempt in result.attempts],
                "observations": [json.loads(observations.write(seen)) for seen in result.observations],
            }
            for result in carried.steps
        ],
        "assets": [plain.data_of(asset) for asset in carried.assets],
        "outside": [plain.data_of(asset) for asset in carried.outside],
        "feeds": [plain.data_of(feed) for feed in carried.feeds],
        "judgement": None if judged is None else plain.data_of(judged),
    }


def _tree(content: bytes) -> list[dict[str, Any]]:
    tree = json.loads(content)
    if tree["schema"] != SCHEMA:
        raise ValueError("another schema")
    scans: list[dict[str, Any]] = tree["scans"]
    return scans


def _of(data: object, kind: type[plain.T]) -> plain.T:
    return plain.read(plain.canonical(data), kind)


def _read(data: dict[str, Any]) -> tuple[CarriedScan, KeptJudgement | None]:
    started, ended = _of(data["instants"], tuple[AwareDatetime, AwareDatetime])
    judged = data["judgement"]
    carried = CarriedScan(
        scan=_of(data["scan"], Scan),
        started_at=started,
        ended_at=ended,
        steps=tuple(_step(one) for one in data["steps"]),
        assets=_of(data["assets"], tuple[Asset, ...]),
        outside=_of(data["outside"], tuple[Asset, ...]),
        feeds=_of(data["feeds"], tuple[Feed, ...]),
    )
    return carried, None if judged is None else _of(judged, KeptJudgement)


def _step(data: dict[str, Any]) -> StepResult:
    return StepResult(
        step=_of(data["step"], Step),
        found=_of(data["found"], tuple[Asset, ...]),
        attempts=_of(data["attempts"], tuple[Attempt, ...]),
        observations=tuple(observations.read(plain.canonical(seen)) for seen in data["observations"]),
    )
