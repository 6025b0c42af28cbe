"""From a stored capture to findings: decoding, views and every rule; and descriptors parsed a second."""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench.measure import Section, command, timed
from probes.facts.descriptor import parse_descriptor
from rules.judge import judge
from rules.registry import load
from tests.lab.crowd import crowd
from tests.lab.descriptors import FULL, ace, descriptor
from tests.lab.healthy import healthy
from tests.lab.synthetic import BASE, World, sid

SIZES = (10_000, 100_000, 1_000_000)
GOAL_SECONDS, GOAL_DESCRIPTORS = 15, 25_000


def run(sizes: tuple[int, ...] = SIZES) -> Section:
    """Judge made domains, each in a process of its own, and parse descriptors that are all different."""
    lines = [
        "A made domain in the capture format (`tests/lab/crowd.py`: descriptors of 43 entries, one for 33 objects; one",
        "group with every user), judged by every rule in a process of its own; peak memory is the whole process's.",
        "",
        "| objects | captures | judged (s) | objects/s | peak memory |",
        "|---|---|---|---|---|",
    ]
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            total = _store(Path(folder), size)
            done = command([sys.executable, "-m", "bench.judge", folder], rounds=3 if size < 1_000_000 else 1)
            inside = min(float(t) for t in (Path(folder) / "seconds").read_text().split())
        peak = f"{done.peak >> 20} MiB"
        lines.append(f"| {size:,} | {total >> 20} MiB | {inside:.1f} | {size / inside:,.0f} | {peak} |")
    rate = _descriptors()
    lines += [
        "",
        f"Goal: 100,000 objects in under {GOAL_SECONDS} s.",
        "",
        f"Descriptors, all different, of 43 entries: {rate:,.0f}/s on one core (goal: {GOAL_DESCRIPTORS:,}/s).",
    ]
    return Section(title="Judging a directory", lines=tuple(lines))


def _store(folder: Path, size: int) -> int:
    total = 0
    for n, chunk in enumerate(crowd(size)):
        (folder / f"{n:05}").write_bytes(chunk)
        total += len(chunk)
    return total


def _descriptors(count: int = 20_000) -> float:
    groups = ["bf9679c0-0de6-11d0-a285-00aa003049e2", "bf967aba-0de6-11d0-a285-00aa003049e2"]
    usual = [ace(sid(n), 0x20, groups[n % 2], flags=0x12, inherited_type=groups[1]) for n in range(42)]
    made = [descriptor(sid(n), [ace(sid(n), FULL), *usual[n % 42 :], *usual[: n % 42]]) for n in range(count)]
    return count / min(timed(lambda: [parse_descriptor(data) for data in made], rounds=5).runs)


def judge_folder(folder: Path) -> float:
    """Judge the domain whose captures lie in a folder, beside a healthy one's, and return the seconds it took."""
    registry = load()
    world: World = healthy()
    record = world.record()
    files = {hashlib.sha256(p.name.encode()).hexdigest(): p for p in sorted(folder.glob("[0-9]*"))}
    first, *others = record.observations
    assert first.asset.name == BASE
    observations = (replace(first, captures=(*first.captures, *files)), *others)
    small = record.read_capture

    def read(digest: str) -> bytes:
        return files[digest].read_bytes() if digest in files else small(digest)

    began = time.perf_counter()
    judge(replace(record, observations=observations, read_capture=read), registry)
    return time.perf_counter() - began


if __name__ == "__main__":
    target = Path(sys.argv[1])
    with (target / "seconds").open("a") as output:
        print(judge_folder(target), file=output)
