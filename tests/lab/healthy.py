"""A small healthy forest of today, in French: every point is met, so that each test spoils one thing."""

from __future__ import annotations

from probes.facts.identifiers import sid_bytes
from tests.lab.synthetic import (
    BASE,
    CONFIG,
    DOMAIN,
    DOMAIN_DNS,
    FOREST_DNS,
    HEURISTICS,
    PKI,
    SCHEMA,
    SERVICES,
    SID,
    SILO,
    YEAR,
    World,
    ago,
    certificate,
    sid,
    zone_property,
)

SYSTEM_DN = f"CN=System,{BASE}"
HOLDER = f"CN=AdminSDHolder,{SYSTEM_DN}"
CONTROLLERS = f"OU=Domain Controllers,{BASE}"
CONTROLLER = f"CN=DC1,{CONTROLLERS}"
POLICIES = f"CN=Policies,{SYSTEM_DN}"
DOMAIN_POLICY = f"CN={{31B2F340-016D-11D2-945F-00C04FB984F9}},{POLICIES}"
CONTROLLERS_POLICY = f"CN={{6AC1786C-016F-11D2-945F-00C04FB984F9}},{POLICIES}"
REPLICATION = f"CN=Domain System Volume,CN=DFSR-GlobalSettings,{SYSTEM_DN}"
BACKUP_KEY = f"CN=BCKUPKEY_P Secret,{SYSTEM_DN}"
PREPARED = f"CN=ActiveDirectoryUpdate,CN=DomainUpdates,{SYSTEM_DN}"
PASSWORD_SETTINGS = f"CN=Password Settings Container,{SYSTEM_DN}"
DNS_SERVER = f"CN=MicrosoftDNS,{SYSTEM_DN}"
ROOT_KEY = f"CN=3f1f2a52,CN=Master Root Keys,CN=Group Key Distribution Service,{SERVICES}"
TEMPLATE = f"CN=Medecins,CN=Certificate Templates,{PKI}"
AUTHORITY = f"CN=AC-TEST,CN=Enrollment Services,{PKI}"
NT_AUTH = f"CN=NTAuthCertificates,{PKI}"
DIRECTORY_SERVICE = f"CN=Directory Service,CN=Windows NT,{SERVICES}"
SITE = f"CN=Paris,CN=Sites,{CONFIG}"
SERVER = f"CN=DC1,CN=Servers,{SITE}"
MENU = f"CN=user-Display,CN=40C,CN=DisplaySpecifiers,{CONFIG}"
ZONE, MSDCS = f"DC={DOMAIN},CN=MicrosoftDNS,{DOMAIN_DNS}", f"DC=_msdcs.{DOMAIN},CN=MicrosoftDNS,{FOREST_DNS}"
ADMIN = f"CN=adm-élodie,OU=Médecins,{BASE}"
USER = f"CN=Hélène,OU=Médecins,{BASE}"
MANAGED = f"CN=gmsa-pacs,CN=Managed Service Accounts,{BASE}"
ANSWER = f"CN=S-1-5-11,CN=ForeignSecurityPrincipals,{BASE}"


def healthy() -> World:
    """Return the forest."""
    world = World()
    for part in (_roots, _groups, _accounts, _system, _configuration, _zones):
        part(world)
    return world


def _roots(world: World) -> None:
    world.add(
        BASE, "domain", "domainDNS", objectSid=sid_bytes(SID), msDS_Behavior_Version=7, minPwdLength=12,
        maxPwdAge=-YEAR, pwdProperties=1, lockoutThreshold=10, ms_DS_MachineAccountQuota=0, pwdHistoryLength=24,
        msDS_ExpirePasswordsOnSmartCardOnlyAccounts=True, gPLink=f"[LDAP://{DOMAIN_POLICY};0]",
    )  # fmt: skip
    world.add(f"OU=Médecins,{BASE}", "organizationalUnit")
    world.add(CONTROLLERS, "organizationalUnit", gPLink=f"[LDAP://{CONTROLLERS_POLICY};0]")
    for name in ("Builtin", "Users", "Computers", "Managed Service Accounts", "ForeignSecurityPrincipals"):
        world.add(f"CN={name},{BASE}", "container")
    world.add(CONFIG, "configuration").add(SCHEMA, "dMD", objectVersion=88)
    world.add(f"CN=User,{SCHEMA}", "classSchema", lDAPDisplayName="user")
    world.add(f"CN=ms-LAPS-Password-Expiration-Time,{SCHEMA}", "attributeSchema")
    world.add(f"CN=DMSA,{SCHEMA}", "classSchema", lDAPDisplayName="msDS-DelegatedManagedServiceAccount")


