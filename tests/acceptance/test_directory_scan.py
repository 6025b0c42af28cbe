"""The whole road over a real domain controller: planted faults found with exactly the planted objects, no near miss."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reports.dossier import Dossier
from rules.interface import Finding, Outcome
from rules.registry import load
from tests.acceptance.directory_lab import scanned
from tests.lab import samba
from tests.lab.samba_seeds import FRENCH_ADMINISTRATOR

pytestmark = pytest.mark.samba
#: A share of all accounts is diluted by the other faults; what an administrator cannot read is nothing to find.
UNPLANTED = {"vuln_user_accounts_dormant", "vuln_critical_objects", "vuln_sd_failed_sd_read_on_priv"}
POINTS = sorted({card.control for card in load().cards.values() if card.control} - UNPLANTED)
#: What an ordinary account is not shown: DPAPI and KDS keys, the DNS servers' settings, fine-grained policies.
HIDDEN = {
    "vuln_permissions_dpapi",
    "vuln_permissions_gmsa_keys",
    "vuln_permissions_msdns",
    "vuln_privileged_members_password",
}


@pytest.fixture(scope="module")
def lab() -> Iterator[samba.Domain]:
    with samba.domain(faults=POINTS) as running:
        yield running


@pytest.fixture(scope="module")
def dossier(lab: samba.Domain) -> Dossier:
    return scanned(lab)


def points(dossier: Dossier) -> dict[str, Finding]:
    return {f.control: f for f in dossier.findings if f.control}


@pytest.mark.parametrize("point", POINTS)
def test_a_planted_point_is_found_with_its_objects_and_not_its_near_miss(
    dossier: Dossier, lab: samba.Domain, point: str
) -> None:
    finding, planted = points(dossier)[point], lab.planted[point]
    named = sorted(o.id if o.id.startswith("S-1-") else o.dn for o in finding.objects)
    assert finding.outcome is Outcome.NOT_MET
    assert named == planted["faulty"]
    assert planted["faulty"]
    assert not set(planted["near"]) & set(planted["faulty"])


def test_ordinary_accounts_are_named_by_no_point(dossier: Dossier) -> None:
    named = {o.name for f in points(dossier).values() for o in f.objects}
    assert not named & {"lecteur", "expire", "desactive", "verrouille", "mdp-a-changer", "Hélène Garçon"}


def test_the_level_is_the_lowest_failing_one_and_an_administrator_leaves_nothing_open(dossier: Dossier) -> None:
    assert {str(level.level) for level in dossier.directory} == {"1"}
    assert all(f.outcome is not Outcome.UNDETERMINED for f in dossier.findings if f.control)


def test_an_ordinary_account_leaves_open_what_it_may_not_see_and_nothing_else(
    dossier: Dossier, lab: samba.Domain
) -> None:
    every, some = points(dossier), points(scanned(lab, lab.user("lecteur"), samba.USER_PASSWORD))
    assert {point for point, f in some.items() if f.outcome is Outcome.UNDETERMINED} == HIDDEN
    for point in every.keys() - HIDDEN:
        assert _said(some[point]) == _said(every[point]), point


def test_french_names_a_renamed_administrator_and_accents_change_nothing(dossier: Dossier) -> None:
    with samba.domain(faults=POINTS, french=True) as french:
        others = points(scanned(french, f"{FRENCH_ADMINISTRATOR}@{french.realm}"))
    for point, finding in points(dossier).items():
        assert _said(others[point]) == _said(finding), point


def _said(finding: Finding) -> tuple[object, ...]:
    """All that a finding says but names and dates; GUIDs differ from one made domain to the next."""
    sids = sorted(o.id for o in finding.objects if o.id.startswith("S-1-"))
    return finding.outcome, finding.levels, finding.open_levels, len(finding.objects), sids
