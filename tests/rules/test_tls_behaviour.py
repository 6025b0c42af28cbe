"""Rules on TLS behaviour: met, not met, could not tell, and no object."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from probes.facts.tls_behaviour import Oracle, Reaction, TlsBehaviour
from probes.interface import Asset, AssetKind, Observation, Vantage
from rules.catalogue import tls_behaviour as catalogue
from rules.interface import Maturity, Outcome, Rule, Severity, Verdict
from rules.registry import load

ASSET = Asset(kind=AssetKind.SERVICE, name="tcp/443@www.ch.test")
HEARTBEAT, CHANGE = catalogue.heartbeat_bounded, catalogue.early_cipher_change_refused
EXCHANGE, ECHO = catalogue.rsa_exchange_tells_nothing, catalogue.ticket_echo_bounded
FACT = TlsBehaviour(address="192.0.2.1", older_spoken=True)
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
    assert judged(rule, fact).outcome is expected


def judged(rule: Rule, fact: TlsBehaviour) -> Verdict:
    seen = Observation(
        id="o", asset=ASSET, fact=fact, seen_at=datetime(2026, 11, 24, tzinfo=UTC), probe="tls-behaviour@2",
        vantage=Vantage.INTERNET,
    )  # fmt: skip
    return rule.judge(seen)


@pytest.mark.parametrize(
    ("oracle", "expected", "severity"),
    [
        (Oracle.NONE, Outcome.MET, None),
        (Oracle.STRONG, Outcome.NOT_MET, None),
        (Oracle.WEAK, Outcome.NOT_MET, Severity.MEDIUM),
        (Oracle.INCONSISTENT, Outcome.UNDETERMINED, None),
        (Oracle.UNKNOWN, Outcome.UNDETERMINED, None),
        (Oracle.NO_OBJECT, Outcome.NOT_APPLICABLE, None),
    ],
)
def test_an_oracle_weighs_by_its_strength(oracle: Oracle, expected: Outcome, severity: Severity | None) -> None:
    verdict = judged(EXCHANGE, replace(FACT, padding_oracle=oracle))
    assert (verdict.outcome, verdict.severity) == (expected, severity)


@pytest.mark.parametrize(
    ("echo", "expected"), [(GOOD, Outcome.MET), (BAD, Outcome.NOT_MET), (UNKNOWN, Outcome.UNDETERMINED)]
)
def test_an_echo_is_judged(echo: Reaction, expected: Outcome) -> None:
    assert judged(ECHO, replace(FACT, ticket_echo=echo)).outcome is expected


def test_tls_13_alone_has_none_of_these_questions() -> None:
    fact = TlsBehaviour(address="192.0.2.1", older_spoken=False)
    assert {judged(r, fact).outcome for r in (HEARTBEAT, CHANGE, EXCHANGE, ECHO)} == {Outcome.NOT_APPLICABLE}


def test_none_feeds_a_criterion_before_it_was_seen_on_more_servers() -> None:
    assert {load().cards[r.id].maturity for r in (HEARTBEAT, CHANGE, EXCHANGE, ECHO)} == {Maturity.EXPERIMENTAL}
