"""A directory that lies: any value in any attribute, any byte of a capture, and every rule still says something."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from probes.interface import AssetKind
from rules.interface import Outcome
from rules.judge import judge
from rules.levels import anssi_points
from rules.registry import load
from rules.subject import Record
from tests.lab.healthy import healthy
from tests.lab.synthetic import World
from tests.rules.directory_cases import shipped

LIES = (
    b"", b"\0", b"-1", b"0", b"9" * 400, b"-" + b"9" * 30, b"99999999999999999999999", b"\xff\xfe\x00", b"TRUE",
    b"S-1-5-21-1", b"\1\5\0\0\0\0\0\5", b"B:8:zz:CN=x", b"[LDAP://;9]" * 50, b"CN=" + b"," * 200, "é".encode() * 999,
    b"00000000000000.0Z", b"99999999999999.0Z", b"\\\\h\\s\\..\\x,\\", b"group", b"user", b"computer", b"domainDNS",
)  # fmt: skip


def lying(seed: int) -> Record:
    """A healthy forest in which one value in twenty is a lie, and some attributes belong to something else."""
    dice = random.Random(seed)
    world: World = healthy()
    world.feeds = shipped()
    names = sorted({name for values in world.entries.values() for name in values})
    for dn, values in world.entries.items():
        for name in list(values):
            if dice.random() < 0.05:
                values[name] = [dice.choice(LIES) for _ in range(dice.randrange(4))]
        if dice.random() < 0.2:
            values[dice.choice(names)] = [dice.choice(LIES)]
        if dice.random() < 0.1:
            world.secured(dn, raw=dice.choice(LIES))
    return world.record()


def flipped(seed: int) -> Record:
    """A healthy forest whose captures have a few other bytes."""
    dice = random.Random(seed)
    world = healthy()
    world.feeds = shipped()
    record = world.record()
    read = record.read_capture

    def capture(digest: str) -> bytes:
        data = bytearray(read(digest))
        for _ in range(dice.randrange(1, 6)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        return bytes(data[: dice.choice([None, dice.randrange(len(data))])])

    return replace(record, read_capture=capture)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("make", [lying, flipped])
def test_every_point_is_judged_whatever_the_directory_says(make: Callable[[int], Record], seed: int) -> None:
    record = make(seed)
    # the same observations with other bytes: nothing kept from another example may answer for them
    renamed = tuple(replace(o, id=f"{make.__name__}-{seed}-{n}") for n, o in enumerate(record.observations))
    found = judge(replace(record, observations=renamed), load())
    assert {f.control for f in found if f.control} == set(anssi_points())
    for finding in found:
        assert finding.outcome is not Outcome.UNDETERMINED or finding.reason
        kind = finding.asset.partition(":")[0]
        assert not finding.control or kind in {AssetKind.FOREST.value, AssetKind.AD_DOMAIN.value}
