"""Good practice beside ANSSI's points."""

# ruff: noqa: E501 (tables of examples: one line each)

from __future__ import annotations

import pytest

from probes.facts.identifiers import sid_bytes
from rules.catalogue import directory_enrolment as enrolment
from rules.catalogue import directory_practice as practice
from tests.lab import descriptors as d
from tests.lab.healthy import ADMIN, AUTHORITY, CONTROLLER, TEMPLATE, USER
from tests.lab.synthetic import AUTHENTICATED, BASE, CONFIG, EVERYONE, PKI, World, ago, sid
from tests.rules.directory_cases import MET, NOT_APPLICABLE, NOT_MET, UNDETERMINED, Case, check, label

PC, SECOND = f"CN=PC1,CN=Computers,{BASE}", f"CN=DC2,CN=Computers,{BASE}"
PARTITIONS = f"CN=Partitions,{CONFIG}"
LOGON = "1.3.6.1.5.5.7.3.2"
ENROLL, AGENT = "0e10c968-78fb-11d2-90d4-00c04f79dc55", "1.3.6.1.4.1.311.20.2.1"
PATRON, GROUP = f"CN=Patron,OU=Médecins,{BASE}", f"CN=G-Médecins,CN=Users,{BASE}"


def second(world: World, **changed: int) -> World:
    world.computer("DC2", 1001)
    world.put(SECOND, objectSid=sid_bytes(sid(1001)), primaryGroupID=516, userAccountControl=0x82000)
    return world.put(SECOND, **changed)


def open_to_all(world: World, *uses: str) -> World:
    world.put(TEMPLATE, pKIExtendedKeyUsage=list(uses))
    return world.allow(TEMPLATE, AUTHENTICATED, d.CONTROL, ENROLL)


def policy(world: World, *group: str) -> World:
    """An issuance policy of the template, linked to a group or to none."""
    world.add(f"CN=Politique,CN=OID,{PKI}", "msPKI-Enterprise-Oid", msPKI_Cert_Template_OID="1.2.3.4")
    world.put(f"CN=Politique,CN=OID,{PKI}", msDS_OIDToGroupLink=list(group) or None)
    return world.put(TEMPLATE, msPKI_Certificate_Policy="1.2.3.4")


