"""The crowds that benchmarks judge are domains like others: whole captures, ranges that end, today's attributes."""

from __future__ import annotations

from probes.facts.entries import decode_entries
from rules.interface import Outcome
from rules.judge import judge
from rules.registry import load
from tests.lab.crowd import CHUNK, crowd
from tests.lab.healthy import healthy
from tests.lab.synthetic import BASE, sid


def test_a_crowd_is_always_the_same_and_in_the_capture_format() -> None:
    chunks = list(crowd(3000))
    assert chunks == list(crowd(3000))
    assert all(len(chunk) <= CHUNK for chunk in chunks)
    names = {name for chunk in chunks for entry in decode_entries(chunk) for name in entry.attributes}
    assert {"msds-keycredentiallink", "msds-assignedauthnpolicysilo", "mslaps-passwordexpirationtime"} <= names


def test_a_crowd_is_judged_with_its_descriptors_parsed_once_and_its_members_counted() -> None:
    world = healthy()
    world.more[BASE] = list(crowd(6000))
    view = world.domain()
    assert len(view.whole.descriptors) < 300
    assert len(view.groups[sid(99_999)]) == 4800
    assert not view.own.cut_groups
    found = {f.rule: f for f in judge(world.record(), load())}
    # one in twenty of its descriptors has another owner than an administrator
    assert found["owners-standard"].outcome is Outcome.NOT_MET
    assert found["groups-without-loop"].outcome is Outcome.MET
