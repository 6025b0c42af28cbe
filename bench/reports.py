"""Every format of a report over 200 assets and 10 000 findings, and a comparison of 300 perimeters: time and memory."""

from __future__ import annotations

import subprocess
import sys
import time

from bench.measure import Section, command

ASSETS, FINDINGS, PERIMETERS = 200, 10_000, 300
#: Most seconds and bytes allowed of one format.
SECONDS = {"pdf": 10.0}
OTHERS, BYTES = 5.0, 400 * 2**20


def run() -> Section:
    """Render each format in a process of its own, three times; fail beyond what is allowed."""
    from reports.interface import Folder, names

    lines = [
        f"{ASSETS} assets, {FINDINGS} findings over 100 rules; comparison of {PERIMETERS} perimeters. "
        "Rendering alone is timed; the peak is of the whole process, interpreter and dossier included.",
        "",
        "| report | seconds (median) | most allowed | peak MiB | file KiB |",
        "|---|---|---|---|---|",
    ]
    for kind, found in (("dossier", names()), ("comparison", names(Folder.COMPARISONS))):
        lines.extend(_line(kind, name) for name in found)
    return Section(title="Reports", lines=tuple(lines))


def _line(kind: str, name: str) -> str:
    words = [sys.executable, "-m", "bench.reports", kind, name]
    peak = command(words).peak
    seconds, size = sorted(_told(words) for _ in range(3))[1]
    allowed = SECONDS.get(name, OTHERS)
    if seconds > allowed or peak > BYTES:
        raise RuntimeError(f"{kind} {name}: {seconds:.1f} s and {peak / 2**20:.0f} MiB")
    return f"| {kind} {name} | {seconds:.2f} | {allowed:.0f} | {peak / 2**20:.0f} | {size // 1024} |"


def _told(words: list[str]) -> tuple[float, int]:
    seconds, size = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), int(size)


def _render(kind: str, name: str) -> None:
    """Render once, and print the seconds and the size."""
    from reports.interface import find, find_comparison
    from tests.reports.comparisons import region
    from tests.reports.dossiers import CARDS, large

    if kind == "comparison":
        comparison, comparison_format = region(PERIMETERS), find_comparison(name)
        start = time.perf_counter()
        data = comparison_format.render(comparison, CARDS, "fr")
    else:
        (dossier, cards), report_format = large(ASSETS, FINDINGS), find(name)
        start = time.perf_counter()
        data = report_format.render(dossier, cards, "fr")
    print(time.perf_counter() - start, len(data))


if __name__ == "__main__":
    _render(*sys.argv[1:])
