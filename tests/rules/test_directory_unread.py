"""What could not be read: the points whose outcome could change become undetermined, and the rest stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rules.interface import Finding, Outcome
from rules.judge import judge
from rules.levels import directory_level
from rules.registry import load
from tests.lab.healthy import ADMIN, HOLDER, USER, healthy
from tests.lab.synthetic import BASE, CONFIG, DOMAIN_DNS, FOREST_DNS, SCHEMA, World, sid
from tests.rules.directory_cases import MET, NOT_MET, UNDETERMINED, shipped


def findings(change: Callable[[World], object] = lambda world: None) -> dict[str, Finding]:
    world = healthy()
    world.feeds = shipped()
    change(world)
    found = judge(world.record(), load())
    return {f.control: f for f in found if f.control}


HEALTHY = findings()


def undetermined(change: Callable[[World], object]) -> set[str]:
    """The points that a change leaves open; everything else must say what it said."""
    seen = findings(change)
    open_ones = {point for point, f in seen.items() if f.outcome is UNDETERMINED}
    for point in seen.keys() - open_ones - {"vuln_critical_objects"}:  # which is about being read
        assert seen[point].outcome is HEALTHY[point].outcome, point
    return open_ones


def test_a_healthy_forest_meets_every_point_and_is_at_level_five() -> None:
    assert len(HEALTHY) == 76
    assert {f.outcome for f in HEALTHY.values()} == {MET, Outcome.NOT_APPLICABLE}
    assert str(directory_level("forest:ad.test", HEALTHY.values()).level) == "5"


CHANGES: dict[str, tuple[Callable[[World], object], set[str]]] = {
    "a service name for nobody": (
        lambda w: w.unreadable("servicePrincipalName"),
        {"vuln_spn_priv", "vuln_kerberos_properties_encryption", "vuln_password_change_cluster_no_change_3years"},
    ),
    "adminCount for nobody": (lambda w: w.unreadable("adminCount"), {"vuln_privileged_members_no_admincount"}),
    "SID history never asked": (
        lambda w: w.unasked.add("sIDHistory"),
        {"vuln_sidhistory_dangerous", "vuln_sidhistory_present"},
    ),
    "AdminSDHolder's descriptor cut": (
        lambda w: w.secured(HOLDER, raw=b"\1\0\4\x80\x14"),
        {"vuln_permissions_adminsdholder"},
    ),
    "the descriptor of an ordinary account": (lambda w: w.unread(USER), {"vuln_owner"}),
    "the schema": (lambda w: w.without(SCHEMA), {"vuln_permissions_schema", "vuln_permissions_naming_context"}),
    "the DNS zones of the domain": (
        lambda w: w.without(DOMAIN_DNS),
        {"vuln_dnszone_bad_prop", "vuln_permissions_naming_context"},
    ),
    "the DNS zones of the forest": (
        lambda w: w.without(FOREST_DNS),
        {"vuln_dnszone_bad_prop", "vuln_permissions_naming_context"},
    ),
    "the configuration cut by a size limit": (
        lambda w: w.cut_at(CONFIG),
        {
            "vuln_adcs_control",
            "vuln_adcs_template_control",
            "vuln_adcs_template_auth_enroll_with_name",
            "vuln_certificates_vuln",
            "vuln_display_specifier",
            "vuln_permissions_gmsa_keys",
        },
    ),
}


@pytest.mark.parametrize("case", CHANGES.values(), ids=list(CHANGES))
def test_only_what_could_change_is_left_open(case: tuple[Callable[[World], object], set[str]]) -> None:
    change, expected = case
    assert undetermined(change) == expected


#: What is said of one object, once it was read, holds however much of the rest is missing.
SURE = {
    "vuln_critical_objects",
    "vuln_guest",
    "vuln_krbtgt",
    "vuln_permissions_adminsdholder",
    "vuln_permissions_naming_context",
    "vuln_reversible_password_priv_namingcontext",
    "vuln_smartcard_expire_passwords",
    "vuln_user_accounts_machineaccountquota",
    "vuln_adupdate_bad",
    "vuln_rodc_denied_group",
    "vuln_sysvol_ntfrs",
}


def test_a_domain_cut_in_the_middle_keeps_only_what_rests_on_objects_that_were_read() -> None:
    seen = undetermined(lambda w: w.cut_at(BASE))
    forest_wide = {p for p, f in HEALTHY.items() if f.asset.startswith("forest:")}
    assert seen == HEALTHY.keys() - SURE - forest_wide
    level = directory_level("ad-domain:ad.test", findings(lambda w: w.cut_at(BASE)).values()).level
    assert str(level) == "1-5"


def test_faults_that_were_seen_stay_in_a_cut_domain() -> None:
    seen = findings(lambda w: w.put(ADMIN, userAccountControl=0x10200).cut_at(BASE))
    assert seen["vuln_dont_expire_priv"].outcome is NOT_MET


def many(world: World, last: str) -> None:
    """A group of 50 000 members by ranges, Domain Admins in it; ``last`` is the end of the last range."""
    members = [f"CN=Absent {n},DC=ailleurs,{BASE}" for n in range(2)] + [USER] * 49_998
    group = world.dn(512)
    world.put(group, member=None)
    for at in range(0, 50_000, 1500):
        end = last if at + 1500 >= 50_000 else str(at + 1499)
        world.entries[group][f"member;range={at}-{end}"] = [m.encode() for m in members[at : at + 1500]]


def test_fifty_thousand_members_come_by_ranges_and_a_missing_last_range_is_told() -> None:
    world = healthy()
    many(world, "*")
    view = world.domain()
    assert sid(1104) in view.privileged
    assert not view.own.cut_groups
    world = healthy()
    many(world, "49999")
    assert world.domain().own.cut_groups == {world.dn(512).lower()}
    assert world.domain().privileged_unread


def test_members_that_were_not_read_leave_open_what_is_said_of_all_the_privileged() -> None:
    open_ones = undetermined(lambda w: w.join(512, f"CN=Ailleurs,DC=autre,{BASE}"))
    assert {"vuln_dont_expire_priv", "vuln_protected_users", "vuln_privileged_members", "vuln_silo_priv"} <= open_ones
    assert not open_ones & {"vuln_guest", "vuln_dont_expire", "vuln_permissions_schema", "vuln_dsheuristics_bad"}
