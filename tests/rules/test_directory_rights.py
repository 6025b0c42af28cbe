"""Rights over what a domain rests on: who holds them, who only seems to, and what was not readable."""

# ruff: noqa: E501 (tables of examples: one line each)

from __future__ import annotations

from itertools import product

import pytest

from probes.facts.identifiers import sid_bytes
from rules.catalogue import directory_rights as rights
from rules.catalogue.directory_forest import managed_account_keys_controlled, schema_controlled
from rules.interface import Confidence, Rule
from tests.lab import descriptors as d
from tests.lab.healthy import (
    ADMIN,
    BACKUP_KEY,
    CONTROLLER,
    CONTROLLERS,
    CONTROLLERS_POLICY,
    DIRECTORY_SERVICE,
    DNS_SERVER,
    DOMAIN_POLICY,
    HOLDER,
    MANAGED,
    REPLICATION,
    ROOT_KEY,
    SITE,
    USER,
)
from tests.lab.synthetic import BASE, CONFIG, DOMAIN_DNS, EVERYONE, FOREST_DNS, SCHEMA, World, ago, sid
from tests.rules.directory_cases import MET, NOT_APPLICABLE, NOT_MET, UNDETERMINED, Case, check, judged, label

RESET, MEMBER = "00299570-246d-11d0-a768-00aa006e0529", "bf9679c0-0de6-11d0-a285-00aa003049e2"
SPN, KEY = "f3a64788-5306-11d1-a9c5-0000f80367c1", "5b47d60f-6090-40b2-9f37-2a4de88f3063"
LINK, ACT = "f30e3bbe-9ff0-11d1-b603-0000f80367c1", "3f78c3e5-f79a-46bd-a0b8-9d18116ddc79"
RESTRICTIONS, USERS = "4c164200-20c0-11d0-a768-00aa006e0529", "bf967aba-0de6-11d0-a285-00aa003049e2"
CONTACTS, GROUPS = "5cb41ed0-0e4c-11d0-a286-00aa003049e2", "bf967a9c-0de6-11d0-a285-00aa003049e2"
LOGON = "5f202010-79a5-11d0-9020-00c04fc2d4cf"
CHANGES, ALL = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2", "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"
HELENE, ELODIE, DOCTORS = sid(1104), sid(1105), sid(1102)
POINTS: list[tuple[Rule, str, tuple[int, ...]]] = [
    (rights.adminsdholder_controlled, HOLDER, (1, 2)),
    (rights.controllers_controlled, CONTROLLER, (1, 2)),
    (rights.sysvol_replication_controlled, REPLICATION, (1, 2)),
    (rights.dpapi_keys_controlled, BACKUP_KEY, (1, 2)),
    (rights.partitions_controlled, BASE, (1, 2)),
    (rights.partitions_controlled, CONFIG, (1, 2)),
    (rights.partitions_controlled, SCHEMA, (1, 2)),
    (rights.partitions_controlled, DOMAIN_DNS, (1, 2)),
    (rights.partitions_controlled, FOREST_DNS, (1, 2)),
    (rights.dns_server_controlled, DNS_SERVER, (1,)),
    (rights.policies_controlled, CONTROLLERS_POLICY, (1,)),
    (rights.policies_controlled, DOMAIN_POLICY, (1,)),
    (rights.containers_controlled, CONTROLLERS, (2,)),
    (rights.containers_controlled, SITE, (2,)),
    (rights.privileged_members_controlled, ADMIN, (1, 2)),
    (schema_controlled, f"CN=User,{SCHEMA}", (1, 2)),
    (managed_account_keys_controlled, ROOT_KEY, (1, 2)),
    (managed_account_keys_controlled, MANAGED, (1, 2)),
    (rights.dnsadmins_empty, f"CN=DnsAdmins,CN=Users,{BASE}", (1,)),
]