CASES: list[Case] = [
    (practice.passwords_renewed, lambda w: w.put(USER, pwdLastSet=ago(1100)), NOT_MET, (), "Hélène"),
    (practice.passwords_renewed, lambda w: w.put(USER, pwdLastSet=ago(1090)), MET, (), ""),
    (practice.passwords_renewed, lambda w: w.put(USER, pwdLastSet=None), UNDETERMINED, (), ""),
    (practice.privileged_accounts_not_delegable, lambda w: w.put(w.dn(525), member=[PATRON]), NOT_MET, (), "adm-élodie"),
    (practice.privileged_accounts_not_delegable, lambda w: w.put(w.dn(525), member=[PATRON]).put(ADMIN, userAccountControl=0x100200), MET, (), ""),
    (practice.privileged_accounts_not_delegable, lambda w: w.put(ADMIN, userAccountControl=None), UNDETERMINED, (), ""),
    (practice.privileged_groups_without_machine, lambda w: w.join(512, PC), NOT_MET, (), "PC1$"),
    (practice.privileged_groups_without_machine, lambda w: w.join(1102, PC), MET, (), ""),
    (practice.privileged_groups_without_machine, lambda w: w.unreadable("member"), UNDETERMINED, (), ""),
    (practice.schema_admins_empty, lambda w: w.join(518, ADMIN), NOT_MET, (), "adm-élodie"),
    (practice.schema_admins_empty, lambda w: w, MET, (), ""),
    (practice.schema_admins_empty, lambda w: w.drop(w.dn(518)), NOT_APPLICABLE, (), ""),
    (practice.schema_admins_empty, lambda w: w.unreadable("member"), UNDETERMINED, (), ""),
    (practice.two_controllers_at_least, lambda w: w, NOT_MET, (), ""),
    (practice.two_controllers_at_least, second, MET, (), ""),
    (practice.two_controllers_at_least, lambda w: second(w, primaryGroupID=521), NOT_MET, (), ""),
    (practice.two_controllers_at_least, lambda w: w.cut_at(BASE), UNDETERMINED, (), ""),
    (practice.two_controllers_at_least, lambda w: w.drop(CONTROLLER), UNDETERMINED, (), ""),
    (practice.everybody_controls_nothing, lambda w: w.allow(USER, EVERYONE, d.WRITE_DACL), NOT_MET, (), "Hélène"),
    (practice.everybody_controls_nothing, lambda w: w.allow(GROUP, sid(513), d.WRITE), NOT_MET, (), "G-Médecins"),
    (practice.everybody_controls_nothing, lambda w: w.allow(PC, AUTHENTICATED, d.FULL).deny(PC, EVERYONE, d.FULL), MET, (), ""),
    (practice.everybody_controls_nothing, lambda w: w.allow(USER, sid(1102), d.FULL), MET, (), ""),
    (practice.everybody_controls_nothing, lambda w: w.unread(USER), UNDETERMINED, (), ""),
    (practice.deleted_objects_recoverable, lambda w: w, NOT_MET, (), ""),
    (practice.deleted_objects_recoverable, lambda w: w.put(PARTITIONS, msDS_EnabledFeature=f"CN=Recycle Bin Feature,CN=Optional Features,{CONFIG}"), MET, (), ""),
    (practice.deleted_objects_recoverable, lambda w: w.drop(PARTITIONS), UNDETERMINED, (), ""),
    (enrolment.templates_of_one_purpose, lambda w: open_to_all(w, "2.5.29.37.0"), NOT_MET, (), "Medecins"),
    (enrolment.templates_of_one_purpose, open_to_all, NOT_MET, (), "Medecins"),
    (enrolment.templates_of_one_purpose, lambda w: open_to_all(w, "1.3.6.1.5.5.7.3.2"), MET, (), ""),
    (enrolment.templates_of_one_purpose, lambda w: open_to_all(w).put(TEMPLATE, msPKI_Enrollment_Flag=2), MET, (), ""),
    (enrolment.templates_of_one_purpose, lambda w: open_to_all(w).unread(TEMPLATE), UNDETERMINED, (), ""),
    (enrolment.templates_of_one_purpose, lambda w: open_to_all(w).put(AUTHORITY, certificateTemplates=[]), NOT_APPLICABLE, (), ""),
    (enrolment.enrolment_agents_reserved, lambda w: open_to_all(w, AGENT), NOT_MET, (), "Medecins"),
    (enrolment.enrolment_agents_reserved, lambda w: w.put(TEMPLATE, pKIExtendedKeyUsage=AGENT), MET, (), ""),
    (enrolment.enrolment_agents_reserved, lambda w: w.cut_at(CONFIG), UNDETERMINED, (), ""),
    (enrolment.logon_certificates_bound, lambda w: open_to_all(w, LOGON).put(TEMPLATE, msPKI_Enrollment_Flag=0x80000), NOT_MET, (), "Medecins"),
    (enrolment.logon_certificates_bound, lambda w: open_to_all(w, LOGON), MET, (), ""),
    (enrolment.logon_certificates_bound, lambda w: open_to_all(w, "1.3.6.1.5.5.7.3.1").put(TEMPLATE, msPKI_Enrollment_Flag=0x80000), MET, (), ""),
    (enrolment.issuance_policies_without_group, lambda w: open_to_all(policy(w, w.dn(1102)), LOGON), NOT_MET, (), "Medecins"),
    (enrolment.issuance_policies_without_group, lambda w: open_to_all(policy(w), LOGON), MET, (), ""),
    (enrolment.issuance_policies_without_group, lambda w: policy(w, w.dn(1102)), MET, (), ""),
    (enrolment.old_templates_name_their_subject, lambda w: open_to_all(w, "1.3.6.1.5.5.7.3.1").put(TEMPLATE, msPKI_Template_Schema_Version=1, msPKI_Certificate_Name_Flag=1), NOT_MET, (), "Medecins"),
    (enrolment.old_templates_name_their_subject, lambda w: open_to_all(w, "1.3.6.1.5.5.7.3.1").put(TEMPLATE, msPKI_Template_Schema_Version=2, msPKI_Certificate_Name_Flag=1), MET, (), ""),
    (enrolment.old_templates_name_their_subject, lambda w: open_to_all(w).put(TEMPLATE, msPKI_Template_Schema_Version=1), MET, (), ""),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=label)
def test_practice(case: Case) -> None:
    check(case)
