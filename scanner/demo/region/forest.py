"""A small forest in the format of captures, given its faults: accounts, groups, controllers, trusts, and the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from probes.facts.directory import NamingContextRead, NamingContextRole
from probes.facts.entries import encode_entry
from probes.facts.identifiers import sid_bytes
from scanner.catalogue import attributes_asked
from scanner.demo.region.contexts import Values, contexts, thing
from scanner.demo.region.descriptor import descriptor
from scanner.demo.region.towns import Town

#: Ordinary people of the domain, and its controllers.
_PEOPLE, _CONTROLLERS = 20, 2
_DENIED = (516, 517, 518, 519, 520, 521)
_DOMAIN_POLICY = "CN={31B2F340-016D-11D2-945F-00C04FB984F9}"
_CONTROLLERS_POLICY = "CN={6AC1786C-016F-11D2-945F-00C04FB984F9}"
_WINDOWS: Values = {
    "operatingSystem": ["Windows Server 2022 Standard"], "operatingSystemVersion": ["10.0 (20348)"],
}  # fmt: skip
_OLD_WINDOWS: Values = {
    "operatingSystem": ["Windows Server 2012 R2 Standard"], "operatingSystemVersion": ["6.3 (9600)"],
}  # fmt: skip
#: When the forest was made.
_BORN = "20160301080000.0Z"
#: Contexts of one domain rather than of the forest.
_OF_DOMAIN = {NamingContextRole.DOMAIN, NamingContextRole.DOMAIN_DNS}
#: A year, in the ticks of a FILETIME.
_YEAR = 365 * 864_000_000_000
#: Groups by RID that every domain has, without members here.
_USUAL = {
    513: "Utilisateurs du domaine", 514: "Invités du domaine", 515: "Ordinateurs du domaine",
    516: "Contrôleurs de domaine", 517: "Éditeurs de certificats", 518: "Administrateurs du schéma",
    519: "Administrateurs de l’entreprise", 520: "Propriétaires créateurs de la stratégie de groupe",
    521: "Contrôleurs de domaine en lecture seule", 526: "Administrateurs clés",
    527: "Administrateurs clés Enterprise", 571: "RODC autorisés",
}  # fmt: skip
_LOCAL = {
    545: "Utilisateurs", 546: "Invités", 548: "Opérateurs de compte", 549: "Opérateurs de serveur",
    550: "Opérateurs d’impression", 551: "Opérateurs de sauvegarde",
}  # fmt: skip


def read(town: Town, faults: frozenset[str], at: datetime) -> Iterator[tuple[NamingContextRead, bytes]]:
    """Yield the fact of each naming context of a forest read whole, and its capture."""
    base = ",".join(f"DC={part}" for part in town.forest.split("."))
    of_domain = (NamingContextRole.DOMAIN, base, [*_entries(base, town, faults, at)])
    for role, dn, entries in (of_domain, *contexts(base, faults, _CONTROLLERS)):
        capture = b"".join(_written(name, _guarded(name, values, town.sid, faults)) for name, values in entries)
        fact = NamingContextRead(
            dn=dn, role=role, forest=town.forest, domain=town.forest if role in _OF_DOMAIN else "",
            server=f"dc1.{town.forest}", current_time=at, entries=len(entries), bytes_read=len(capture), queries=4,
            seconds=1.0, complete=True, asked=attributes_asked(role),
        )  # fmt: skip
        yield fact, capture


def _entries(base: str, town: Town, faults: frozenset[str], at: datetime) -> Iterator[tuple[str, Values]]:
    sid = town.sid
    yield from _top(base, sid, faults)
    admins = [f"adm-{n}" for n in range(60 if "many-admins" in faults else 3)]
    for n, name in enumerate(admins):
        yield _user(base, sid, name, 1100 + n, at, _admin(faults if n == 0 else frozenset(), sid))
    for n in range(_PEOPLE):
        yield _user(base, sid, f"agent-{n}", 2000 + n, at, _person(faults, n, at))
    yield _user(base, sid, "Invité", 501, at, {"userAccountControl": [0x200 if "guest" in faults else 0x202]})
    changed = at - timedelta(days=3000 if "krbtgt-old" in faults else 120)
    yield _user(base, sid, "krbtgt", 502, at, {"userAccountControl": [0x202], "pwdLastSet": [_ticks(changed)]})
    members = [f"CN={name},CN=Users,{base}" for name in (*admins, "Administrateur")]
    at_rest = {"lastLogonTimestamp": [_ticks(at - timedelta(days=400))], "userAccountControl": [0x100200]}
    yield _user(base, sid, "Administrateur", 500, at, {"adminCount": [1], **at_rest})
    yield from _groups(base, sid, members, faults)
    yield from _system(base)
    for number in range(1, _CONTROLLERS + 1):
        yield from _controller(base, sid, number, at, faults)
    late = 200 if "stale-server" in faults else 60 if "late-server" in faults else 10
    renewed = {"pwdLastSet": [_ticks(at - timedelta(days=late))]}
    dn, server = _computer(base, sid, "SRV-DPI", 1220, at, 0x1000)
    yield dn, {**server, **_WINDOWS, **renewed}
    if "delegation" in faults:
        yield _computer(base, sid, "SRV-APP", 1210, at, 0x81000)
    for number, target in enumerate(town.trusts):
        yield _trust(base, target, number, filtered="trust-unfiltered" not in faults)


def _user(base: str, sid: str, name: str, last: int, at: datetime, changed: Values) -> tuple[str, Values]:
    usual: Values = {
        "objectClass": ["top", "person", "user"], "sAMAccountName": [name], "objectSid": [sid_bytes(f"{sid}-{last}")],
        "userAccountControl": [0x200], "primaryGroupID": [513], "pwdLastSet": [_ticks(at - timedelta(days=40))],
        "lastLogonTimestamp": [_ticks(at - timedelta(days=2))],
    }  # fmt: skip
    return f"CN={name},CN=Users,{base}", {**usual, **changed}


def _admin(faults: frozenset[str], sid: str) -> Values:
    """The first administrator bears the faults of privileged accounts."""
    flags = 0x200
    flags |= 0x10000 if "never-expire" in faults else 0
    flags |= 0x400000 if "preauth" in faults else 0
    flags |= 0x80 if "reversible" in faults else 0
    values: dict[str, list[bytes | str | int]] = {"userAccountControl": [flags], "adminCount": [1]}
    if "admin-spn" in faults:
        values["servicePrincipalName"] = ["MSSQLSvc/sql1"]
    if "sid-history" in faults:
        values["sIDHistory"] = [sid_bytes("S-1-5-21-1-2-3-1104")]
    return values


def _person(faults: frozenset[str], number: int, at: datetime) -> Values:
    if "idle" in faults and number < _PEOPLE // 2:
        return {"lastLogonTimestamp": [_ticks(at - timedelta(days=500))]}
    return {}


def _group(base: str, sid: str, name: str, members: list[str]) -> tuple[str, Values]:
    where = "Builtin" if sid.startswith("S-1-5-32-") else "Users"
    values: Values = {
        "objectClass": ["top", "group"], "sAMAccountName": [name], "objectSid": [sid_bytes(sid)], "member": members,
    }  # fmt: skip
    return f"CN={name},CN={where},{base}", values


def _computer(base: str, sid: str, name: str, last: int, at: datetime, flags: int) -> tuple[str, Values]:
    dn, values = _user(base, sid, f"{name}$", last, at, {"objectClass": ["top", "person", "user", "computer"]})
    return dn.replace("CN=Users", "CN=Computers"), {**values, "userAccountControl": [flags], "primaryGroupID": [515]}


def _controller(base: str, sid: str, number: int, at: datetime, faults: frozenset[str]) -> Iterator[tuple[str, Values]]:
    _, values = _computer(base, sid, f"DC{number}", 999 + number, at, 0x82000)
    own: Values = {
        "pwdLastSet": [_ticks(at - timedelta(days=10))], "primaryGroupID": [516],
        "servicePrincipalName": [f"HOST/dc{number}"], "msDS-SupportedEncryptionTypes": [24],
        **(_OLD_WINDOWS if "old-controller" in faults and number == 2 else _WINDOWS),
    }  # fmt: skip
    dn = f"CN=DC{number},OU=Domain Controllers,{base}"
    yield dn, {**values, **own}
    yield thing(f"CN=DFSR-LocalSettings,{dn}", "msDFSR-LocalSettings")


def _top(base: str, sid: str, faults: frozenset[str]) -> Iterator[tuple[str, Values]]:
    """The root of the domain with its password policy, and its containers."""
    policies = f"CN=Policies,CN=System,{base}"
    yield base, {
        "objectClass": ["top", "domain", "domainDNS"], "objectSid": [sid_bytes(sid)], "msDS-Behavior-Version": [7],
        "ms-DS-MachineAccountQuota": [10 if "machine-quota" in faults else 0],
        "minPwdLength": [7 if "weak-policy" in faults else 12], "maxPwdAge": [-_YEAR], "pwdProperties": [1],
        "pwdHistoryLength": [24], "lockoutThreshold": [10], "msDS-ExpirePasswordsOnSmartCardOnlyAccounts": ["TRUE"],
        "gPLink": [f"[LDAP://{_DOMAIN_POLICY},{policies};0]"],
    }  # fmt: skip
    dn, values = thing(f"OU=Domain Controllers,{base}", "organizationalUnit")
    yield dn, {**values, "gPLink": [f"[LDAP://{_CONTROLLERS_POLICY},{policies};0]"]}
    for name in ("Builtin", "Users", "Computers", "Managed Service Accounts", "ForeignSecurityPrincipals", "System"):
        yield thing(f"CN={name},{base}", "container")


def _groups(base: str, sid: str, members: list[str], faults: frozenset[str]) -> Iterator[tuple[str, Values]]:
    for last, name in ((512, "Admins du domaine"), (525, "Protected Users")):
        yield _group(base, f"{sid}-{last}", name, members)
    for last, name in _USUAL.items():
        yield _group(base, f"{sid}-{last}", name, [])
    never = [f"CN={name},CN=Users,{base}" for name in ("Admins du domaine", *(_USUAL[n] for n in _DENIED), "krbtgt")]
    yield _group(base, f"{sid}-572", "RODC refusés", never)
    yield _group(base, "S-1-5-32-544", "Administrateurs", [f"CN=Admins du domaine,CN=Users,{base}"])
    for last, name in _LOCAL.items():
        yield _group(base, f"S-1-5-32-{last}", name, [])
    told = ["S-1-5-11", *(["S-1-5-7"] if "pre-2000" in faults else [])]
    principals = [f"CN={who},CN=ForeignSecurityPrincipals,{base}" for who in told]
    for who, dn in zip(told, principals, strict=True):
        yield thing(dn, "foreignSecurityPrincipal", objectSid=sid_bytes(who))
    yield _group(base, "S-1-5-32-554", "Accès compatible pré-Windows 2000", principals)


def _system(base: str) -> Iterator[tuple[str, Values]]:
    """What lies under System: AdminSDHolder, the policies, keys and settings, and SYSVOL, replicated by DFSR."""
    system = f"CN=System,{base}"
    for name in ("AdminSDHolder", "Policies", "MicrosoftDNS"):
        yield thing(f"CN={name},{system}", "container")
    for policy in (_DOMAIN_POLICY, _CONTROLLERS_POLICY):
        yield thing(
            f"{policy},CN=Policies,{system}", "groupPolicyContainer", displayName=policy, flags=0, versionNumber=1
        )
    yield thing(f"CN=DFSR-GlobalSettings,{system}", "msDFSR-GlobalSettings", msDFSR_Flags=48)
    replicated = f"CN=Domain System Volume,CN=DFSR-GlobalSettings,{system}"
    yield thing(replicated, "msDFSR-ReplicationGroup", msDFSR_ReplicationGroupType=1)
    yield thing(f"CN=BCKUPKEY_P Secret,{system}", "secret")
    yield thing(f"CN=ActiveDirectoryUpdate,CN=DomainUpdates,{system}", "container", revision=16)
    yield thing(f"CN=Password Settings Container,{system}", "msDS-PasswordSettingsContainer")


def _guarded(dn: str, values: Values, sid: str, faults: frozenset[str]) -> Values:
    protected = "adminCount" in values or dn.startswith("CN=AdminSDHolder")
    enrolled = "template-open" in faults and "pKICertificateTemplate" in values["objectClass"]
    identity = hashlib.md5(dn.encode(), usedforsecurity=False).digest()
    usual: Values = {"objectGUID": [identity], "whenCreated": [_BORN]}
    owner = f"{sid}-2003" if "owned" in faults and dn.startswith("CN=SRV-DPI") else ""
    guard = descriptor(sid, owner=owner, protected=protected, enrolled=enrolled)
    return {**usual, **values, "nTSecurityDescriptor": [guard]}


def _trust(base: str, target: str, number: int, *, filtered: bool) -> tuple[str, Values]:
    values: Values = {
        "objectClass": ["top", "leaf", "trustedDomain"], "objectGUID": [bytes([number + 1]) * 16], "name": [target],
        "trustPartner": [target], "trustDirection": [3], "trustType": [2], "trustAttributes": [4 if filtered else 0],
    }  # fmt: skip
    return f"CN={target},CN=System,{base}", values


def _written(dn: str, values: Values) -> bytes:
    return encode_entry(dn, {name: [_bytes(value) for value in several] for name, several in values.items()})


def _bytes(value: bytes | str | int) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _ticks(at: datetime) -> int:
    """An instant as a FILETIME."""
    return int((at - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000