@pytest.mark.parametrize(
    ("rule", "on", "levels"), POINTS, ids=lambda p: p.partition(",")[0] if isinstance(p, str) else ""
)
def test_each_point_finds_who_may_write_the_rights_and_not_who_may_read(
    rule: Rule, on: str, levels: tuple[int, ...]
) -> None:
    verdict = judged(rule, lambda w: w.allow(on, HELENE, d.WRITE_DACL).allow(on, sid(2000), d.READ))
    assert (verdict.outcome, verdict.levels) == (NOT_MET, levels)
    assert [o.id for o in verdict.objects] == [HELENE]
    assert "WriteDacl" in verdict.objects[0].name


@pytest.mark.parametrize(
    ("rule", "on", "levels"), POINTS, ids=lambda p: p.partition(",")[0] if isinstance(p, str) else ""
)
def test_what_could_not_be_read_is_undetermined_and_who_was_seen_stays(
    rule: Rule, on: str, levels: tuple[int, ...]
) -> None:
    verdict = judged(rule, lambda w: w.unread(on))
    assert (verdict.outcome, verdict.levels) == (UNDETERMINED, levels)
    assert verdict.reason == "descriptor-not-readable"
    cut = judged(rule, lambda w: w.secured(on, raw=b"\x01\x00\x04\x80" + b"\x00" * 9))
    assert cut.outcome is UNDETERMINED


@pytest.mark.parametrize(
    ("rule", "on", "levels"), POINTS, ids=lambda p: p.partition(",")[0] if isinstance(p, str) else ""
)
def test_owners_count_too(rule: Rule, on: str, levels: tuple[int, ...]) -> None:
    if on == CONTROLLER:
        return  # see the dSHeuristics below
    verdict = judged(rule, lambda w: w.secured(on, owner=HELENE))
    assert (verdict.outcome, verdict.levels, [o.id for o in verdict.objects]) == (NOT_MET, levels, [HELENE])


def no_replication(world: World) -> None:
    world.drop(REPLICATION, f"CN=DFSR-LocalSettings,{CONTROLLER}")


def dcsync(world: World) -> None:
    world.allow(BASE, HELENE, d.CONTROL, CHANGES).allow(BASE, HELENE, d.CONTROL, ALL)
    world.allow(BASE, sid(2000), d.CONTROL, CHANGES).allow(BASE, sid(498), d.CONTROL, CHANGES)


def conditional_denial(world: World) -> None:
    """A denial under a condition (a callback entry), before a grant."""
    denial = b"\x0a" + d.ace(EVERYONE, d.WRITE_DACL, deny=True)[1:]
    grants = world.allow(HOLDER, HELENE, d.WRITE_DACL).security[HOLDER].aces
    world.secured(HOLDER, aces=[denial, *grants], protected=True)


def cloned(world: World, target: str, *more: bytes) -> None:
    """Give an account the very rights of AdminSDHolder, as the system does, and some more."""
    holder = world.allow(HOLDER, HELENE, d.WRITE_DACL).security[HOLDER].aces
    world.secured(target, aces=[*holder, *more], protected=True)