def _groups(world: World) -> None:
    world.add(ANSWER, "foreignSecurityPrincipal", objectSid=sid_bytes("S-1-5-11"))
    for name, last, *members in (
        ("Admins du domaine", 512, ADMIN, f"CN=Patron,OU=Médecins,{BASE}"), ("Utilisateurs du domaine", 513),
        ("Invités du domaine", 514), ("Ordinateurs du domaine", 515), ("Contrôleurs de domaine", 516),
        ("Éditeurs de certificats", 517), ("Administrateurs du schéma", 518),
        ("Administrateurs de l'entreprise", 519), ("Propriétaires créateurs de la stratégie de groupe", 520),
        ("Contrôleurs de domaine en lecture seule", 521),
        ("Protected Users", 525, ADMIN, f"CN=Patron,OU=Médecins,{BASE}"),
        ("Administrateurs clés", 526), ("Administrateurs clés Enterprise", 527), ("RODC autorisés", 571),
        ("RODC refusés", 572), ("DnsAdmins", 1101), ("G-Médecins", 1102, USER),
    ):  # fmt: skip
        world.group(str(name), int(last), *members)
    denied = [world.dn(n) for n in (512, 516, 517, 518, 519, 520, 521)]
    world.join(572, *denied, f"CN=krbtgt,CN=Users,{BASE}")
    for name, last, *members in (
        ("Administrateurs", 544, world.dn(512), world.dn(519)), ("Utilisateurs", 545, world.dn(513)), ("Invités", 546),
        ("Opérateurs de compte", 548), ("Opérateurs de serveur", 549), ("Opérateurs d'impression", 550),
        ("Opérateurs de sauvegarde", 551), ("Accès compatible pré-Windows 2000", 554, ANSWER),
    ):  # fmt: skip
        world.group(name, f"S-1-5-32-{last}", *members)


def _accounts(world: World) -> None:
    world.user("Patron", 500, adminCount=1, msDS_AssignedAuthNPolicySilo=SILO, lastLogonTimestamp=ago(90))
    world.user("Invité", 501, userAccountControl=0x202, primaryGroupID=514)
    krbtgt = f"CN=krbtgt,CN=Users,{BASE}"
    world.add(
        krbtgt, "user", sAMAccountName="krbtgt", objectSid=sid_bytes(sid(502)), userAccountControl=0x202,
        primaryGroupID=513, pwdLastSet=ago(90), servicePrincipalName="kadmin/changepw", adminCount=1,
    )  # fmt: skip
    world.user("adm-élodie", 1105, adminCount=1, msDS_AssignedAuthNPolicySilo=SILO)
    world.user("Hélène", 1104)
    for n in range(20):
        world.user(f"agent-{n}", 2000 + n)
    world.computer("PC1", 1110)
    world.computer("SRV1", 1111, operatingSystem="Windows Server 2022 Standard", operatingSystemVersion="10.0 (20348)")
    controller: dict[str, str | int | bytes | list[str]] = {
        "sAMAccountName": "DC1$", "objectSid": sid_bytes(sid(1000)), "userAccountControl": 0x82000,
        "primaryGroupID": 516, "pwdLastSet": ago(10), "lastLogonTimestamp": ago(2), "msDS_SupportedEncryptionTypes": 24,
        "operatingSystem": "Windows Server 2022 Standard", "operatingSystemVersion": "10.0 (20348)",
        "servicePrincipalName": ["ldap/dc1.ad.test", "HOST/DC1"],
    }  # fmt: skip
    world.add(CONTROLLER, "person", "organizationalPerson", "user", "computer", **controller)
    managed: dict[str, str | int | bytes] = {
        "sAMAccountName": "gmsa-pacs$", "objectSid": sid_bytes(sid(1112)), "userAccountControl": 0x1000,
        "primaryGroupID": 515, "pwdLastSet": ago(20), "servicePrincipalName": "http/pacs",
        "msDS_SupportedEncryptionTypes": 28,
    }  # fmt: skip
    world.add(MANAGED, "user", "computer", "msDS-GroupManagedServiceAccount", **managed)


