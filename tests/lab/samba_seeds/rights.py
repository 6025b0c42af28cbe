"""Faults of rights: a principal of no privilege who holds a control right on what matters."""

from __future__ import annotations

from collections.abc import Callable

from tests.lab.samba_seeds.planting import Ground, Plant, Planted, planted

GET_CHANGES = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2"
GET_CHANGES_ALL = "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"
RESET_PASSWORD = "00299570-246d-11d0-a768-00aa006e0529"
GP_LINK = "f30e3bbe-9ff0-11d1-b603-0000f80367c1"
CONTROLLERS_POLICY = "{6AC1786C-016F-11D2-945F-00C04FB984F9}"


def control(label: str, where: Callable[[Ground], str], ace: str = "(A;;WD;;;{0})") -> Plant:
    """Return the seed of a control right on an object; nearly: someone who may only read it."""

    def plant(ground: Ground) -> Planted:
        dn = where(ground)
        faulty, near = ground.user(f"droit-{label}"), ground.user(f"lecture-{label}")
        ground.allow(dn, ace.format(ground.sid_of(faulty)), f"(A;;RPLCRC;;;{ground.sid_of(near)})")
        return {**planted(ground.sids(faulty), ground.sids(near)), "on": [dn]}

    return plant


def dcsync(ground: Ground) -> Planted:
    both, half = ground.user("droit-dcsync"), ground.user("droit-dcsync-moitie")
    for right in (GET_CHANGES, GET_CHANGES_ALL):
        ground.allow(ground.domain, f"(OA;;CR;{right};;{ground.sid_of(both)})")
    ground.allow(ground.domain, f"(OA;;CR;{GET_CHANGES};;{ground.sid_of(half)})")
    return {**planted(ground.sids(both), ground.sids(half)), "on": [ground.domain]}


def backup_key(ground: Ground) -> str:
    dn = f"CN=BCKUPKEY_LAB Secret,CN=System,{ground.domain}"
    return dn if ground.exists(dn) else ground.add(dn, "secret", controls=["relax:0"])


def sysvol_replication(ground: Ground) -> str:
    dn = f"CN=Domain System Volume,CN=DFSR-GlobalSettings,CN=System,{ground.domain}"
    if not ground.exists(dn):
        parent = dn.partition(",")[2]
        if not ground.exists(parent):
            ground.add(parent, "msDFSR-GlobalSettings")
        ground.add(dn, "msDFSR-ReplicationGroup", msDFSR_ReplicationGroupType="1")
    return dn


def root_key(ground: Ground) -> str:
    keys = f"CN=Master Root Keys,CN=Group Key Distribution Service,CN=Services,{ground.configuration}"
    return ground.add(
        f"CN=3f1f2a52-4a0e-4c0f-9f0e-1d2c3b4a5968,{ground.container(keys)}",
        "msKds-ProvRootKey",
        controls=["relax:0"],
        msKds_Version="1",
        msKds_CreateTime="133000000000000000",
        msKds_UseStartTime="133000000000000000",
        msKds_DomainID=ground.controller,
        msKds_KDFAlgorithmID="SP800_108_CTR_HMAC",
        msKds_SecretAgreementAlgorithmID="DH",
        msKds_PublicKeyLength="2048",
        msKds_PrivateKeyLength="512",
        msKds_RootKeyData=b"PLANTED-SECRET-rootkey".ljust(64, b"."),
    )


def privileged_user(ground: Ground) -> str:
    return ground.user("adm-cible", privileged=True)


def owner(ground: Ground) -> Planted:
    intruder = ground.sid_of(ground.user("proprietaire"))
    faulty, near = ground.user("possede"), ground.user("possede-par-admins")
    for dn, sid in ((faulty, intruder), (near, "DA")):
        ground.descriptors.modify_sd_on_dn(dn, f"O:{sid}G:DAD:(A;;GA;;;SY)", controls=["sd_flags:1:1"])
    return planted(ground.sids(faulty), ground.sids(near))


FAULTS: dict[str, Plant] = {
    "vuln_permissions_naming_context": dcsync,
    "vuln_permissions_adminsdholder": control("adminsdholder", lambda g: f"CN=AdminSDHolder,CN=System,{g.domain}"),
    "vuln_permissions_dc": control("dc", lambda g: g.controller),
    "vuln_permissions_dpapi": control("dpapi", backup_key),
    "vuln_permissions_dfsr_sysvol": control("dfsr", sysvol_replication),
    "vuln_permissions_gmsa_keys": control("kds", root_key),
    "vuln_permissions_schema": control("schema", lambda g: f"CN=User,{g.schema}"),
    "vuln_permissions_msdns": control("msdns", lambda g: f"CN=MicrosoftDNS,CN=System,{g.domain}", "(A;;WP;;;{0})"),
    "vuln_permissions_gpo_priv": control("gpo", lambda g: f"CN={CONTROLLERS_POLICY},CN=Policies,CN=System,{g.domain}"),
    "vuln_permissions_gpo_container_priv": control(
        "ou", lambda g: f"OU=Domain Controllers,{g.domain}", f"(OA;;WP;{GP_LINK};;{{0}})"
    ),
    "vuln_privileged_members_perm": control("membre", privileged_user, f"(OA;;CR;{RESET_PASSWORD};;{{0}})"),
    "vuln_owner": owner,
}
