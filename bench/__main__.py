"""Run the benchmarks named on the command line, or all; each is a module here with a `run() -> Section`."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import bench
from bench.measure import Section, write

_NOT_BENCHES = {"__main__", "measure"}


def main(names: list[str]) -> None:
    """Run, print, and write each section in its place; exit with 1 when one shows what must not be."""
    known = sorted(m.name for m in pkgutil.iter_modules(bench.__path__) if m.name not in _NOT_BENCHES and not m.ispkg)
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise SystemExit(f"no benchmark is called {unknown[0]}; known: {', '.join(known)}")
    failed = []
    for name in names or known:
        if names == [name]:
            section: Section = importlib.import_module(f"bench.{name}").run()
            print(section.text)
            write(section)
            failed += [name] if section.failed else []
        # Each in a process of its own: the peak memory of a child counts what its parent held when it was started.
        elif subprocess.run([sys.executable, "-m", "bench", name], check=False).returncode:
            failed.append(name)
    if failed:
        raise SystemExit(f"not as it should be: {', '.join(failed)}")


if __name__ == "__main__":
    main(sys.argv[1:])
