"""Each of ANSSI's 76 points has examples of met, of not met at each of its levels, and of undetermined."""

from __future__ import annotations

from collections import defaultdict

import pytest

from rules.catalogue.directory_pki import trusted_certificates_strong
from rules.interface import Outcome
from rules.levels import anssi_points
from rules.registry import load
from tests.rules import (
    test_directory,
    test_directory_forest,
    test_directory_privileged,
    test_directory_rights,
    test_directory_servers,
    test_directory_unread,
)

RULE_OF = {card.control: rule for rule, card in load().cards.items() if card.control}


def _shown() -> dict[str, set[tuple[Outcome, int]]]:
    """What the tables show of each rule: outcomes, each with every level at stake (0 for none)."""
    found: dict[str, set[tuple[Outcome, int]]] = defaultdict(set)

    def add(rule: str, outcome: Outcome, levels: tuple[int, ...]) -> None:
        found[rule] |= {(outcome, level) for level in levels or (0,)}

    for table in (test_directory_forest, test_directory_privileged, test_directory_rights, test_directory_servers):
        for rule, _, outcome, levels, _ in table.CASES:
            add(rule.id, outcome, levels)
    for rule, _, outcome, levels in test_directory.CASES:
        add(rule.id, outcome, levels)
        if rule.id not in test_directory.SURE:  # a collection cut short
            add(rule.id, Outcome.UNDETERMINED, levels)
    for rule, _, levels in test_directory_rights.POINTS:
        add(rule.id, Outcome.NOT_MET, levels)
        add(rule.id, Outcome.UNDETERMINED, levels)
    for level in (1, 3):  # certificates made one by one
        add(trusted_certificates_strong.id, Outcome.NOT_MET, (level,))
    for finding in test_directory_unread.HEALTHY.values():
        add(finding.rule, finding.outcome, ())
    return found


SHOWN = _shown()


@pytest.mark.parametrize("point", sorted(anssi_points()))
def test_a_point_is_shown_met_not_met_at_each_level_and_undetermined(point: str) -> None:
    shown = SHOWN[RULE_OF[point]]
    outcomes = {outcome for outcome, _ in shown}
    assert {Outcome.NOT_MET, Outcome.UNDETERMINED} <= outcomes
    assert outcomes & {Outcome.MET}
    assert {level for outcome, level in shown if outcome is Outcome.NOT_MET} >= set(anssi_points()[point])
