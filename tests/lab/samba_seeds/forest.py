"""Faults of the forest: trusts, settings, DNS zones, certificate services."""

from __future__ import annotations

from base64 import b64decode

from tests.lab.samba_seeds.planting import Ground, Plant, Planted, planted

#: Two authorities of a laboratory: P-256, and RSA of 1024 bits.
SOUND = b64decode(
    "MIIBDzCBtaADAgECAgEBMAoGCCqGSM49BAMCMBExDzANBgNVBAMMBkFDLUxBQjAeFw0yNjAxMDEwMDAwMDBaFw00NjAxMDEwMDAwMDBa"
    "MBExDzANBgNVBAMMBkFDLUxBQjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABK17Bn55prdS1ctsy74MTb9B7QHqEH/9ewHrrIemkgHC"
    "XIU4AXVGfbmAt8Z+53ScZgjX6j2M+e9v0E6zAzyG0ZwwCgYIKoZIzj0EAwIDSQAwRgIhAKOIOkJjGSwp3edD6LaauxlbMJBToZmTKMe4"
    "oOsOI37XAiEA+d32/sc8yZTTKFU5OWylYO87Z8oHXciaczw27TpY3C8="
)
WEAK = b64decode(
    "MIIBlTCB/6ADAgECAgEBMA0GCSqGSIb3DQEBCwUAMBExDzANBgNVBAMMBkFDLUxBQjAeFw0yNjAxMDEwMDAwMDBaFw00NjAxMDEwMDAw"
    "MDBaMBExDzANBgNVBAMMBkFDLUxBQjCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEAydYMy2x2XpXFkztU/OlMNDDQ2wRVhAWbIMG5"
    "nixnrR5D20syFDQu7JFUtv68I2ZJQlyZQOFDq/gh6XB451VCDX8P8JR/vJUgthhdfPgpWd3FVkw862k8QAEsrYWugJn6qnEEs56wm+ml"
    "GvXtFlSBVkEtp1G1z9ZBsBiiZWf196cCAwEAATANBgkqhkiG9w0BAQsFAAOBgQCxa9SQHIe2F3ZyE0ev0CA5rs0g+Hg2UVs3nZvR0pl+"
    "lZyLHuOWOSvP1FY28UnUvMlyPFphhlSax/kYRCiDxY8AilGv+LxgoF4Ek5Cu/M74ABVSN8CQRYG/pGgfP48/+QRxfozM5BltGlKkqECy"
    "QlLs1DjLYCwBgDJLE4z9+cnbvg=="
)
ENROLL = "0e10c968-78fb-11d2-90d4-00c04f79dc55"


def trust(ground: Ground, name: str, direction: int, attributes: int) -> str:
    """Return the DN of an uplevel trust with another domain."""
    last = sum(name.encode())
    return ground.add(
        f"CN={name},CN=System,{ground.domain}",
        "trustedDomain",
        controls=["relax:0", "provision:0"],
        trustPartner=name,
        flatName=name.partition(".")[0].upper(),
        trustDirection=str(direction),
        trustType="2",
        trustAttributes=str(attributes),
        securityIdentifier=ground.binary_sid(f"S-1-5-21-111-222-{last}"),
        trustAuthOutgoing=b"PLANTED-SECRET-trust",
    )


def unfiltered_trust(ground: Ground) -> Planted:
    near = trust(ground, "filtre.example", 2, 0x4), trust(ground, "entrant.example", 1, 0)
    return planted([trust(ground, "ouvert.example", 2, 0)], near)


def trust_with_history(ground: Ground) -> Planted:
    return planted([trust(ground, "historique.example", 3, 0x48)], [trust(ground, "foret.example", 3, 0x8)])


def trust_with_delegation(ground: Ground) -> Planted:
    return planted([trust(ground, "delegue.example", 1, 0x808)], [trust(ground, "sortant.example", 2, 0x808)])


