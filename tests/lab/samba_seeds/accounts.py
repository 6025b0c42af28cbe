"""Faults of accounts and groups."""

from __future__ import annotations

from collections.abc import Callable

from tests.lab.samba_seeds.planting import (
    BYPASS,
    DISABLED,
    NEVER_EXPIRES,
    NORMAL,
    PRIVILEGED,
    Ground,
    Plant,
    Planted,
    days_ago,
    planted,
)

NO_PREAUTH, DES_ONLY, REVERSIBLE, UNCONSTRAINED, TRANSITION = 0x400000, 0x200000, 0x80, 0x80000, 0x1000000
AES = "24"


def ordinary(ground: Ground) -> None:
    """Plant what every lab domain has: a unit, ordinary accounts, a healthy policy."""
    ground.add(ground.people, "organizationalUnit")
    ground.put(ground.domain, ms_DS_MachineAccountQuota="0", minPwdLength="12", lockoutThreshold="10")
    ground.put(ground.domain, lockoutDuration=str(-30 * 60 * 10_000_000), lockOutObservationWindow=str(-18_000_000_000))
    ground.user("lecteur")
    ground.put(ground.user("expire"), accountExpires=days_ago(5))
    ground.user("desactive", flags=DISABLED)
    ground.put(ground.user("verrouille"), controls=BYPASS, lockoutTime=days_ago(0), badPwdCount="10")
    ground.put(ground.user("mdp-expire"), controls=BYPASS, pwdLastSet=days_ago(400))
    ground.put(ground.user("mdp-a-changer"), controls=BYPASS, pwdLastSet="0")
    ground.user("Hélène Garçon", description="Hôpital de l'Océan")
    # counted among the privileged everywhere but in their number
    ground.besides(ground.by_rid(500), points=PRIVILEGED[1:])


def guest(ground: Ground) -> Planted:
    dn = ground.by_rid(501)
    ground.put(dn, userAccountControl=str(NORMAL | 0x20))
    return planted(ground.sids(dn), ground.sids(ground.user("Invité2")))


def krbtgt(ground: Ground) -> Planted:
    dn = ground.by_rid(502)
    ground.aged(dn, 400)
    return planted(ground.sids(dn), ground.sids(ground.user("krbtgt2", password_days=400)))


def flagged(label: str, flag: int) -> Plant:
    """Return the seed of an ordinary account with a flag; nearly: a disabled one."""

    def plant(ground: Ground) -> Planted:
        near = ground.user(f"{label}-desactive", flags=flag | DISABLED)
        return planted(ground.sids(ground.user(label, flags=flag)), ground.sids(near))

    return plant


def privileged(label: str, flag: int) -> Plant:
    """Return the seed of a privileged account with a flag, one by a nested group; nearly: an ordinary one."""

    def plant(ground: Ground) -> Planted:
        direct = ground.user(f"adm-{label}", flags=flag, privileged=True)
        nested = ground.user(f"adm-{label}-imbrique", flags=flag, adminCount="1")
        ground.join(ground.by_rid(512), ground.group(f"G-{label}", nested))
        ground.besides(nested, points=PRIVILEGED)
        near = ground.user(f"usr-{label}", flags=flag)
        if flag == NO_PREAUTH:
            ground.besides(near, points=["vuln_kerberos_properties_preauth"])
        if flag == NEVER_EXPIRES:
            ground.besides(direct, nested, near, points=["vuln_dont_expire"])
        return planted(ground.sids(direct, nested), ground.sids(near))

    return plant


def spn_priv(ground: Ground) -> Planted:
    faulty = ground.user("adm-spn", privileged=True, servicePrincipalName="http/pacs.chu.example")
    ground.besides(faulty, points=["vuln_kerberos_properties_encryption"])
    near = ground.user("svc-spn", servicePrincipalName="http/ris.chu.example", msDS_SupportedEncryptionTypes=AES)
    return planted(ground.sids(faulty), ground.sids(near))


def encryption(ground: Ground) -> Planted:
    none = ground.user("svc-sans-aes", servicePrincipalName="http/a.chu.example")
    weak = ground.user("svc-rc4", servicePrincipalName="http/b.chu.example", msDS_SupportedEncryptionTypes="4")
    near = ground.user("svc-aes", servicePrincipalName="http/c.chu.example", msDS_SupportedEncryptionTypes=AES)
    return planted(ground.sids(none, weak), ground.sids(near))


