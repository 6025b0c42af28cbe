"""Faults of computers and domain controllers."""

from __future__ import annotations

from tests.lab.samba_seeds.planting import (
    BYPASS,
    DISABLED,
    SERVER_TRUST,
    WORKSTATION,
    Ground,
    Plant,
    Planted,
    Value,
    days_ago,
    planted,
)

SERVER = "Windows Server 2019 Standard"


def old_server_password(days: int) -> Plant:
    """Return the seed of a server whose password is older; nearly: younger, disabled, or a workstation."""

    def plant(ground: Ground) -> Planted:
        def server(name: str, age: int, *, flags: int = 0, system: str = SERVER) -> str:
            return ground.computer(f"{name}{days}", password_days=age, flags=flags, operatingSystem=system)

        near = (
            server("SRVNEUF", days - 8),
            server("SRVCOUPE", days + 8, flags=DISABLED),
            server("POSTE", days + 8, system="Windows 11 Entreprise"),
        )
        faulty = server("SRVVIEUX", days + 8)
        if days > 45:
            ground.besides(faulty, near[0], points=["vuln_password_change_server_no_change_45"])
        return planted(ground.sids(faulty), ground.sids(*near))

    return plant


def silent_server(ground: Ground) -> Planted:
    faulty = ground.computer("SRVMUET", logon_days=120, operatingSystem=SERVER)
    return planted(
        ground.sids(faulty), ground.sids(ground.computer("SRVDISCRET", logon_days=60, operatingSystem=SERVER))
    )


def old_cluster_password(ground: Ground) -> Planted:
    faulty = ground.computer("GRAPPE1", password_days=1200, servicePrincipalName="MSServerCluster/GRAPPE1")
    near = ground.computer("GRAPPE2", password_days=1000, servicePrincipalName="MSServerCluster/GRAPPE2")
    return planted(ground.sids(faulty), ground.sids(near))


def old_managed_password(ground: Ground) -> Planted:
    dns = []
    for name, days in (("msa-vieux", 100), ("msa-neuf", 20)):
        dn = f"CN={name},CN=Managed Service Accounts,{ground.domain}"
        classes = "msDS-ManagedServiceAccount"
        ground.add(dn, classes, sAMAccountName=f"{name}$", userAccountControl=str(WORKSTATION))
        ground.put(dn, controls=BYPASS, userAccountControl=str(WORKSTATION))
        ground.aged(dn, days, 3)
        dns.append(dn)
    return planted(ground.sids(dns[0]), ground.sids(dns[1]))


def old_controller_password(ground: Ground) -> Planted:
    ground.aged(ground.controller, 60)
    return planted(ground.sids(ground.controller))


def silent_controller(ground: Ground) -> Planted:
    ground.put(ground.controller, controls=BYPASS, lastLogonTimestamp=days_ago(60))
    return planted(ground.sids(ground.controller))


def obsolete_controller(ground: Ground) -> Planted:
    ground.put(
        ground.controller, operatingSystem="Windows Server 2008 R2 Standard", operatingSystemVersion="6.1 (7601)"
    )
    near = ground.computer("SRV2008", operatingSystem="Windows Server 2008 R2 Standard")
    return planted(ground.sids(ground.controller), ground.sids(near))


def weak_controller_crypto(ground: Ground) -> Planted:
    ground.put(ground.controller, msDS_SupportedEncryptionTypes="31")
    near = ground.computer("SRVDES", msDS_SupportedEncryptionTypes="31")
    return planted(ground.sids(ground.controller), ground.sids(near))


def inconsistent_controller(ground: Ground) -> Planted:
    faulty = ground.computer("DCFANTOME")
    ground.join(ground.by_rid(516), faulty)
    ground.put(faulty, controls=BYPASS, primaryGroupID="516", userAccountControl=str(SERVER_TRUST))
    return planted(ground.sids(faulty), ground.sids(ground.controller))