def heuristics(ground: Ground) -> Planted:
    dn = f"CN=Directory Service,CN=Windows NT,CN=Services,{ground.configuration}"
    ground.put(dn, dSHeuristics="0000000101")
    return planted([dn])


def display_specifier(ground: Ground) -> Planted:
    parent = f"CN=40C,CN=DisplaySpecifiers,{ground.configuration}"
    ground.container(parent)
    dns = [f"CN={name}-Display,{parent}" for name in ("lab-distant", "lab-sysvol")]
    menus = r"3,Outils,\\partage\outils\menu.bat", rf"3,Outils,\\{ground.realm}\sysvol\{ground.realm}\scripts\menu.bat"
    for dn, menu in zip(dns, menus, strict=True):
        ground.add(dn, "displaySpecifier", adminContextMenu=menu)
    return planted(dns[:1], dns[1:])


def domain_setting(**attributes: str) -> Plant:
    """Return the seed of attributes of the domain's root."""

    def plant(ground: Ground) -> Planted:
        ground.put(ground.domain, **attributes)
        return planted([ground.domain])

    return plant


def weak_policy(ground: Ground) -> Planted:
    """Every privileged account is at fault; nearly: an ordinary one."""
    ground.put(ground.domain, minPwdLength="6")
    return planted([], ground.sids(ground.user("usr-mot-de-passe-court")))


def zone(ground: Ground, name: str, update: int) -> str:
    """Return the DN of a zone kept in the directory, with its way of taking updates (MS-DNSP 2.3.2.1)."""
    value = (1).to_bytes(4, "little") + (0).to_bytes(4, "little") + (0).to_bytes(4, "little")
    value += (1).to_bytes(4, "little") + (2).to_bytes(4, "little") + bytes([update]) + b"\0"
    parent = f"CN=MicrosoftDNS,DC=DomainDnsZones,{ground.domain}"
    return ground.add(f"DC={name},{parent}", "dnsZone", dNSProperty=value)


def unsecure_zone(ground: Ground) -> Planted:
    faulty = zone(ground, "biomed.example", 1)
    return planted([faulty], [zone(ground, "admin.example", 2), zone(ground, "fixe.example", 0)])


def prepared(ground: Ground) -> Planted:
    dn = f"CN=ActiveDirectoryUpdate,CN=DomainUpdates,CN=System,{ground.domain}"
    ground.container(dn)
    ground.put(dn, revision="15")
    return planted([dn])


def pki(ground: Ground, name: str) -> str:
    """Return the DN of a container of the public key services."""
    return ground.container(f"CN={name},CN=Public Key Services,CN=Services,{ground.configuration}")


def template(ground: Ground, name: str, *, name_flag: int, enrollment: int = 0, sddl: str = "") -> str:
    """Return the DN of a template that allows logon."""
    dn = ground.add(
        f"CN={name},{pki(ground, 'Certificate Templates')}",
        "pKICertificateTemplate",
        displayName=name,
        flags="131642",
        pKIExtendedKeyUsage="1.3.6.1.5.5.7.3.2",
        msPKI_Certificate_Name_Flag=str(name_flag),
        msPKI_Enrollment_Flag=str(enrollment),
        msPKI_RA_Signature="0",
        msPKI_Template_Schema_Version="2",
    )
    if sddl:
        ground.allow(dn, sddl)
    return dn


def authority(ground: Ground, *templates: str) -> str:
    """Return the DN of an enterprise authority that publishes templates, and is trusted for logon."""
    dn = f"CN=AC-LAB,{pki(ground, 'Enrollment Services')}"
    names = [one.partition(",")[0].removeprefix("CN=") for one in templates]
    if ground.exists(dn):
        known = [str(v) for v in ground.sam.search(base=dn, scope=0)[0].get("certificateTemplates", [])]
        ground.put(dn, certificateTemplates=[*known, *names])
        return dn
    ground.add(dn, "pKIEnrollmentService", cACertificate=SOUND, dNSHostName=f"ac.{ground.realm}")
    ground.put(dn, certificateTemplates=names)
    store = f"CN=NTAuthCertificates,{pki(ground, 'X').partition(',')[2]}"
    if not ground.exists(store):
        ground.add(store, "certificationAuthority", cACertificate=SOUND, certificateRevocationList=b"\0",
                   authorityRevocationList=b"\0")  # fmt: skip
    return dn


