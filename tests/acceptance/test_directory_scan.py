"""The whole road over a real domain controller: planted faults found with exactly the planted objects, no near miss."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from probes.interface import Part
from reports.dossier import Dossier
from rules.interface import Finding, Outcome
from rules.registry import load
from scanner import run
from scanner.config.load import parse
from scanner.store.store import open_store
from tests.lab import samba

pytestmark = pytest.mark.samba
#: A share of all accounts is diluted by the other faults; what an administrator cannot read is nothing to find.
UNPLANTED = {"vuln_user_accounts_dormant", "vuln_critical_objects", "vuln_sd_failed_sd_read_on_priv"}
POINTS = sorted({card.control for card in load().cards.values() if card.control} - UNPLANTED)

CONFIG = """
[box]
vantage = "inside"
[pace]
connections_per_address = 100.0
[[mandates]]
reference = "M1"
signatory = "Directrice"
valid_from = 2026-01-01
valid_until = 2099-12-31
networks = ["{address}/32"]
directories = ["ldaps://{host}"]
[[perimeters]]
id = "chu"
name = "CHU du laboratoire"
mandate = "M1"
directories = ["ad"]
[[directories]]
name = "ad"
url = "ldaps://{host}"
address = "{address}"
user = "{user}"
password = "env:HYGIE_LAB_PASSWORD"
bind = "simple"
ca_file = "{ca}"
[rules.owners-standard]
days = 0
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[samba.Domain]:
    with samba.domain(faults=POINTS) as running:
        yield running


@pytest.fixture(scope="module")
def dossier(lab: samba.Domain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dossier]:
    folder = tmp_path_factory.mktemp("scan")
    text = CONFIG.format(address=lab.address, host=lab.host, user=lab.admin, ca=lab.ca_file)
    with pytest.MonkeyPatch.context() as patch, open_store(folder / "hygie.sqlite") as store:
        patch.setenv("HYGIE_LAB_PASSWORD", samba.ADMIN_PASSWORD)
        settings = parse(Path(folder / "hygie.toml"), text)
        scan, _ = asyncio.run(run.scan(settings, store, "chu", only=Part.DIRECTORY))
        yield run.judge_scan(settings, store, scan.id)


def found(dossier: Dossier, point: str) -> Finding:
    return next(f for f in dossier.findings if f.control == point)


@pytest.mark.parametrize("point", POINTS)
def test_a_planted_point_is_found_with_its_objects_and_not_its_near_miss(
    dossier: Dossier, lab: samba.Domain, point: str
) -> None:
    finding, planted = found(dossier, point), lab.planted[point]
    named = {o.id for o in finding.objects} | {o.dn for o in finding.objects}
    assert finding.outcome is Outcome.NOT_MET
    # the quota of machines is a number of the domain itself: it names no object
    assert set(planted["faulty"]) <= named | {lab.base}
    assert not set(planted["near"]) & named


def test_the_level_is_the_lowest_failing_one(dossier: Dossier) -> None:
    assert {str(level.level) for level in dossier.directory} == {"1"}
    assert all(f.outcome is not Outcome.UNDETERMINED for f in dossier.findings if f.control)