def old_password_priv(ground: Ground) -> Planted:
    faulty = ground.user("adm-ancien", password_days=1200, privileged=True)
    return planted(ground.sids(faulty), ground.sids(ground.user("adm-recent", password_days=1000, privileged=True)))


def no_admincount(ground: Ground) -> Planted:
    faulty = ground.user("adm-sans-admincount")
    ground.join(ground.by_rid(512), faulty)
    ground.besides(faulty, points=PRIVILEGED)
    return planted(ground.sids(faulty), ground.sids(ground.user("adm-admincount", privileged=True)))


def too_many_privileged(ground: Ground) -> Planted:
    dns = [ground.user(f"adm-nombreux-{i:02}", privileged=True, password=False) for i in range(60)]
    return planted(ground.sids(*dns))


def primary_group(low: bool) -> Plant:
    """Return the seed of an account whose primary group is not the default."""

    def plant(ground: Ground) -> Planted:
        label = "bas" if low else "haut"
        faulty = ground.user(f"groupe-primaire-{label}")
        group = ground.by_rid(512) if low else ground.group("G-primaire")
        ground.join(group, faulty)
        ground.put(faulty, primaryGroupID=ground.sid_of(group).rpartition("-")[2])
        if low:
            marked = "vuln_privileged_members_no_admincount"
            ground.besides(faulty, points=[*PRIVILEGED, marked, "vuln_primary_group_id_nochange"])
        return planted(ground.sids(faulty), ground.sids(ground.user(f"groupe-primaire-{label}-513")))

    return plant


def sid_history(dangerous: bool) -> Plant:
    """Return the seed of an account with a history; nearly, for the dangerous one: an ordinary RID."""

    def plant(ground: Ground) -> Planted:
        other = "S-1-5-21-1004336348-1177238915-682003330"
        label = "dangereux" if dangerous else "present"
        plain = ground.user(f"historique-{label}-ordinaire")
        ground.put(plain, controls=BYPASS, sIDHistory=ground.binary_sid(f"{other}-1234"))
        if not dangerous:
            return planted(ground.sids(plain), ground.sids(ground.user("historique-vide")))
        faulty = ground.user("historique-dangereux")
        ground.put(faulty, controls=BYPASS, sIDHistory=ground.binary_sid(f"{other}-512"))
        ground.besides(faulty, plain, points=["vuln_sidhistory_present"])
        return planted(ground.sids(faulty), ground.sids(plain))

    return plant


def delegation(transition: bool) -> Plant:
    """Return the seed of a constrained delegation to the controller; nearly: to a member server."""

    def plant(ground: Ground) -> Planted:
        label, flag = ("t2a4d", TRANSITION) if transition else ("a2d2", 0)

        def service(name: str, target: str) -> str:
            return ground.user(f"svc-{label}-{name}", flags=flag, msDS_AllowedToDelegateTo=target)

        dn, short = service("long", f"ldap/dc1.{ground.realm}"), service("court", "cifs/DC1")
        near = service("membre", f"http/pacs.{ground.realm}")
        return planted(ground.sids(dn, short), ground.sids(near))

    return plant


def dormant(ground: Ground) -> Planted:
    faulty = [ground.user(f"dormant-{i:02}", password_days=1200, logon_days=500, password=False) for i in range(40)]
    near = ground.user("dormant-revenu", password_days=1200, logon_days=100)
    return planted(ground.sids(*faulty), ground.sids(near))


def dont_expire(ground: Ground) -> Planted:
    faulty = [ground.user(f"sans-fin-{i:02}", flags=NEVER_EXPIRES, password=False) for i in range(20)]
    return planted(ground.sids(*faulty), ground.sids(ground.user("sans-fin-desactive", flags=NEVER_EXPIRES | DISABLED)))


def group_loop(ground: Ground) -> Planted:
    first, second = ground.group("G-boucle-1"), ground.group("G-boucle-2")
    ground.join(first, second)
    ground.join(second, first)
    left, right = ground.group("G-losange-1"), ground.group("G-losange-2")
    bottom, top = ground.group("G-losange-0", left, right), ground.group("G-losange-3")
    ground.join(left, top)
    ground.join(right, top)
    return planted(ground.sids(first, second), ground.sids(bottom, left, right, top))


def foreign(ground: Ground, sid: str) -> str:
    """Return the DN of the foreign principal of a well-known SID."""
    dn = f"CN={sid},CN=ForeignSecurityPrincipals,{ground.domain}"
    if not ground.exists(dn):
        controls = ["provision:0", "relax:0"]
        ground.add(dn, "foreignSecurityPrincipal", objectSid=ground.binary_sid(sid), controls=controls)
    return dn


