"""Controllers, servers, service accounts and read-only controllers."""

# ruff: noqa: E501 (tables of examples: one line each)

from __future__ import annotations

import pytest

from probes.facts.identifiers import sid_bytes
from rules.catalogue import directory_rodc as rodc
from rules.catalogue import directory_servers as servers
from rules.catalogue.directory_accounts import sid_history_empty, sid_history_harmless
from rules.catalogue.directory_control import (
    anonymous_outside_pre_windows_2000,
    controllers_active,
    delegation_not_to_controllers,
    pre_windows_2000_default,
    resource_delegation_not_on_controllers,
)
from rules.interface import Confidence, Rule
from tests.lab.healthy import CONTROLLER, MANAGED, PREPARED, REPLICATION, SERVER, SITE, SYSTEM_DN, USER
from tests.lab.synthetic import BASE, CONFIG, World, ago, dated, sid
from tests.rules.directory_cases import MET, NOT_APPLICABLE, NOT_MET, UNDETERMINED, Case, check, judged, label

SRV, PC = f"CN=SRV1,CN=Computers,{BASE}", f"CN=PC1,CN=Computers,{BASE}"
READER = f"CN=RODC1,CN=Computers,{BASE}"
CLUSTER = f"CN=GRAPPE,CN=Computers,{BASE}"
KRBTGT = f"CN=krbtgt_1,OU=Médecins,{BASE}"


EVERYONE_DN = f"CN=S-1-1-0,CN=ForeignSecurityPrincipals,{BASE}"


def foreigner(world: World, sid: str) -> str:
    """The DN of what stands for a SID from elsewhere, known by its name alone as some exports give it."""
    dn = f"CN={sid},CN=ForeignSecurityPrincipals,{BASE}"
    world.add(dn, "foreignSecurityPrincipal")
    return dn


def everyone(world: World) -> World:
    foreigner(world, "S-1-1-0")
    return world


def cluster(world: World, days: int) -> World:
    spn = ["MSServerCluster/GRAPPE", "HOST/GRAPPE"]
    return world.computer(
        "GRAPPE", 1130, servicePrincipalName=spn, pwdLastSet=ago(days), operatingSystem="Windows Server 2022"
    )


def reader(world: World, **changed: object) -> World:
    """A read-only controller as it should be, but for what is changed."""
    never = [world.dn(f"S-1-5-32-{n}") for n in (544, 548, 549, 551)] + [world.dn(572)]
    world.computer(
        "RODC1", 1140, primaryGroupID=521, userAccountControl=0x5001000, operatingSystem="Windows Server 2022"
    )
    world.put(READER, msDS_NeverRevealGroup=never, msDS_RevealOnDemandGroup=world.dn(571), msDS_KrbTgtLink=KRBTGT)
    world.user("krbtgt_1", 1141, userAccountControl=0x202, msDS_SecondaryKrbTgtNumber=1)
    return world.put(READER, **changed)  # type: ignore[arg-type]


def distant(world: World, *more: str) -> World:
    """A read-only controller with its server object, and the classes of its settings."""
    server = f"CN=RODC1,CN=Servers,{SITE}"
    reader(world).add(server, "server", serverReference=READER)
    return world.add(f"CN=NTDS Settings,{server}", "nTDSDSA", *more, msDS_Behavior_Version=7)


def revealed(world: World, dn: str) -> World:
    return reader(world, msDS_RevealedUsers=[f"B:16:0123456789abcdef:{dn}"])


def ntfrs(world: World) -> World:
    world.put(f"CN=DFSR-GlobalSettings,{SYSTEM_DN}", msDFSR_Flags=None)
    return world.add(f"CN=SYSVOL,CN=File Replication Service,{SYSTEM_DN}", "nTFRSReplicaSet", fRSReplicaSetType=2)


def subscribed(world: World, name: str, machine: str) -> World:
    """A machine that takes part in a replication by NTFRS, before the migration is said to be over."""
    world.put(f"CN=DFSR-GlobalSettings,{SYSTEM_DN}", msDFSR_Flags=None)
    return world.add(f"CN={name},CN=NTFRS Subscriptions,{machine}", "nTFRSSubscriber")


