"""Privileged accounts as a whole, and what weakens a domain beside ANSSI's points."""

# ruff: noqa: E501 (tables of examples: one line each)

from __future__ import annotations

import pytest

from probes.facts.identifiers import sid_bytes
from rules.catalogue import directory_accounts as accounts
from rules.catalogue import directory_hygiene as hygiene
from rules.catalogue import directory_privileged as privileged
from rules.interface import Confidence
from tests.lab import descriptors as d
from tests.lab.healthy import ADMIN, CONTROLLER, DOMAIN_POLICY, HOLDER, MANAGED, PASSWORD_SETTINGS, USER
from tests.lab.synthetic import BASE, CONFIG, SCHEMA, SILO, YEAR, World, ago, dated, sid
from tests.rules.directory_cases import MET, NOT_APPLICABLE, NOT_MET, UNDETERMINED, Case, check, judged, label

PATRON, UNIT = f"CN=Patron,OU=Médecins,{BASE}", f"OU=Médecins,{BASE}"
PC, SRV = f"CN=PC1,CN=Computers,{BASE}", f"CN=SRV1,CN=Computers,{BASE}"
FINE = f"CN=Admins,{PASSWORD_SETTINGS}"
DELEGATED, USERS = "0feb936f-47b3-49f2-9386-1dedc2c23765", "bf967aba-0de6-11d0-a285-00aa003049e2"
MEMBERS = "adm-élodie, Patron"


def fine(world: World, length: int, *dns: str, years: int = 1) -> World:
    world.add(FINE, "msDS-PasswordSettings", msDS_MinimumPasswordLength=length, msDS_MaximumPasswordAge=-years * YEAR)
    world.put(FINE, whenChanged=dated(60))
    for dn in dns:
        world.put(dn, msDS_ResultantPSO=FINE)
    return world


def linked(world: World, length: int, *dns: str, name: str = "Admins", order: int = 1) -> World:
    """A fine-grained policy linked to accounts or groups, as an export tells it."""
    dn = f"CN={name},{PASSWORD_SETTINGS}"
    world.add(dn, "msDS-PasswordSettings", msDS_MinimumPasswordLength=length, msDS_MaximumPasswordAge=-YEAR)
    return world.put(dn, whenChanged=dated(60), msDS_PSOAppliesTo=dns, msDS_PasswordSettingsPrecedence=order)


def managed_admin(world: World) -> World:
    return world.join(512, MANAGED)


def another_domain(world: World) -> World:
    """A domain of the forest that was not read."""
    parts = f"CN=Partitions,{CONFIG}"
    return world.add(f"CN=CH,{parts}", "crossRef", nCName=f"DC=ch,{BASE}", dnsRoot="ch.ad.test", nETBIOSName="CH")


def loop(world: World, *names: str) -> World:
    """Groups that are members of the next, and the last of the first."""
    dns = [f"CN={name},CN=Users,{BASE}" for name in names]
    for n, name in enumerate(names):
        world.group(name, 3000 + n, dns[(n + 1) % len(dns)])
    return world


def diamond(world: World) -> World:
    top, left, right = (f"CN={n},CN=Users,{BASE}" for n in ("haut", "gauche", "droite"))
    return (
        world.group("haut", 3000).group("gauche", 3001, top).group("droite", 3002, top).group("bas", 3003, left, right)
    )