def resource_delegation(ground: Ground) -> Planted:
    trusted = ground.sid_of(ground.computer("PIVOT"))
    blob = ground.descriptor(f"O:BAD:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;{trusted})")
    ground.put(ground.controller, msDS_AllowedToActOnBehalfOfOtherIdentity=blob)
    near = ground.computer("SRVRBCD", msDS_AllowedToActOnBehalfOfOtherIdentity=blob)
    return planted(ground.sids(ground.controller), ground.sids(near))


def read_only_controller(ground: Ground, name: str, **attributes: Value) -> str:
    """Return the DN of a read-only controller's account."""
    dn = ground.computer(name)
    ground.join(ground.by_rid(521), dn)
    ground.put(dn, controls=BYPASS, primaryGroupID="521", userAccountControl=str(0x5001000), **attributes)
    # no server object stands for it in the configuration
    ground.besides(dn, points=["vuln_dc_inconsistent_uac"])
    return dn


def _never(ground: Ground, *missing: str) -> list[str]:
    builtin = [
        f"CN={name},CN=Builtin,{ground.domain}"
        for name in ("Administrators", "Account Operators", "Server Operators", "Backup Operators")
        if name not in missing
    ]
    return [*builtin, ground.by_rid(572)]


def never_reveal(ground: Ground) -> Planted:
    faulty = read_only_controller(ground, "RODC1", msDS_NeverRevealGroup=_never(ground, "Backup Operators"))
    near = read_only_controller(ground, "RODC2", msDS_NeverRevealGroup=_never(ground))
    return planted(ground.sids(faulty), ground.sids(near))


def revealable(ground: Ground) -> Planted:
    never = _never(ground)
    site = ground.group("G-site-distant")
    faulty = read_only_controller(
        ground, "RODC3", msDS_RevealOnDemandGroup=[ground.by_rid(512)], msDS_NeverRevealGroup=never
    )
    near = read_only_controller(ground, "RODC4", msDS_RevealOnDemandGroup=[site], msDS_NeverRevealGroup=never)
    return planted(ground.sids(faulty), ground.sids(near))


def revealed(ground: Ground) -> Planted:
    faulty, near = ground.user("adm-revele", privileged=True), ground.user("usr-revele")
    values = [f"B:8:01020304:{dn}" for dn in (faulty, near)]
    read_only_controller(ground, "RODC5", msDS_NeverRevealGroup=_never(ground), msDS_RevealedUsers=values)
    return planted(ground.sids(faulty), ground.sids(near))


def denied_group(ground: Ground) -> Planted:
    group = ground.by_rid(572)
    ground.leave(group, ground.by_rid(517))
    return planted(ground.sids(group), ground.sids(ground.by_rid(571)))


def old_replication(ground: Ground) -> Planted:
    parent = ground.container(f"CN=File Replication Service,CN=System,{ground.domain}")
    faulty, near = (f"CN={name},{parent}" for name in ("Domain System Volume (SYSVOL share)", "Autre jeu"))
    ground.add(faulty, "nTFRSReplicaSet", fRSReplicaSetType="2")
    ground.add(near, "nTFRSReplicaSet", fRSReplicaSetType="4")
    ground.put(f"CN=DFSR-GlobalSettings,CN=System,{ground.domain}", msDFSR_Flags="16")
    return planted([faulty], [near])


FAULTS: dict[str, Plant] = {
    "vuln_password_change_server_no_change_90": old_server_password(90),
    "vuln_password_change_server_no_change_45": old_server_password(45),
    "vuln_password_change_inactive_servers": silent_server,
    "vuln_password_change_cluster_no_change_3years": old_cluster_password,
    "vuln_password_change_msa_no_change_90": old_managed_password,
    "vuln_password_change_dc_no_change": old_controller_password,
    "vuln_password_change_inactive_dc": silent_controller,
    "vuln_dc_obsolete": obsolete_controller,
    "vuln_dc_crypto": weak_controller_crypto,
    "vuln_dc_inconsistent_uac": inconsistent_controller,
    "vuln_delegation_sourcedeleg": resource_delegation,
    "vuln_rodc_never_reveal": never_reveal,
    "vuln_rodc_reveal": revealable,
    "vuln_rodc_priv_revealed": revealed,
    "vuln_rodc_denied_group": denied_group,
    "vuln_sysvol_ntfrs": old_replication,
}