CASES: list[Case] = [
    (servers.controller_objects_consistent, lambda w: w.put(CONTROLLER, userAccountControl=0x2000), NOT_MET, (1,), "DC1$"),
    (servers.controller_objects_consistent, lambda w: w.put(CONTROLLER, userAccountControl=0x92000), MET, (), ""),
    (servers.controller_objects_consistent, lambda w: w.drop(f"CN=NTDS Settings,{SERVER}"), NOT_MET, (1,), "DC1$"),
    (servers.controller_objects_consistent, lambda w: w.drop(SERVER), NOT_MET, (1,), "DC1$"),
    (servers.controller_objects_consistent, lambda w: w.without(CONFIG), UNDETERMINED, (1,), ""),
    (servers.controller_objects_consistent, lambda w: w.put(CONTROLLER, userAccountControl=0x2000).without(CONFIG), NOT_MET, (1,), "DC1$"),
    (servers.controller_objects_consistent, lambda w: w.drop(CONTROLLER), UNDETERMINED, (1,), ""),
    # the settings of a read-only controller have a class of their own, which no other has
    (servers.controller_objects_consistent, lambda w: distant(w, "nTDSDSARO"), MET, (), ""),
    (servers.controller_objects_consistent, lambda w: distant(w), NOT_MET, (1,), "RODC1$"),
    (servers.controller_objects_consistent, lambda w: distant(w, "nTDSDSARO").put(READER, userAccountControl=0x1001000), NOT_MET, (1,), "RODC1$"),
    (servers.controller_objects_consistent, lambda w: w.add(f"CN=NTDS Settings,{SERVER}", "nTDSDSA", "nTDSDSARO", msDS_Behavior_Version=7), NOT_MET, (1,), "DC1$"),
    # its settings tell the highest level that its Windows knows
    (servers.controller_objects_consistent, lambda w: w.put(f"CN=NTDS Settings,{SERVER}", msDS_Behavior_Version=6), NOT_MET, (1,), "DC1$"),
    (servers.controller_objects_consistent, lambda w: w.put(f"CN=NTDS Settings,{SERVER}", msDS_Behavior_Version=None), NOT_MET, (1,), "DC1$"),
    (servers.controller_objects_consistent, lambda w: w.put(CONTROLLER, operatingSystem="Windows Server® 2025 Standard").put(f"CN=NTDS Settings,{SERVER}", msDS_Behavior_Version=10), MET, (), ""),
    (servers.controller_objects_consistent, lambda w: w.put(CONTROLLER, operatingSystem="Windows Server 2008 R2 Standard").put(f"CN=NTDS Settings,{SERVER}", msDS_Behavior_Version=4), MET, (), ""),
    (servers.controller_objects_consistent, lambda w: w.put(CONTROLLER, operatingSystem="Samba").put(f"CN=NTDS Settings,{SERVER}", msDS_Behavior_Version=4), MET, (), ""),
    (servers.controller_objects_consistent, lambda w: w.unreadable("msDS-Behavior-Version"), MET, (), ""),
    (servers.controllers_supported, lambda w: w.put(CONTROLLER, operatingSystem="Windows Server 2012 R2 Standard"), NOT_MET, (1,), "DC1$"),
    (servers.controllers_supported, lambda w: w.put(CONTROLLER, operatingSystem="Windows Server 2016 Standard"), MET, (), ""),
    (servers.controllers_supported, lambda w: w.put(CONTROLLER, operatingSystem="Samba"), UNDETERMINED, (1,), ""),
    (servers.controllers_supported, lambda w: setattr(w, "feeds", {}), UNDETERMINED, (1,), ""),
    (servers.controllers_encrypt_with_aes, lambda w: w.put(CONTROLLER, msDS_SupportedEncryptionTypes=31), NOT_MET, (2, 4), "DC1$"),
    (servers.controllers_encrypt_with_aes, lambda w: w.put(CONTROLLER, msDS_SupportedEncryptionTypes=4), NOT_MET, (3, 4), "DC1$"),
    (servers.controllers_encrypt_with_aes, lambda w: w.put(CONTROLLER, msDS_SupportedEncryptionTypes=28), NOT_MET, (4,), "DC1$"),
    (servers.controllers_encrypt_with_aes, lambda w: w.put(CONTROLLER, msDS_SupportedEncryptionTypes=None), UNDETERMINED, (3, 4), ""),
    (servers.controllers_encrypt_with_aes, lambda w: w.put(PC, msDS_SupportedEncryptionTypes=31), MET, (), ""),
    (servers.server_passwords_renewed_in_a_quarter, lambda w: w.put(SRV, pwdLastSet=ago(91)), NOT_MET, (2,), "SRV1$"),
    (servers.server_passwords_renewed_in_a_quarter, lambda w: w.put(SRV, pwdLastSet=ago(89)), MET, (), ""),
    (servers.server_passwords_renewed_in_a_quarter, lambda w: w.put(SRV, pwdLastSet=ago(91), userAccountControl=0x1002), MET, (), ""),
    (servers.server_passwords_renewed_in_a_quarter, lambda w: w.put(PC, pwdLastSet=ago(91)), MET, (), ""),
    (servers.server_passwords_renewed_in_a_quarter, lambda w: cluster(w, 400), MET, (), ""),
    # a node of a cluster is a server like any other; what a cluster serves is not
    (servers.server_passwords_renewed_in_a_quarter, lambda w: w.put(SRV, pwdLastSet=ago(91), servicePrincipalName=["HOST/SRV1", "MSServerClusterMgmtAPI/SRV1"]), NOT_MET, (2,), "SRV1$"),
    (servers.server_passwords_renewed_in_a_quarter, lambda w: w.put(SRV, pwdLastSet=ago(91), servicePrincipalName=["MSClusterVirtualServer/SRV1"]), MET, (), ""),
    (servers.server_passwords_renewed_in_a_quarter, lambda w: w.put(SRV, pwdLastSet=None), UNDETERMINED, (2,), ""),
    (servers.server_passwords_renewed, lambda w: w.put(SRV, pwdLastSet=ago(46)), NOT_MET, (3,), "SRV1$"),
    (servers.server_passwords_renewed, lambda w: w.put(SRV, pwdLastSet=ago(44)), MET, (), ""),
    (servers.server_passwords_renewed, lambda w: w.put(SRV, pwdLastSet=0), UNDETERMINED, (3,), ""),
    (servers.server_passwords_renewed, lambda w: w.put(SRV, pwdLastSet=0, whenCreated=dated(5)), MET, (), ""),
    (servers.server_passwords_renewed, lambda w: w.put(SRV, pwdLastSet=0x7FFFFFFFFFFFFFFF), UNDETERMINED, (3,), ""),
    (servers.server_passwords_renewed, lambda w: w.put(SRV, pwdLastSet=-1), UNDETERMINED, (3,), ""),
    (servers.server_passwords_renewed, lambda w: w.unasked.add("operatingSystem"), UNDETERMINED, (3,), ""),
    (servers.servers_active, lambda w: w.put(SRV, lastLogonTimestamp=ago(105)), NOT_MET, (3,), "SRV1$"),
    (servers.servers_active, lambda w: w.put(SRV, lastLogonTimestamp=ago(91)), NOT_MET, (3,), "SRV1$"),
    (servers.servers_active, lambda w: w.put(SRV, lastLogonTimestamp=ago(89)), MET, (), ""),
    (servers.servers_active, lambda w: w.put(SRV, lastLogonTimestamp=ago(91), userAccountControl=0x1002), MET, (), ""),
    (servers.servers_active, lambda w: w.unreadable("lastLogonTimestamp"), UNDETERMINED, (3,), ""),
    (servers.servers_active, lambda w: w.put(SRV, lastLogonTimestamp=None), NOT_MET, (3,), "SRV1$"),
    (servers.servers_active, lambda w: w.put(SRV, lastLogonTimestamp=None, whenCreated=dated(5)), MET, (), ""),
    (servers.servers_active, lambda w: w.cut_at(BASE), UNDETERMINED, (3,), ""),
    (servers.cluster_passwords_renewed, lambda w: cluster(w, 1096), NOT_MET, (2,), "GRAPPE$"),
    (servers.cluster_passwords_renewed, lambda w: cluster(w, 1094), MET, (), ""),
    (servers.cluster_passwords_renewed, lambda w: w.unreadable("servicePrincipalName"), UNDETERMINED, (2,), ""),
    (servers.managed_account_passwords_renewed, lambda w: w.put(MANAGED, pwdLastSet=ago(91)), NOT_MET, (2,), "gmsa-pacs$"),
    (servers.managed_account_passwords_renewed, lambda w: w.put(MANAGED, pwdLastSet=ago(89)), MET, (), ""),
    (servers.managed_account_passwords_renewed, lambda w: w.put(MANAGED, pwdLastSet=None), UNDETERMINED, (2,), ""),
    (servers.service_accounts_encrypt_with_aes, lambda w: w.put(USER, servicePrincipalName="http/ris"), NOT_MET, (3,), "Hélène"),
    (servers.service_accounts_encrypt_with_aes, lambda w: w.put(USER, servicePrincipalName="http/ris", msDS_SupportedEncryptionTypes=27), NOT_MET, (3,), "Hélène"),
    (servers.service_accounts_encrypt_with_aes, lambda w: w.put(USER, servicePrincipalName="http/ris", msDS_SupportedEncryptionTypes=28), MET, (), ""),
    (servers.service_accounts_encrypt_with_aes, lambda w: w.unreadable("servicePrincipalName"), UNDETERMINED, (3,), ""),
    (servers.sysvol_replicated_by_dfsr, ntfrs, NOT_MET, (2,), "SYSVOL"),
    (servers.sysvol_replicated_by_dfsr, lambda w: ntfrs(w).put(f"CN=DFSR-GlobalSettings,{SYSTEM_DN}", msDFSR_Flags=48), MET, (), ""),
    (servers.sysvol_replicated_by_dfsr, lambda w: ntfrs(w).put(f"CN=DFSR-GlobalSettings,{SYSTEM_DN}", msDFSR_Flags=16), NOT_MET, (2,), "SYSVOL"),
    (servers.sysvol_replicated_by_dfsr, lambda w: w.drop(REPLICATION, f"CN=DFSR-GlobalSettings,{SYSTEM_DN}"), NOT_MET, (2,), ""),
    (servers.sysvol_replicated_by_dfsr, lambda w: w.drop(REPLICATION, f"CN=DFSR-GlobalSettings,{SYSTEM_DN}").cut_at(BASE), UNDETERMINED, (2,), ""),
    (servers.sysvol_replicated_by_dfsr, lambda w: ntfrs(w).cut_at(BASE), NOT_MET, (2,), "SYSVOL"),
    (servers.sysvol_replicated_by_dfsr, lambda w: ntfrs(w).drop(f"CN=DFSR-GlobalSettings,{SYSTEM_DN}").cut_at(BASE), UNDETERMINED, (2,), ""),
    (servers.sysvol_replicated_by_dfsr, lambda w: subscribed(w, "Domain System Volume (SYSVOL share)", CONTROLLER), NOT_MET, (2,), "Domain System Volume"),
    (servers.sysvol_replicated_by_dfsr, lambda w: subscribed(w, "Public|Documents", CONTROLLER), MET, (), ""),
    (servers.sysvol_replicated_by_dfsr, lambda w: subscribed(w, "SYSVOL d'essai", SRV), MET, (), ""),
    (servers.domain_preparation_complete, lambda w: w.put(PREPARED, revision=15), NOT_MET, (2,), "ActiveDirectoryUpdate"),
    (servers.domain_preparation_complete, lambda w: w.put(PREPARED, revision=14), MET, (), ""),
    (servers.domain_preparation_complete, lambda w: w.drop(PREPARED), NOT_APPLICABLE, (), ""),
    (servers.domain_preparation_complete, lambda w: w.put(PREPARED, revision=None), UNDETERMINED, (2,), ""),
    # read-only controllers
    (rodc.read_only_controllers_never_reveal, reader, MET, (), ""),
    (rodc.read_only_controllers_never_reveal, lambda w: reader(w, msDS_NeverRevealGroup=w.dn(572)), NOT_MET, (3,), "RODC1$"),
    (rodc.read_only_controllers_never_reveal, lambda w: w.cut_at(BASE), UNDETERMINED, (3,), ""),
    (rodc.read_only_controllers_never_reveal, lambda w: reader(w).unasked.add("msDS-NeverRevealGroup"), UNDETERMINED, (3,), ""),
    (rodc.read_only_controllers_reveal_nobody_privileged, reader, MET, (), ""),
    (rodc.read_only_controllers_reveal_nobody_privileged, lambda w: reader(w, msDS_RevealOnDemandGroup=w.dn(512)), NOT_MET, (3,), "RODC1$"),
    (rodc.read_only_controllers_reveal_nobody_privileged, lambda w: reader(w, msDS_RevealOnDemandGroup=w.dn(1102)), MET, (), ""),
    (rodc.read_only_controllers_reveal_nobody_privileged, lambda w: reader(w).cut_at(BASE), UNDETERMINED, (3,), ""),
    (rodc.read_only_controllers_hold_no_privileged_secret, lambda w: revealed(w, f"CN=adm-élodie,OU=Médecins,{BASE}"), NOT_MET, (2,), "adm-élodie"),
    (rodc.read_only_controllers_hold_no_privileged_secret, lambda w: revealed(w, USER), MET, (), ""),
    (rodc.read_only_controllers_hold_no_privileged_secret, lambda w: reader(w).unasked.add("msDS-RevealedUsers"), UNDETERMINED, (2,), ""),
    (rodc.read_only_controllers_reveal_nobody_privileged, lambda w: reader(w, msDS_RevealOnDemandGroup=f"CN=x,DC=autre,{BASE}"), UNDETERMINED, (3,), ""),
    (rodc.read_only_controllers_reveal_nobody_privileged, lambda w: reader(everyone(w), msDS_RevealOnDemandGroup=EVERYONE_DN), NOT_MET, (3,), "RODC1$"),
    (rodc.read_only_controllers_hold_no_privileged_secret, lambda w: revealed(w.user("a:b", 1150), f"CN=a:b,OU=Médecins,{BASE}").join(512, f"CN=a:b,OU=Médecins,{BASE}"), NOT_MET, (2,), "a:b"),
    (rodc.allowed_replication_group_empty, lambda w: w.join(571, USER), NOT_MET, (3,), "Hélène"),
    # a group counts as one member, whoever is in it; so does somebody of a domain that was not read
    (rodc.allowed_replication_group_empty, lambda w: w.join(571, w.dn(1102)), NOT_MET, (3,), "G-Médecins"),
    (rodc.allowed_replication_group_empty, lambda w: w.join(571, "CN=x,DC=autre,DC=test"), NOT_MET, (3,), "x"),
    (rodc.allowed_replication_group_empty, lambda w: w.drop(w.dn(571)), NOT_APPLICABLE, (), ""),
    (rodc.allowed_replication_group_empty, lambda w: w.unreadable("member"), UNDETERMINED, (3,), ""),
    (rodc.denied_replication_group_whole, lambda w: w.put(w.dn(572), member=[w.dn(512)]), NOT_MET, (3,), "RODC refusés"),
    (rodc.denied_replication_group_whole, lambda w: w.put(w.dn(572), member=[w.dn(512), f"CN=x,DC=autre,{BASE}"]), UNDETERMINED, (3,), ""),
    (rodc.denied_replication_group_whole, lambda w: w.join(572, USER), MET, (), ""),
    (rodc.read_only_controller_keys_in_use, reader, MET, (), ""),
    (rodc.read_only_controller_keys_in_use, lambda w: reader(w, msDS_KrbTgtLink=None), NOT_MET, (3,), "krbtgt_1"),
    (rodc.read_only_controller_keys_in_use, lambda w: w.cut_at(BASE), UNDETERMINED, (3,), ""),
    (rodc.read_only_controller_keys_in_use, lambda w: reader(w, msDS_KrbTgtLink=None).unasked.add("msDS-KrbTgtLink"), UNDETERMINED, (3,), ""),
    (pre_windows_2000_default, lambda w: w.join("S-1-5-32-554", w.dn(515)), NOT_MET, (3,), "Ordinateurs du domaine"),
    (pre_windows_2000_default, lambda w: everyone(w).join("S-1-5-32-554", EVERYONE_DN), NOT_MET, (3,), "Everyone"),
    (pre_windows_2000_default, lambda w: w.unreadable("member"), UNDETERMINED, (3,), ""),
    (anonymous_outside_pre_windows_2000, lambda w: w.join("S-1-5-32-554", foreigner(w, "S-1-5-7")), NOT_MET, (2,), "ANONYMOUS LOGON"),
    (anonymous_outside_pre_windows_2000, lambda w: w.unreadable("member"), UNDETERMINED, (2,), ""),
    (sid_history_harmless, lambda w: w.put(w.dn(1102), sIDHistory=sid_bytes("S-1-5-21-9-9-9-519")), NOT_MET, (2,), "G-Médecins"),
    (sid_history_harmless, lambda w: w.put(w.dn(1102), sIDHistory=sid_bytes("S-1-5-21-9-9-9-1519")), MET, (), ""),
    (sid_history_empty, lambda w: w.put(w.dn(1102), sIDHistory=sid_bytes("S-1-5-21-9-9-9-1519")), NOT_MET, (3,), "G-Médecins"),
    # an export may write an attribute without a value: that is none
    (sid_history_empty, lambda w: w.put(USER, sIDHistory=b""), MET, (), ""),
    (delegation_not_to_controllers, lambda w: w.put(SRV, msDS_AllowedToDelegateTo=b""), MET, (), ""),
    (resource_delegation_not_on_controllers, lambda w: w.put(CONTROLLER, msDS_AllowedToActOnBehalfOfOtherIdentity=b""), MET, (), ""),
    (rodc.read_only_controller_keys_in_use, lambda w: w.put(USER, msDS_SecondaryKrbTgtNumber=b""), NOT_APPLICABLE, (), ""),
    (rodc.allowed_replication_group_empty, lambda w: w.put(w.dn(571), member=b""), MET, (), ""),
    (servers.service_accounts_encrypt_with_aes, lambda w: w.put(USER, servicePrincipalName=b""), MET, (), ""),
    (delegation_not_to_controllers, lambda w: w.put(SRV, msDS_AllowedToDelegateTo="ldap/dc1.ad.test/ad.test"), NOT_MET, (1,), "SRV1$"),
    (delegation_not_to_controllers, lambda w: w.unasked.add("msDS-AllowedToDelegateTo"), UNDETERMINED, (1,), ""),
    (resource_delegation_not_on_controllers, lambda w: w.unasked.add("msDS-AllowedToActOnBehalfOfOtherIdentity"), UNDETERMINED, (1,), ""),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=label)