def chosen_subject(ground: Ground) -> Planted:
    enroll = f"(OA;;CR;{ENROLL};;AU)"
    faulty = template(ground, "ESC1", name_flag=1, sddl=enroll)
    near = (
        template(ground, "ESC1-approuve", name_flag=1, enrollment=2, sddl=enroll),
        template(ground, "ESC1-nomme", name_flag=0, sddl=enroll),
        template(ground, "ESC1-reserve", name_flag=1, sddl=f"(OA;;CR;{ENROLL};;DA)"),
    )
    unpublished = template(ground, "ESC1-non-publie", name_flag=1, sddl=enroll)
    authority(ground, faulty, *near)
    return planted([faulty], [*near, unpublished])


def template_control(ground: Ground) -> Planted:
    faulty, near = ground.user("droit-modele"), ground.user("lecture-modele")
    dn = template(ground, "Modele", name_flag=0, sddl=f"(A;;WD;;;{ground.sid_of(faulty)})")
    ground.allow(dn, f"(A;;RPLCRC;;;{ground.sid_of(near)})")
    authority(ground, dn)
    return {**planted(ground.sids(faulty), ground.sids(near)), "on": [dn]}


def pki_control(ground: Ground) -> Planted:
    faulty, near = ground.user("droit-igc"), ground.user("lecture-igc")
    dn = authority(ground)
    ground.allow(dn, f"(A;;WD;;;{ground.sid_of(faulty)})", f"(A;;RPLCRC;;;{ground.sid_of(near)})")
    return {**planted(ground.sids(faulty), ground.sids(near)), "on": [dn]}


def weak_certificate(ground: Ground) -> Planted:
    near = authority(ground)
    dn = f"CN=AC-FAIBLE,{pki(ground, 'Certification Authorities')}"
    ground.add(dn, "certificationAuthority", cACertificate=WEAK, certificateRevocationList=b"\0",
               authorityRevocationList=b"\0")  # fmt: skip
    return planted([dn], [near])


def as_provisioned(*dns: str) -> Plant:
    """Return the seed of what this version of the server cannot do better: the objects at fault, by template."""
    return lambda ground: planted([dn.format(ground) for dn in dns])


def outside_silo(ground: Ground) -> Planted:
    return planted(
        ground.sids(ground.user("adm-sans-silo", privileged=True)), ground.sids(ground.user("usr-sans-silo"))
    )


FAULTS: dict[str, Plant] = {
    "vuln_trusts_domain_notfiltered": unfiltered_trust,
    "vuln_trusts_forest_sidhistory": trust_with_history,
    "vuln_trusts_tgt_deleg": trust_with_delegation,
    "vuln_dsheuristics_bad": heuristics,
    "vuln_display_specifier": display_specifier,
    "vuln_user_accounts_machineaccountquota": domain_setting(ms_DS_MachineAccountQuota="10"),
    "vuln_privileged_members_password": weak_policy,
    "vuln_reversible_password_priv_namingcontext": domain_setting(pwdProperties="17"),
    "vuln_dnszone_bad_prop": unsecure_zone,
    "vuln_adupdate_bad": prepared,
    "vuln_adcs_template_auth_enroll_with_name": chosen_subject,
    "vuln_adcs_template_control": template_control,
    "vuln_adcs_control": pki_control,
    "vuln_certificates_vuln": weak_certificate,
    "vuln_functional_level": as_provisioned("{0.domain}", "CN=Partitions,{0.configuration}"),
    "vuln_smartcard_expire_passwords": as_provisioned("{0.domain}"),
    "vuln_silo_priv": outside_silo,
}