CASES: list[Case] = [
    (privileged.privileged_password_policy_strong, lambda w: w.put(BASE, minPwdLength=7), NOT_MET, (2,), MEMBERS),
    (privileged.privileged_password_policy_strong, lambda w: w.put(BASE, minPwdLength=8), MET, (), ""),
    (privileged.privileged_password_policy_strong, lambda w: w.put(BASE, maxPwdAge=-(1 << 63)), NOT_MET, (2,), MEMBERS),
    (privileged.privileged_password_policy_strong, lambda w: w.put(BASE, maxPwdAge=-4 * YEAR), NOT_MET, (2,), MEMBERS),
    (privileged.privileged_password_policy_strong, lambda w: fine(w.put(BASE, minPwdLength=7), 15, ADMIN), NOT_MET, (2,), "Patron"),
    (privileged.privileged_password_policy_strong, lambda w: fine(w.put(BASE, minPwdLength=7), 15, ADMIN, PATRON), MET, (), ""),
    (privileged.privileged_password_policy_strong, lambda w: fine(w, 6, ADMIN), NOT_MET, (2,), "adm-élodie"),
    (privileged.privileged_password_policy_strong, lambda w: w.drop(PASSWORD_SETTINGS), UNDETERMINED, (2,), ""),
    (privileged.privileged_password_policy_strong, lambda w: w.drop(PASSWORD_SETTINGS).put(BASE, minPwdLength=7), UNDETERMINED, (2,), ""),
    # an export has no resultant policy: it is made out of the links, one's own before one's groups', the lowest first
    (privileged.privileged_password_policy_strong, lambda w: linked(w.put(BASE, minPwdLength=7), 15, ADMIN), NOT_MET, (2,), "Patron"),
    (privileged.privileged_password_policy_strong, lambda w: linked(w.put(BASE, minPwdLength=7), 15, w.dn(512)), MET, (), ""),
    (privileged.privileged_password_policy_strong, lambda w: linked(linked(w, 6, w.dn(512)), 15, ADMIN, name="Autre", order=9), NOT_MET, (2,), "Patron"),
    (privileged.privileged_password_policy_strong, lambda w: linked(linked(w, 6, w.dn(512), order=2), 15, w.dn(512), name="Autre"), MET, (), ""),
    (privileged.privileged_password_policy_strong, lambda w: managed_admin(w.put(BASE, minPwdLength=7)), NOT_MET, (2,), MEMBERS),
    (privileged.privileged_accounts_in_silo, lambda w: w.put(ADMIN, msDS_AssignedAuthNPolicySilo=None), NOT_MET, (4,), "adm-élodie"),
    (privileged.privileged_accounts_in_silo, lambda w: w.put(SILO, msDS_AuthNPolicySiloEnforced=False), NOT_MET, (4,), MEMBERS),
    (privileged.privileged_accounts_in_silo, lambda w: w.put(SILO, msDS_AuthNPolicySiloMembers=[ADMIN]), NOT_MET, (4,), "Patron"),
    (privileged.privileged_accounts_in_silo, lambda w: w.put(USER, msDS_AssignedAuthNPolicySilo=None), MET, (), ""),
    (privileged.privileged_accounts_in_silo, lambda w: w.without(CONFIG), UNDETERMINED, (4,), ""),
    (privileged.smartcard_secrets_renewed, lambda w: w.put(BASE, msDS_ExpirePasswordsOnSmartCardOnlyAccounts=None), NOT_MET, (4,), "ad"),
    (privileged.smartcard_secrets_renewed, lambda w: w.put(BASE, msDS_ExpirePasswordsOnSmartCardOnlyAccounts=False), NOT_MET, (4,), "ad"),
    (privileged.smartcard_secrets_renewed, lambda w: w.put(BASE, msDS_ExpirePasswordsOnSmartCardOnlyAccounts=None, minPwdLength=None), UNDETERMINED, (4,), ""),
    (privileged.passwords_not_stored_in_clear, lambda w: w.put(BASE, pwdProperties=17), NOT_MET, (3,), "ad"),
    (privileged.passwords_not_stored_in_clear, lambda w: w.put(BASE, pwdProperties=9), MET, (), ""),
    (privileged.passwords_not_stored_in_clear, lambda w: w.put(BASE, pwdProperties=None), UNDETERMINED, (3,), ""),
    (privileged.critical_objects_readable, lambda w: w.unread(HOLDER), NOT_MET, (1,), "AdminSDHolder"),
    (privileged.critical_objects_readable, lambda w: w.drop(w.dn(519), w.dn(502)), NOT_MET, (1,), "RID 502, RID 519"),
    (privileged.critical_objects_readable, lambda w: w.unread(USER), MET, (), ""),
    (privileged.critical_objects_readable, lambda w: w.unread(HOLDER).cut_at(BASE), UNDETERMINED, (1,), ""),
    (privileged.privileged_descriptors_readable, lambda w: w.unread(ADMIN), NOT_MET, (3,), "adm-élodie"),
    (privileged.privileged_descriptors_readable, lambda w: w.unread(w.dn(518)), NOT_MET, (3,), "Administrateurs du schéma"),
    (privileged.privileged_descriptors_readable, lambda w: w.secured(ADMIN, raw=b"\1\0\4\x80"), NOT_MET, (3,), "adm-élodie"),
    (privileged.privileged_descriptors_readable, lambda w: w.unread(USER), MET, (), ""),
    (privileged.privileged_descriptors_readable, lambda w: w.cut_at(BASE), UNDETERMINED, (3,), ""),
    (privileged.groups_without_loop, lambda w: loop(w, "un", "deux", "trois"), NOT_MET, (4,), "un, deux, trois"),
    (privileged.groups_without_loop, lambda w: loop(w, "seul"), NOT_MET, (4,), "seul"),
    (privileged.groups_without_loop, diamond, MET, (), ""),
    (privileged.groups_without_loop, lambda w: w.unreadable("member"), UNDETERMINED, (4,), ""),
    (privileged.owners_standard, lambda w: w.secured(USER, owner=sid(2000)), NOT_MET, (3,), "Hélène"),
    (privileged.owners_standard, lambda w: w.secured(UNIT, owner=sid(2000)).secured(DOMAIN_POLICY, owner=sid(2000)), NOT_MET, (3,), "Médecins, {31B2F340-016D-11D2-945F-00C04FB984F9}"),
    (privileged.owners_standard, lambda w: w.secured(USER, owner=sid(2000)).put(USER, whenCreated=dated(6)), MET, (), ""),
    (privileged.owners_standard, lambda w: w.secured(USER, owner="S-1-5-18").secured(ADMIN, owner=sid(519)), MET, (), ""),
    (privileged.owners_standard, lambda w: w.secured(USER, owner="S-1-5-32-548"), NOT_MET, (3,), "Hélène"),
    (privileged.owners_standard, lambda w: w.unread(USER), UNDETERMINED, (3,), ""),
    # what the accounts' own table cannot make: policies that resolve, forests, malformed values
    (accounts.privileged_accounts_without_spn, lambda w: fine(w.put(ADMIN, servicePrincipalName="a/b", msDS_SupportedEncryptionTypes=24), 33, ADMIN), MET, (), ""),
    (accounts.privileged_accounts_without_spn, lambda w: fine(w.put(ADMIN, servicePrincipalName="a/b", msDS_SupportedEncryptionTypes=28), 33, ADMIN), NOT_MET, (1,), "adm-élodie"),
    (accounts.privileged_accounts_without_spn, lambda w: fine(w.put(ADMIN, servicePrincipalName="a/b", msDS_SupportedEncryptionTypes=24, pwdLastSet=ago(70)), 33, ADMIN), NOT_MET, (1,), "adm-élodie"),
    (accounts.accounts_preauthenticate, lambda w: fine(w.put(USER, userAccountControl=0x400200, msDS_SupportedEncryptionTypes=24), 33, USER), MET, (), ""),
    (accounts.privileged_accounts_without_spn, lambda w: linked(w.put(ADMIN, servicePrincipalName="a/b", msDS_SupportedEncryptionTypes=24), 33, ADMIN), MET, (), ""),
    (accounts.privileged_accounts_without_spn, lambda w: fine(w.put(ADMIN, servicePrincipalName="a/b", msDS_SupportedEncryptionTypes=0x80018), 33, ADMIN), MET, (), ""),
    (accounts.privileged_accounts_few, lambda w: w, MET, (), ""),
    (accounts.privileged_accounts_few, another_domain, UNDETERMINED, (1, 2), ""),
    (accounts.accounts_preauthenticate, lambda w: fine(w.put(USER, userAccountControl=0x400200), 33, USER), NOT_MET, (2,), "Hélène"),
    (accounts.privileged_accounts_without_spn, lambda w: w.unreadable("servicePrincipalName"), UNDETERMINED, (1,), ""),
    (accounts.sid_history_harmless, lambda w: w.put(USER, sIDHistory=b"\1\5\0"), UNDETERMINED, (2,), ""),
    (accounts.sid_history_harmless, lambda w: w.put(USER, sIDHistory=[b"\1\5\0", sid_bytes("S-1-5-21-9-9-9-512")]), NOT_MET, (2,), "Hélène"),
    (accounts.sid_history_empty, lambda w: w.put(USER, sIDHistory=b"\1\5\0"), NOT_MET, (3,), "Hélène"),
    (accounts.sid_history_empty, lambda w: w.put(w.dn(1102), sIDHistory=sid_bytes("S-1-5-21-9-9-9-1200")), NOT_MET, (3,), "G-Médecins"),
    (accounts.privileged_accounts_marked, lambda w: w.unreadable("adminCount"), UNDETERMINED, (2,), ""),
    (accounts.privileged_passwords_expire, lambda w: w.join(512, f"CN=x,DC=autre,{BASE}"), UNDETERMINED, (1,), ""),
    # beside the points
    (hygiene.passwords_required, lambda w: w.put(USER, userAccountControl=0x220), NOT_MET, (), "Hélène"),
    (hygiene.passwords_required, lambda w: w.put(USER, userAccountControl=0x222), MET, (), ""),
    (hygiene.passwords_not_reversible, lambda w: w.put(USER, userAccountControl=0x280), NOT_MET, (), "Hélène"),
    (hygiene.passwords_not_reversible, lambda w: w.put(ADMIN, userAccountControl=0x280), MET, (), ""),
    (hygiene.local_passwords_managed, lambda w: w.put(PC, msLAPS_PasswordExpirationTime=None), NOT_MET, (), "PC1$"),
    (hygiene.local_passwords_managed, lambda w: w.put(PC, msLAPS_PasswordExpirationTime=None, ms_Mcs_AdmPwdExpirationTime=ago(-9)), MET, (), ""),
    (hygiene.local_passwords_managed, lambda w: w.put(PC, msLAPS_PasswordExpirationTime=None, lastLogonTimestamp=ago(100)), MET, (), ""),
    (hygiene.local_passwords_managed, lambda w: w.drop(PC, SRV), NOT_APPLICABLE, (), ""),
    (hygiene.local_passwords_managed, lambda w: w.cut_at(BASE), UNDETERMINED, (), ""),
    (hygiene.computers_supported, lambda w: w.put(PC, operatingSystem="Windows 7 Professionnel", operatingSystemVersion="6.1 (7601)"), NOT_MET, (), "PC1$"),
    (hygiene.computers_supported, lambda w: w.put(PC, operatingSystem="Windows 7 Professionnel", lastLogonTimestamp=ago(200)), MET, (), ""),
    (hygiene.computers_supported, lambda w: w.put(PC, operatingSystem="Windows 3000"), UNDETERMINED, (), ""),
    (hygiene.password_policy_strong, lambda w: w.put(BASE, lockoutThreshold=0), NOT_MET, (), ""),
    (hygiene.password_policy_strong, lambda w: w.put(BASE, pwdProperties=0), NOT_MET, (), ""),
    (hygiene.password_policy_strong, lambda w: w.put(BASE, pwdProperties=None), UNDETERMINED, (), ""),
    (hygiene.fine_grained_policies_not_weaker, lambda w: fine(w, 8), NOT_MET, (), "Admins"),
    (hygiene.fine_grained_policies_not_weaker, lambda w: fine(w, 20), MET, (), ""),
    (hygiene.fine_grained_policies_not_weaker, lambda w: w.drop(PASSWORD_SETTINGS), UNDETERMINED, (), ""),
    (hygiene.admin_marks_current, lambda w: w.put(USER, adminCount=1), NOT_MET, (), "Hélène"),
    (hygiene.admin_marks_current, lambda w: w.put(USER, adminCount=1).join("S-1-5-32-551", USER), MET, (), ""),
    (hygiene.built_in_administrator_at_rest, lambda w: w.put(PATRON, lastLogonTimestamp=ago(3)), NOT_MET, (), "Patron"),
    (hygiene.built_in_administrator_at_rest, lambda w: w.put(PATRON, lastLogonTimestamp=ago(3), userAccountControl=0x202), MET, (), ""),
    (hygiene.built_in_administrator_at_rest, lambda w: w.drop(PATRON), UNDETERMINED, (), ""),
    (hygiene.operator_groups_empty, lambda w: w.join("S-1-5-32-551", USER), NOT_MET, (), "Opérateurs de sauvegarde"),
    (hygiene.operator_groups_empty, lambda w: w.drop(w.dn("S-1-5-32-551")), UNDETERMINED, (), ""),
    (hygiene.privileged_accounts_enabled, lambda w: w.put(ADMIN, userAccountControl=0x202), NOT_MET, (), "adm-élodie"),
    (hygiene.privileged_accounts_enabled, lambda w: w.put(USER, userAccountControl=0x202), MET, (), ""),
    (hygiene.privileged_accounts_without_script, lambda w: w.put(ADMIN, scriptPath="a.bat"), NOT_MET, (), "adm-élodie"),
    (hygiene.privileged_accounts_without_script, lambda w: w.put(USER, scriptPath="a.bat"), MET, (), ""),
    (hygiene.privileged_keys_known, lambda w: w.put(CONTROLLER, msDS_KeyCredentialLink=f"B:2:aa:{CONTROLLER}"), NOT_MET, (), "DC1$"),
    (hygiene.privileged_keys_known, lambda w: w.put(USER, msDS_KeyCredentialLink=f"B:2:aa:{USER}"), MET, (), ""),
    (hygiene.machines_joined_by_the_privileged, lambda w: w.put(PC, mS_DS_CreatorSID=sid_bytes(sid(1104))), NOT_MET, (), "PC1$"),
    (hygiene.machines_joined_by_the_privileged, lambda w: w.put(PC, mS_DS_CreatorSID=sid_bytes(sid(1105))), MET, (), ""),
    (hygiene.delegated_accounts_made_by_the_privileged, lambda w: w.allow(UNIT, sid(1104), d.CREATE, DELEGATED), NOT_MET, (), "Hélène"),
    (hygiene.delegated_accounts_made_by_the_privileged, lambda w: w.allow(UNIT, sid(1104), d.CREATE), NOT_MET, (), "Hélène"),
    (hygiene.delegated_accounts_made_by_the_privileged, lambda w: w.allow(UNIT, sid(1104), d.CREATE, USERS), MET, (), ""),
    (hygiene.delegated_accounts_made_by_the_privileged, lambda w: w.drop(f"CN=DMSA,{SCHEMA}"), NOT_APPLICABLE, (), ""),
    (hygiene.delegated_accounts_made_by_the_privileged, lambda w: w.without(SCHEMA), UNDETERMINED, (), ""),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=label)