ZONES_REFERENCE, FOREST_REFERENCE = f"CN=ZONES,CN=Partitions,{CONFIG}", f"CN=FORET,CN=Partitions,{CONFIG}"
CASES: list[Case] = [
    # what makes one of two levels
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, HELENE, d.WRITE, SPN), NOT_MET, (2,), "Hélène"),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, HELENE, d.WRITE, KEY), NOT_MET, (1, 2), "Hélène"),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, HELENE, d.SELF, MEMBER), NOT_MET, (1, 2), "Hélène"),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, HELENE, d.CONTROL), NOT_MET, (1, 2), "Hélène"),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, HELENE, d.WRITE), NOT_MET, (1, 2), "Hélène"),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, HELENE, d.GENERIC_WRITE), NOT_MET, (1, 2), "Hélène"),
    (rights.adminsdholder_controlled, lambda w: w.secured(HOLDER, aces=None), NOT_MET, (1, 2), "Everyone"),
    # near misses
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, HELENE, d.WRITE, "aa" * 4 + "-0de6-11d0-a285-00aa003049e2"), MET, (), ""),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, HELENE, d.FULL, flags=d.ONLY_CHILDREN), MET, (), ""),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, ELODIE, d.FULL), MET, (), ""),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, sid(519), d.FULL), MET, (), ""),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, "S-1-5-10", d.WRITE), MET, (), ""),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, "S-1-3-0", d.FULL), MET, (), ""),
    # operators count as soon as somebody is one; a deleted account is nobody; another domain's is somebody
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, "S-1-5-32-548", d.FULL), MET, (), ""),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, "S-1-5-32-548", d.FULL).join("S-1-5-32-548", USER), NOT_MET, (1, 2), "Opérateurs de compte"),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, sid(7777), d.FULL), MET, (), ""),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, sid(7777), d.FULL).cut_at(BASE), UNDETERMINED, (1, 2), ""),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, "S-1-5-21-9-9-9-1200", d.FULL), NOT_MET, (1, 2), "S-1-5-21-9-9-9-1200"),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, "S-1-5-21-9-9-9-512", d.FULL), NOT_MET, (1, 2), "S-1-5-21-9-9-9-512"),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, "S-1-5-21-9-9-9-519", d.FULL), NOT_MET, (1, 2), "S-1-5-21-9-9-9-519"),
    # groups stand for their members
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, DOCTORS, d.FULL), NOT_MET, (1, 2), "G-Médecins"),
    (rights.adminsdholder_controlled, lambda w: w.group("G-T0", 1900, ADMIN).allow(HOLDER, sid(1900), d.FULL), MET, (), ""),
    (rights.adminsdholder_controlled, lambda w: w.group("G-T0", 1900, w.dn(1102)).allow(HOLDER, sid(1900), d.FULL), NOT_MET, (1, 2), "G-T0"),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, EVERYONE, d.WRITE_OWNER), NOT_MET, (1, 2), "Everyone"),
    # a denial that comes first, by group or in part
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, HELENE, d.WRITE_DACL).deny(HOLDER, HELENE, d.WRITE_DACL), MET, (), ""),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, HELENE, d.WRITE_DACL).deny(HOLDER, DOCTORS, d.WRITE_DACL), MET, (), ""),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, HELENE, d.FULL).deny(HOLDER, HELENE, d.WRITE_DACL), NOT_MET, (1, 2), "Hélène"),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, HELENE, d.WRITE_DACL).allow(HOLDER, HELENE, d.WRITE_DACL, deny=True, flags=d.FROM_PARENT), NOT_MET, (1, 2), "Hélène"),
    (rights.adminsdholder_controlled, conditional_denial, NOT_MET, (1, 2), "Hélène"),
    (rights.adminsdholder_controlled, lambda w: w.drop(HOLDER), UNDETERMINED, (1, 2), ""),
    # somebody protected like AdminSDHolder counts as privileged: an account, a group of such accounts; nobody else
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, HELENE, d.FULL).secured(USER, protected=True), MET, (), ""),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, HELENE, d.FULL).secured(USER, protected=True).allow(USER, sid(2000), d.READ), NOT_MET, (1, 2), "Hélène"),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, HELENE, d.FULL).secured(USER, protected=True, owner=sid(2000)), NOT_MET, (1, 2), "Hélène"),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, HELENE, d.FULL).secured(USER, protected=True, owner=HELENE), NOT_MET, (1, 2), "Hélène"),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, DOCTORS, d.FULL).secured(w.dn(1102), protected=True), NOT_MET, (1, 2), "G-Médecins"),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, DOCTORS, d.FULL).secured(USER, protected=True).secured(w.dn(1102), protected=True), MET, (), ""),
    (rights.adminsdholder_controlled, lambda w: w.allow(HOLDER, DOCTORS, d.FULL).secured(w.dn(1102), protected=True).group("G-Chefs", 1901).join(1102, w.dn(1901)), NOT_MET, (1, 2), "G-Médecins"),
    # controllers
    (rights.controllers_controlled, lambda w: w.allow(CONTROLLER, HELENE, d.WRITE, ACT), NOT_MET, (1, 2), "Hélène"),
    (rights.controllers_controlled, lambda w: w.allow(CONTROLLER, HELENE, d.WRITE, RESTRICTIONS), NOT_MET, (1, 2), "Hélène"),
    (rights.controllers_controlled, lambda w: w.allow(CONTROLLER, HELENE, d.WRITE, SPN), NOT_MET, (2,), "Hélène"),
    (rights.controllers_controlled, lambda w: w.put(CONTROLLER, primaryGroupID=521, managedBy=USER), NOT_MET, (2,), "Hélène"),
    (rights.controllers_controlled, lambda w: w.put(CONTROLLER, managedBy=USER), MET, (), ""),
    (rights.controllers_controlled, lambda w: w.put(CONTROLLER, primaryGroupID=521, managedBy=w.dn(512)), MET, (), ""),
    (rights.controllers_controlled, lambda w: w.put(CONTROLLER, primaryGroupID=521, managedBy="CN=x,DC=autre,DC=test"), UNDETERMINED, (1, 2), ""),
    (rights.controllers_controlled, lambda w: w.drop(CONTROLLER), UNDETERMINED, (1, 2), ""),
    # SYSVOL, DPAPI, DNS
    (rights.sysvol_replication_controlled, no_replication, NOT_APPLICABLE, (), ""),
    (rights.sysvol_replication_controlled, lambda w: w.allow(f"CN=DFSR-LocalSettings,{CONTROLLER}", HELENE, d.FULL), NOT_MET, (1, 2), "Hélène"),
    (rights.sysvol_replication_controlled, lambda w: w.allow(REPLICATION, HELENE, d.WRITE, SPN), NOT_MET, (2,), "Hélène"),
    (rights.dpapi_keys_controlled, lambda w: w.drop(BACKUP_KEY), UNDETERMINED, (1, 2), ""),
    (rights.dpapi_keys_controlled, lambda w: w.allow(BACKUP_KEY, HELENE, d.WRITE, SPN), NOT_MET, (2,), "Hélène"),
    (rights.dns_server_controlled, lambda w: w.allow(DNS_SERVER, HELENE, d.WRITE), NOT_MET, (1,), "Hélène"),
    (rights.dns_server_controlled, lambda w: w.allow(DNS_SERVER, sid(1101), d.FULL), MET, (), ""),
    (rights.dns_server_controlled, lambda w: w.allow(DNS_SERVER, sid(1101), d.FULL).join(1101, USER), NOT_MET, (1,), "DnsAdmins"),
    # roots of partitions
    (rights.partitions_controlled, dcsync, NOT_MET, (1, 2), "Hélène"),
    (rights.partitions_controlled, lambda w: w.allow(BASE, HELENE, d.CONTROL, ALL), MET, (), ""),
    (rights.partitions_controlled, lambda w: w.allow(BASE, HELENE, d.CONTROL, RESET, flags=d.ONLY_CHILDREN, inherited_type=USERS), NOT_MET, (2,), "Hélène"),
    # both rights of replication, one by a group; two rights of two strangers are no control
    (rights.partitions_controlled, lambda w: w.allow(BASE, DOCTORS, d.CONTROL, CHANGES).allow(BASE, HELENE, d.CONTROL, ALL), NOT_MET, (1, 2), "Hélène"),
    (rights.partitions_controlled, lambda w: w.allow(BASE, sid(2000), d.CONTROL, CHANGES).allow(BASE, HELENE, d.CONTROL, ALL), MET, (), ""),
    # what flows down to contacts gives no account
    (rights.partitions_controlled, lambda w: w.allow(BASE, HELENE, d.FULL, flags=d.ONLY_CHILDREN, inherited_type=CONTACTS), MET, (), ""),
    (rights.partitions_controlled, lambda w: w.allow(BASE, HELENE, d.FULL, flags=d.ONLY_CHILDREN, inherited_type=GROUPS), NOT_MET, (2,), "Hélène"),
    (rights.partitions_controlled, lambda w: w.allow(BASE, HELENE, d.CREATE), NOT_MET, (2,), "Hélène"),
    (rights.partitions_controlled, lambda w: w.without(SCHEMA), UNDETERMINED, (1, 2), ""),
    (rights.partitions_controlled, lambda w: w.without(DOMAIN_DNS), UNDETERMINED, (1, 2), ""),
    # a forest whose DNS lies elsewhere has no such partitions, and its configuration says so
    (rights.partitions_controlled, lambda w: w.without(DOMAIN_DNS, FOREST_DNS).drop(ZONES_REFERENCE, FOREST_REFERENCE), MET, (), ""),
    (rights.partitions_controlled, lambda w: w.without(DOMAIN_DNS, FOREST_DNS).drop(ZONES_REFERENCE, FOREST_REFERENCE).cut_at(CONFIG), UNDETERMINED, (1, 2), ""),
    (rights.partitions_controlled, lambda w: w.allow(BASE, HELENE, d.WRITE_DACL).without(SCHEMA), NOT_MET, (1, 2), "Hélène"),
    # policies and containers of the privileged
    (rights.policies_controlled, lambda w: w.allow(DOMAIN_POLICY, HELENE, d.WRITE).put(BASE, gPLink=f"[LDAP://{DOMAIN_POLICY};1]"), MET, (), ""),
    (rights.policies_controlled, lambda w: w.allow(DOMAIN_POLICY, HELENE, d.WRITE).put(SITE, gPLink=f"[LDAP://{DOMAIN_POLICY};0]").put(BASE, gPLink=" "), NOT_MET, (1,), "Hélène"),
    (rights.policies_controlled, lambda w: w.without(CONFIG), UNDETERMINED, (1,), ""),
    # a link to nothing; a link to a policy of a domain that was not read
    (rights.policies_controlled, lambda w: w.put(CONTROLLERS, gPLink=f"[LDAP://{DOMAIN_POLICY.replace('31B2', '9999')};0]"), MET, (), ""),
    (rights.policies_controlled, lambda w: w.put(CONTROLLERS, gPLink="[LDAP://CN={1},CN=Policies,CN=System,DC=autre,DC=test;0]"), UNDETERMINED, (1,), ""),
    (rights.containers_controlled, lambda w: w.allow(CONTROLLERS, HELENE, d.WRITE, LINK), NOT_MET, (2,), "Hélène"),
    (rights.containers_controlled, lambda w: w.allow(CONTROLLERS, HELENE, d.CREATE, USERS), NOT_MET, (2,), "Hélène"),
    (rights.containers_controlled, lambda w: w.add(f"OU=Vide,{BASE}", "organizationalUnit").allow(f"OU=Vide,{BASE}", HELENE, d.FULL), MET, (), ""),
    (rights.containers_controlled, lambda w: w.without(CONFIG), UNDETERMINED, (2,), ""),
    # privileged members
    (rights.privileged_members_controlled, lambda w: w.allow(ADMIN, HELENE, d.CONTROL, RESET), NOT_MET, (1, 2), "Hélène"),
    (rights.privileged_members_controlled, lambda w: w.allow(ADMIN, HELENE, d.CONTROL, "ab721a53-1e2f-11d0-9819-00aa0040529b"), MET, (), ""),
    (rights.privileged_members_controlled, lambda w: w.allow(ADMIN, HELENE, d.WRITE, SPN), NOT_MET, (2,), "Hélène"),
    (rights.privileged_members_controlled, lambda w: w.allow(ADMIN, HELENE, d.WRITE, LOGON), NOT_MET, (2,), "Hélène"),
    (rights.privileged_members_controlled, lambda w: w.allow(USER, sid(2000), d.FULL), MET, (), ""),
    (rights.privileged_members_controlled, lambda w: w.allow(w.dn(502), HELENE, d.CONTROL, RESET), NOT_MET, (1, 2), "Hélène"),
    (rights.privileged_members_controlled, lambda w: w.allow(w.dn(512), HELENE, d.WRITE, MEMBER), NOT_MET, (1, 2), "Hélène"),
    (rights.privileged_members_controlled, lambda w: w.group("G-T0", 1900).join(512, f"CN=G-T0,CN=Users,{BASE}").allow(f"CN=G-T0,CN=Users,{BASE}", HELENE, d.SELF, MEMBER), NOT_MET, (1, 2), "Hélène"),
    (rights.privileged_members_controlled, lambda w: cloned(w, ADMIN), MET, (), ""),
    (rights.privileged_members_controlled, lambda w: cloned(w, ADMIN, d.ace(sid(2000), d.FULL)), NOT_MET, (1, 2), "Hélène, agent-0"),
    (rights.privileged_members_controlled, lambda w: w.join(512, f"CN=Ailleurs,DC=autre,{BASE}"), UNDETERMINED, (1, 2), ""),
    # DnsAdmins
    (rights.dnsadmins_empty, lambda w: w.join(1101, "CN=x,DC=autre,DC=test"), UNDETERMINED, (1,), ""),
    (rights.dnsadmins_empty, lambda w: w.unreadable("member"), UNDETERMINED, (1,), ""),
    (rights.dnsadmins_empty, lambda w: w.join(1101, ADMIN), MET, (), ""),
    (rights.dnsadmins_empty, lambda w: w.join(1101, USER, ADMIN), NOT_MET, (1,), "Hélène"),
    (rights.dnsadmins_empty, lambda w: w.join(1101, w.dn(1102)), NOT_MET, (1,), "Hélène"),
    (rights.dnsadmins_empty, lambda w: w.drop(w.dn(1101)), NOT_APPLICABLE, (), ""),
    (rights.dnsadmins_empty, lambda w: w.drop(w.dn(1101)).cut_at(BASE), UNDETERMINED, (1,), ""),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=label)
