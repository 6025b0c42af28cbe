"""The text that stands for a value is one: two processes write the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys

from probes.interface import Hosted, Part, Scope
from rules.subject import PastFinding, PastScan
from scanner.store import plain
from tests.scanner.store.test_store import DAY

NAMES = frozenset(f"S-1-5-21-{n}" for n in range(40))
PAST = PastScan(
    scan="s1", kind=Part.DIRECTORY, seen_at=DAY, perimeter_digest="d", absent=NAMES,
    findings={name: PastFinding(rule="r", asset=name, outcome="met", severity="low", objects=NAMES) for name in "ab"},
)  # fmt: skip
SCOPE = Scope(hosted=(Hosted(name="rdv.test", provider="H", ports=frozenset({8443, 443, 80}), authorisation="a"),))
_SAID = "from tests.scanner.store.test_plain import *; print(plain.write(PAST), plain.write(SCOPE))"


def test_sets_are_written_in_order_whatever_the_process() -> None:
    def said(seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": seed}
        return subprocess.run(
            [sys.executable, "-c", _SAID], env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert len({said("1"), said("2"), f"{plain.write(PAST)} {plain.write(SCOPE)}\n"}) == 1
    assert plain.read(plain.write(PAST), PastScan) == PAST
    assert plain.read(plain.write(SCOPE), Scope) == SCOPE
