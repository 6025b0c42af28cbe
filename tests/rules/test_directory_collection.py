"""The collection says its cost, and whether it went to its end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from probes.facts.directory import NamingContextRead
from probes.facts.sysvol import SysvolRead
from probes.interface import Asset, AssetKind, Observation, Vantage
from rules.catalogue.directory_collection import directory_context_read_whole, sysvol_read_whole
from rules.interface import Outcome
from tests.lab.healthy import healthy
from tests.lab.synthetic import NOW

CONTEXT = next(o.fact for o in healthy().record().observations if isinstance(o.fact, NamingContextRead))
SHARE = SysvolRead(
    domain="ad.test", server="dc1", address="192.0.2.1", dialect="3.1.1", signed=True, encrypted=True, files=(),
    descriptors=(), requests=12, bytes_read=2_340_000, seconds=1.26, complete=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("cut", "outcome"), [("", Outcome.MET), ("size-limit", Outcome.UNDETERMINED), ("timed-out", Outcome.UNDETERMINED)]
)
def test_a_collection_says_its_cost_whole_or_cut(cut: str, outcome: Outcome) -> None:
    context = replace(CONTEXT, complete=not cut, cut=cut, queries=3, bytes_read=1_250_000, seconds=2.04)
    verdict = directory_context_read_whole.judge(seen(context))
    assert (verdict.outcome, verdict.reason) == (outcome, cut)
    assert {k: verdict.values[k] for k in ("queries", "megabytes", "seconds")} == {
        "queries": 3,
        "megabytes": 1.2,
        "seconds": 2.0,
    }
    share = sysvol_read_whole.judge(seen(replace(SHARE, complete=not cut, cut=cut)))
    assert (share.outcome, share.values["queries"], share.values["megabytes"]) == (outcome, 12, 2.3)


def seen(fact: NamingContextRead | SysvolRead) -> Observation[NamingContextRead | SysvolRead]:
    asset = Asset(kind=AssetKind.NAMING_CONTEXT, name="DC=ad,DC=test")
    return Observation(id="o", asset=asset, fact=fact, seen_at=NOW, probe="p@1", vantage=Vantage.INSIDE)