def test_servers(case: Case) -> None:
    check(case)


def test_a_level_that_was_seen_to_fail_leaves_the_others_open() -> None:
    second = {"objectSid": sid_bytes(sid(1001)), "primaryGroupID": 516, "userAccountControl": 0x82000}

    def change(world: World) -> None:
        world.put(CONTROLLER, msDS_SupportedEncryptionTypes=28)
        world.computer("DC2", 1001, msDS_SupportedEncryptionTypes=None)
        world.put(f"CN=DC2,CN=Computers,{BASE}", **second)  # type: ignore[arg-type]

    verdict = judged(servers.controllers_encrypt_with_aes, change)
    assert (verdict.outcome, verdict.levels, verdict.open_levels) == (NOT_MET, (4,), (3,))


@pytest.mark.parametrize(
    ("rule", "dn", "days", "confidence"),
    [
        (controllers_active, CONTROLLER, 58, Confidence.PROBABLE),
        (controllers_active, CONTROLLER, 60, None),
        (servers.servers_active, SRV, 103, Confidence.PROBABLE),
        (servers.servers_active, SRV, 105, None),
    ],
)
def test_a_silence_that_the_attribute_s_lag_could_explain_is_probable(
    rule: Rule, dn: str, days: int, confidence: Confidence | None
) -> None:
    verdict = judged(rule, lambda w: w.put(dn, lastLogonTimestamp=ago(days)))
    assert (verdict.outcome, verdict.confidence) == (NOT_MET, confidence)