def test_the_privileged_and_the_rest(case: Case) -> None:
    check(case)


def test_a_member_from_another_forest_is_named() -> None:
    far = f"CN=S-1-5-21-9-9-9-1200,CN=ForeignSecurityPrincipals,{BASE}"

    def change(world: World) -> None:
        world.add(far, "foreignSecurityPrincipal", objectSid=sid_bytes("S-1-5-21-9-9-9-1200"))
        world.join("S-1-5-32-544", far)

    verdict = judged(hygiene.privileged_groups_without_foreigners, change)
    assert [o.id for o in verdict.objects] == ["S-1-5-21-9-9-9-1200"]
    assert judged(hygiene.privileged_groups_without_foreigners).outcome is MET


def test_a_service_name_is_probable_while_policies_are_hidden() -> None:
    verdict = judged(
        accounts.privileged_accounts_without_spn,
        lambda w: w.put(ADMIN, servicePrincipalName="http/x").drop(PASSWORD_SETTINGS),
    )
    assert (verdict.outcome, verdict.confidence) == (NOT_MET, Confidence.PROBABLE)


def test_privileged_accounts_are_counted_once_by_name_for_level_1() -> None:
    def crowd(world: World, count: int) -> None:
        for n in range(count):
            world.user(f"adm-{n}", 5000 + n)
            world.join(512, f"CN=adm-{n},OU=Médecins,{BASE}")

    assert judged(accounts.privileged_accounts_few, lambda w: crowd(w, 49)).outcome is MET
    assert judged(accounts.privileged_accounts_few, lambda w: crowd(w, 50)).levels == (1, 2)