def _system(world: World) -> None:
    world.add(SYSTEM_DN, "container").add(HOLDER, "container").add(POLICIES, "container")
    world.secured(HOLDER, protected=True)
    for dn in (ADMIN, f"CN=Patron,OU=Médecins,{BASE}"):
        world.secured(dn, protected=True)
    for dn in (DOMAIN_POLICY, CONTROLLERS_POLICY):
        world.add(dn, "groupPolicyContainer", displayName="Stratégie", flags=0, versionNumber=1)
    world.add(f"CN=DFSR-GlobalSettings,{SYSTEM_DN}", "msDFSR-GlobalSettings", msDFSR_Flags=48)
    world.add(REPLICATION, "msDFSR-ReplicationGroup", msDFSR_ReplicationGroupType=1)
    world.add(f"CN=DFSR-LocalSettings,{CONTROLLER}", "msDFSR-LocalSettings")
    world.add(BACKUP_KEY, "secret").add(PREPARED, "container", revision=16)
    world.add(PASSWORD_SETTINGS, "msDS-PasswordSettingsContainer").add(DNS_SERVER, "container")


def _configuration(world: World) -> None:
    world.add(f"CN=Partitions,{CONFIG}", "crossRefContainer", msDS_Behavior_Version=7)
    for name, dn, flat in (("DOMAINE", BASE, "DOMAINE"), ("ZONES", DOMAIN_DNS, None), ("FORET", FOREST_DNS, None)):
        root = dn.replace("DC=", "").replace(",", ".")
        world.add(f"CN={name},CN=Partitions,{CONFIG}", "crossRef", nCName=dn, dnsRoot=root, nETBIOSName=flat)
    world.add(DIRECTORY_SERVICE, "nTDSService", dSHeuristics=HEURISTICS)
    world.add(SITE, "site").add(SERVER, "server", serverReference=CONTROLLER, dNSHostName="dc1.ad.test")
    world.add(f"CN=NTDS Settings,{SERVER}", "nTDSDSA", msDS_Behavior_Version=7)
    world.add(MENU, "displaySpecifier", adminContextMenu=["0,{08eb4fa6-6ffd-11d1-b0e0-00c04fd8dca6}"])
    for name in (
        "AIA",
        "CDP",
        "Certification Authorities",
        "Certificate Templates",
        "Enrollment Services",
        "KRA",
        "OID",
    ):
        world.add(f"CN={name},{PKI}", "container")
    world.add(NT_AUTH, "certificationAuthority", cACertificate=certificate())
    world.add(AUTHORITY, "pKIEnrollmentService", cACertificate=certificate(), certificateTemplates=["Medecins"])
    world.add(
        TEMPLATE, "pKICertificateTemplate", cn="Medecins", pKIExtendedKeyUsage="1.3.6.1.5.5.7.3.2",
        msPKI_Certificate_Name_Flag=0, msPKI_Enrollment_Flag=0, msPKI_RA_Signature=0,
    )  # fmt: skip
    world.add(ROOT_KEY, "msKds-ProvRootKey")
    members = [ADMIN, f"CN=Patron,OU=Médecins,{BASE}"]
    world.add(SILO, "msDS-AuthNPolicySilo", msDS_AuthNPolicySiloEnforced=True, msDS_AuthNPolicySiloMembers=members)


def _zones(world: World) -> None:
    world.add(DOMAIN_DNS, "domainDNS").add(FOREST_DNS, "domainDNS")
    world.add(ZONE, "dnsZone", dNSProperty=zone_property(2)).add(MSDCS, "dnsZone", dNSProperty=zone_property(2))
