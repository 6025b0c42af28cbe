"""Rules on TLS behaviour: met, not met, could not tell, and no object."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from probes.facts.tls_behaviour import Reaction, TlsBehaviour
from probes.interface import Asset, AssetKind, Observation, Vantage
from rules.catalogue import tls_behaviour as catalogue
from rules.interface import Maturity, Outcome, Rule
from rules.registry import load

ASSET = Asset(kind=AssetKind.SERVICE, name="tcp/443@www.ch.test")
HEARTBEAT, CHANGE = catalogue.heartbeat_bounded, catalogue.early_cipher_change_refused
BAD, GOOD, UNKNOWN = Reaction.VULNERABLE, Reaction.NOT_VULNERABLE, Reaction.UNKNOWN


@pytest.mark.parametrize(
    ("rule", "heartbleed", "change", "older", "expected"),
    [
        (HEARTBEAT, GOOD, BAD, True, Outcome.MET),
        (HEARTBEAT, BAD, GOOD, True, Outcome.NOT_MET),
        (HEARTBEAT, UNKNOWN, GOOD, True, Outcome.UNDETERMINED),
        (HEARTBEAT, UNKNOWN, UNKNOWN, False, Outcome.NOT_APPLICABLE),
        (CHANGE, BAD, GOOD, True, Outcome.MET),
        (CHANGE, GOOD, BAD, True, Outcome.NOT_MET),
        (CHANGE, GOOD, UNKNOWN, True, Outcome.UNDETERMINED),
        (CHANGE, UNKNOWN, UNKNOWN, False, Outcome.NOT_APPLICABLE),
    ],
)
def test_rules(rule: Rule, heartbleed: Reaction, change: Reaction, older: bool, expected: Outcome) -> None:
    fact = TlsBehaviour(address="192.0.2.1", older_spoken=older, heartbleed=heartbleed, early_cipher_change=change)
    seen = Observation(
        id="o", asset=ASSET, fact=fact, seen_at=datetime(2026, 11, 24, tzinfo=UTC), probe="tls-behaviour@1",
        vantage=Vantage.INTERNET,
    )  # fmt: skip
    assert rule.judge(seen).outcome is expected


def test_neither_feeds_a_criterion_before_it_was_seen_on_more_servers() -> None:
    assert {load().cards[r.id].maturity for r in (HEARTBEAT, CHANGE)} == {Maturity.EXPERIMENTAL}