def compatible_2000(sid: str) -> Plant:
    """Return the seed of a member of Pre-Windows 2000 Compatible Access; nearly: Authenticated Users."""

    def plant(ground: Ground) -> Planted:
        ground.join(f"CN=Pre-Windows 2000 Compatible Access,CN=Builtin,{ground.domain}", foreign(ground, sid))
        ground.also["vuln_compatible_2000_not_default"].add(sid)
        return planted([sid], ["S-1-5-11"])

    return plant


def dns_admins(ground: Ground) -> Planted:
    faulty = ground.user("dns-operateur")
    near = ground.user("adm-dns", privileged=True)
    group = f"CN=DnsAdmins,CN=Users,{ground.domain}"
    ground.join(group, faulty, near)
    ground.besides(group, points=["vuln_permissions_msdns"])
    return planted(ground.sids(faulty), ground.sids(near))


def trust_account(ground: Ground) -> Planted:
    dns = []
    for name, days in (("ANCIEN", 400), ("RECENT", 100)):
        dn = ground.user(f"{name}$", password=False)
        ground.put(dn, controls=BYPASS, userAccountControl=str(0x820))
        ground.aged(dn, days)
        dns.append(dn)
    return planted(ground.sids(dns[0]), ground.sids(dns[1]))


def rodc_allowed(ground: Ground) -> Planted:
    member = ground.user("rodc-autorise")
    ground.join(ground.by_rid(571), member)
    return planted(ground.sids(member))


def orphan_krbtgt(ground: Ground) -> Planted:
    dn = ground.user("krbtgt_65536", flags=DISABLED, password=False)
    ground.put(dn, controls=BYPASS, msDS_SecondaryKrbTgtNumber="65536")
    return planted(ground.sids(dn))


def people(ground: Ground, count: int) -> Planted:
    """Plant many accounts, and a group that holds them all."""
    dns = [ground.user(f"agent-{i:05}", password=False) for i in range(count)]
    group = ground.group("G-agents", *dns)
    return {"group": [group], "members": dns}


def unprotected(ground: Ground) -> Planted:
    faulty, near = (ground.user(f"adm-{name}", privileged=True) for name in ("sans-protection", "protege"))
    ground.join(ground.by_rid(525), near)
    return planted(ground.sids(faulty), ground.sids(near))


FAULTS: dict[str, Plant] = {
    "vuln_guest": guest,
    "vuln_krbtgt": krbtgt,
    "vuln_kerberos_properties_preauth": flagged("sans-preauth", NO_PREAUTH),
    "vuln_kerberos_properties_preauth_priv": privileged("sans-preauth", NO_PREAUTH),
    "vuln_kerberos_properties_deskey": flagged("des", DES_ONLY),
    "vuln_kerberos_properties_encryption": encryption,
    "vuln_dont_expire_priv": privileged("sans-fin", NEVER_EXPIRES),
    "vuln_dont_expire": dont_expire,
    "vuln_reversible_password_priv_uac": privileged("reversible", REVERSIBLE),
    "vuln_delegation_t4d": flagged("non-contrainte", UNCONSTRAINED),
    "vuln_delegation_a2d2": delegation(transition=False),
    "vuln_delegation_t2a4d": delegation(transition=True),
    "vuln_spn_priv": spn_priv,
    "vuln_password_change_priv": old_password_priv,
    "vuln_privileged_members_no_admincount": no_admincount,
    "vuln_privileged_members": too_many_privileged,
    "vuln_primary_group_id_1000": primary_group(low=True),
    "vuln_primary_group_id_nochange": primary_group(low=False),
    "vuln_sidhistory_dangerous": sid_history(dangerous=True),
    "vuln_sidhistory_present": sid_history(dangerous=False),
    "vuln_user_accounts_dormant": dormant,
    "vuln_group_loop": group_loop,
    "vuln_compatible_2000_anonymous": compatible_2000("S-1-5-7"),
    "vuln_compatible_2000_not_default": compatible_2000("S-1-1-0"),
    "vuln_dnsadmins": dns_admins,
    "vuln_trusts_accounts": trust_account,
    "vuln_rodc_allowed_group": rodc_allowed,
    "vuln_rodc_orphan_krbtgt": orphan_krbtgt,
    "vuln_protected_users": unprotected,
}

BULK: dict[str, Callable[[Ground, int], Planted]] = {"people": people}