def test_rights(case: Case) -> None:
    check(case)


def test_the_owner_of_a_controller_is_harmless_once_the_directory_says_so() -> None:
    before = judged(rights.controllers_controlled, lambda w: w.secured(CONTROLLER, owner=HELENE))
    assert before.outcome is MET  # character 29 of the healthy forest is 1
    after = judged(
        rights.controllers_controlled,
        lambda w: w.put(DIRECTORY_SERVICE, dSHeuristics="0" * 9 + "1").secured(CONTROLLER, owner=HELENE),
    )
    assert (after.outcome, after.levels) == (NOT_MET, (1, 2))


def test_a_policy_below_a_unit_that_blocks_inheritance_applies_only_when_enforced() -> None:
    unit = f"OU=Médecins,{BASE}"

    def blocked(world: World, options: int) -> None:
        world.allow(DOMAIN_POLICY, HELENE, d.WRITE).put(unit, gPOptions=1).put(CONTROLLERS, gPOptions=1)
        world.put(BASE, gPLink=f"[LDAP://{DOMAIN_POLICY};{options}]")

    assert judged(rights.policies_controlled, lambda w: blocked(w, 0)).outcome is MET
    assert judged(rights.policies_controlled, lambda w: blocked(w, 2)).outcome is NOT_MET


def test_privileged_members_that_were_not_read_make_the_finding_probable() -> None:
    verdict = judged(
        rights.adminsdholder_controlled,
        lambda w: w.allow(HOLDER, HELENE, d.WRITE_DACL).join(512, f"CN=Ailleurs,DC=autre,{BASE}"),
    )
    assert verdict.confidence is Confidence.PROBABLE


@pytest.mark.parametrize(("on", "mask"), list(product([HOLDER, CONTROLLER], [d.WRITE_DACL, d.WRITE_OWNER])))
def test_a_sid_history_makes_a_member(on: str, mask: int) -> None:
    """An account whose SID history bears a group's SID is a member of it."""
    rule = rights.adminsdholder_controlled if on == HOLDER else rights.controllers_controlled

    def change(world: World) -> None:
        world.group("G-T0", 1900, ADMIN).allow(on, sid(1900), mask)
        world.put(USER, sIDHistory=sid_bytes(sid(1900)), pwdLastSet=ago(1))

    assert judged(rule, change).outcome is NOT_MET
